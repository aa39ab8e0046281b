"""A source's rows on their way into the warehouse, without the personal data in them."""

from collections.abc import Callable

import duckdb

from fourhats_runtime.contract.names import landed
from fourhats_runtime.data.masking import Mask, staging
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.project import Project


def land(
    connection: Connection,
    project: Project,
    mask: Mask,
    table: str,
    load: Callable[[duckdb.DuckDBPyConnection], Loaded],
) -> Loaded:
    """Make the table `table` of the rows that `load` writes into a table of that name.

    Unless they may go there as they are, they wait in a file of DuckDB's, which is deleted as soon
    as the warehouse has them.

    Raises:
        ProjectError: the source cannot be read, or the warehouse does not take its rows.

    """
    reader = connection.reader
    if connection.reads_itself and not mask.state:
        return _loaded(reader, table, load)
    with staging(reader, project):
        loaded = _loaded(reader, table, load)
        rows = reader.sql(mask.select(reader, quote(table)))
        connection.load(table, connection.numbered(rows))
    return loaded


def _loaded(
    reader: duckdb.DuckDBPyConnection,
    table: str,
    load: Callable[[duckdb.DuckDBPyConnection], Loaded],
) -> Loaded:
    """Have the rows written, and let the client's columns give way to the project's own."""
    loaded = load(reader)
    for name in reader.table(quote(table)).columns:
        if (other := landed(name)) != name:
            reader.execute(
                f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(name)} TO {quote(other)}"
            )
    return loaded
