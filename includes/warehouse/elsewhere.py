"""The warehouse, and what every part of the project asks of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from . import {{ ['duckdb_driver', warehouse ~ '_driver'] | sort | join(', ') }}
from .errors import ProjectError
from .frames import Frame, from_relation
from .remote import Driver, Warehouse
from .settings import Settings
from .sql import quote

Connection = Warehouse


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """Open the warehouse; until its address is set, a DuckDB file in artifacts/ stands in.

    Raises:
        ProjectError: it cannot be opened.

    """
    driver: Driver
    if {{ warehouse }}_driver.configured(settings):
        driver = {{ warehouse }}_driver.connect(settings)
    else:
        settings.artifacts.mkdir(parents=True, exist_ok=True)
        driver = duckdb_driver.connect(settings.artifacts / "warehouse.duckdb")
    connection = Warehouse(driver)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def scratch(settings: Settings) -> Iterator[Connection]:
    """Open an empty DuckDB warehouse, of which nothing is left afterwards."""
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.artifacts, prefix="scratch-") as folder:
        connection = Warehouse(duckdb_driver.connect(Path(folder) / "scratch.duckdb"))
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Have all of what is done take effect, or nothing."""
    with connection.driver.transaction():
        yield


def read_in(
    connection: Connection,
    table: str,
    read: Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation],
) -> None:
    """Make a table of what DuckDB reads from files."""
    connection.load(table, read(connection.reader))


def write_in_order(connection: Connection, table: str, query: str, order: str) -> None:
    """Make a table of a query's rows, which are numbered in this order from 1 on."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {quote(table)} AS "
        f"SELECT row_number() OVER (ORDER BY {order}) AS _row, * FROM ({query}) AS unnumbered"
    )


def write(connection: Connection, table: str, query: str) -> None:
    """Make a table of a query's rows, in no order."""
    connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS {query}")


def row_number(_connection: Connection, _table: str) -> str:
    """Give the SQL of a row's number in a table of a source: it is kept with the row."""
    return "_row"


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Give the columns of a table and their types; none where there is no such table."""
    return connection.driver.columns(table)


def relation(
    connection: Connection, query: str, parameters: Sequence[object] = ()
) -> duckdb.DuckDBPyRelation:
    """Give the rows of a query to DuckDB."""
    return connection.reader.from_arrow(connection.execute(query, parameters).table)
