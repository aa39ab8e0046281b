"""The warehouse: a DuckDB file in artifacts/."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from .errors import ProjectError
from .frames import Frame, from_relation
from .settings import Settings
from .sql import quote

Connection = duckdb.DuckDBPyConnection


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """Open the warehouse for reading and writing; one process can at a time.

    Raises:
        ProjectError: another process holds the file.

    """
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    path = settings.artifacts / "warehouse.duckdb"
    try:
        connection = duckdb.connect(path)
    except duckdb.IOException as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(
            f"{path} cannot be opened; does another run hold it? ({reason})"
        ) from None
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def scratch(settings: Settings) -> Iterator[Connection]:
    """Open an empty warehouse, of which nothing is left afterwards."""
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.artifacts, prefix="scratch-") as folder:
        connection = duckdb.connect(Path(folder) / "scratch.duckdb")
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Have all of what is done take effect, or nothing."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def read_in(
    connection: Connection,
    table: str,
    read: Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation],
) -> None:
    """Make a table of what DuckDB reads from files."""
    rows = read(connection)
    connection.execute(f"DROP TABLE IF EXISTS {quote(table)}")
    rows.create(quote(table))


def write_in_order(connection: Connection, table: str, query: str, order: str) -> None:
    """Make a table of a query's rows, which are numbered in this order from 1 on."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {quote(table)} AS SELECT * FROM ({query}) ORDER BY {order}"
    )


def write(connection: Connection, table: str, query: str) -> None:
    """Make a table of a query's rows, in no order: keeping the one they have costs a quarter."""
    connection.execute("SET preserve_insertion_order = FALSE")
    connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS {query}")
    connection.execute("RESET preserve_insertion_order")


def row_number(connection: Connection, table: str) -> str:
    """Give the SQL of a row's number in a table that is only ever written whole, from 1 on.

    DuckDB keeps one for each row, which costs nothing, unless a column has taken its name.
    """
    names = columns(connection, table)
    return "row_number() OVER ()" if "rowid" in map(str.lower, names) else "rowid + 1"


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Give the columns of a table and their types; none where there is no such table."""
    try:
        relation = connection.table(quote(table))
    except duckdb.CatalogException:
        return {}
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def relation(
    connection: Connection, query: str, parameters: Sequence[object] = ()
) -> duckdb.DuckDBPyRelation:
    """Give the rows of a query to DuckDB."""
    return connection.sql(query, params=list(parameters))
