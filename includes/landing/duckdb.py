"""A source's rows on their way into the warehouse, without the personal data in them."""

from collections.abc import Callable

import duckdb

from .masking import Mask, staging
from .settings import Settings
from .sources.loaded import Loaded
from .sql import quote
from .warehouse import Connection


def land(
    connection: Connection,
    settings: Settings,
    mask: Mask,
    table: str,
    load: Callable[[duckdb.DuckDBPyConnection], Loaded],
) -> Loaded:
    """Make the table `table` of the rows that `load` writes into a table of that name.

    Raises:
        ProjectError: the source cannot be read.

    """
    if not mask.state:
        return load(connection)
    with staging(connection, settings) as warehouse:
        loaded = load(connection)
        rows = mask.select(connection, quote(table))
        taken_over = f"{quote(warehouse)}.{quote(table)}"
        connection.execute(f"CREATE OR REPLACE TABLE {taken_over} AS {rows}")
    return loaded
