"""The warehouse: a DuckDB file in artifacts/."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from .errors import ProjectError
from .settings import Settings
from .sql import quote


@contextmanager
def connect(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
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
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have all of what is done take effect, or nothing."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def table_exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether the warehouse has the table."""
    query = "SELECT count(*) FROM information_schema.tables WHERE table_name = ?"
    return bool(one_row(connection, query, [table])[0])


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Count the rows of a table."""
    return int(one_row(connection, f"SELECT count(*) FROM {quote(table)}")[0])


def one_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> tuple[Any, ...]:
    """Give the single row of a query, to the end: DuckDB wants results fetched whole."""
    (row,) = connection.execute(query, list(parameters)).fetchall()
    return tuple(row)


def row_number(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Give the SQL of a row's number in a table that is only ever written whole, from 1 on.

    DuckDB keeps one for each row, which costs nothing, unless a column has taken its name.
    """
    names = connection.table(quote(table)).columns
    return "row_number() OVER ()" if "rowid" in map(str.lower, names) else "rowid + 1"


def require(connection: duckdb.DuckDBPyConnection, table: str, step: str) -> None:
    """Say which step is missing where a table is.

    Raises:
        ProjectError: the table is not there yet.

    """
    if not table_exists(connection, table):
        raise ProjectError(f"the warehouse has no table {table!r} yet: run the step `{step}` first")
