"""A source's rows on their way into the warehouse, without the personal data in them."""

from collections.abc import Callable

import duckdb

from .errors import ProjectError
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
    """Make the table `table` of the rows that `load` writes into a table of that name, numbered.

    They wait in a file of DuckDB's, which is deleted as soon as the warehouse has them.

    Raises:
        ProjectError: the source cannot be read, or the warehouse does not take its rows.

    """
    reader = connection.reader
    with staging(reader, settings):
        loaded = load(reader)
        if "_row" in map(str.lower, reader.table(quote(table)).columns):
            raise ProjectError(
                "the source has a column _row, as the number of each row is called here: give it "
                "another name at the source"
            )
        rows = mask.select(reader, quote(table))
        numbered = f"SELECT row_number() OVER () AS _row, * FROM ({rows}) AS unnumbered"
        connection.load(table, reader.sql(numbered))
    return loaded
