"""The warehouse, and what every part asks of it, in DuckDB's SQL.

It is a DuckDB file in artifacts/, or a database elsewhere: PostgreSQL, BigQuery, Snowflake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from fourhats_runtime.data import frames
from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import local
from fourhats_runtime.data.warehouse.file import put_aside
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import unfinished

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from fourhats_runtime.data.frames import Frame
    from fourhats_runtime.project import Project

FILE = "warehouse.duckdb"


class Answer(Protocol):
    """What a statement gave."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give the rows."""


class Connection(Protocol):
    """An open warehouse."""

    @property
    def reader(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB that reads what is on this machine, and what sources give."""

    @property
    def reads_itself(self) -> bool:
        """Whether `reader` is the warehouse: what it makes a table of is there."""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""

    def execute(self, query: str, parameters: Sequence[object] = ()) -> Answer:
        """Run a statement, with a value for each question mark."""

    def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run an INSERT of one row with the values of many."""

    def arrow(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Give the rows of a query as Arrow's."""

    def relation(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyRelation:
        """Give the rows of a query to DuckDB."""

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types; none where there is no such table."""

    def load(self, table: str, rows: duckdb.DuckDBPyRelation) -> None:
        """Make a table of what `reader` has read."""

    def numbered(self, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """Give a source's rows with what `row_number` finds, once they are loaded."""

    def row_number(self, table: str) -> str:
        """Give the SQL of a row's number in a table of a source, from 1 on."""

    def write(self, table: str, query: str) -> None:
        """Make a table of a query's rows, in no order."""

    def write_in_order(self, table: str, query: str, order: str) -> None:
        """Make a table of a query's rows, which are numbered in this order."""

    def transaction(self) -> AbstractContextManager[None]:
        """Have all of what is done take effect, or nothing."""

    def let_go(self) -> None:
        """Let others have it until it is used again; temporary tables may be gone then."""

    def close(self) -> None:
        """Close it."""


@contextmanager
def connect(project: Project, *, read_only: bool = False) -> Iterator[Connection]:
    """Open the warehouse, a file when it is first used.

    Of a file, one process can write at a time while none reads, or many read: who comes meanwhile
    waits. Until the address of one elsewhere is set, a DuckDB file in artifacts/ stands in.

    Raises:
        ProjectError: it cannot be opened.

    """
    project.artifacts.mkdir(parents=True, exist_ok=True)
    connection = _open(project, project.artifacts / FILE, read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def put_aside_if_damaged(project: Project) -> None:
    """Rename a file in artifacts/ that cannot be opened, so that another is made in its place."""
    put_aside(project.artifacts / FILE)


@contextmanager
def scratch(project: Project) -> Iterator[Connection]:
    """Open an empty warehouse on this machine, of which nothing is left afterwards."""
    project.artifacts.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=project.artifacts, prefix=unfinished()) as folder:
        connection = _open(project, Path(folder) / "scratch.duckdb", stand_in=True)
        try:
            yield connection
        finally:
            connection.close()


def _open(
    project: Project, file: Path, *, stand_in: bool = False, read_only: bool = False
) -> Connection:
    if project.warehouse == "duckdb":
        return local.Local(file, read_only=read_only)
    with needs("warehouse"):
        from fourhats_runtime.data.warehouse import remote  # noqa: PLC0415
    return remote.Remote(remote.driver(project, file, stand_in=stand_in, read_only=read_only))


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Have all of what is done take effect, or nothing."""
    with connection.transaction():
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
    connection.write_in_order(table, query, order)


def write(connection: Connection, table: str, query: str) -> None:
    """Make a table of a query's rows, in no order."""
    connection.write(table, query)


def row_number(connection: Connection, table: str) -> str:
    """Give the SQL of a row's number in a table that is only ever written whole, from 1 on."""
    return connection.row_number(table)


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Give the columns of a table and their types; none where there is no such table."""
    return connection.columns(table)


def relation(
    connection: Connection, query: str, parameters: Sequence[object] = ()
) -> duckdb.DuckDBPyRelation:
    """Give the rows of a query to DuckDB."""
    return connection.relation(query, parameters)


def values(
    connection: Connection, query: str, parameters: Sequence[object] = ()
) -> dict[str, list[Any]]:
    """Give the rows of a query to Python: the values of each column, None where one is missing."""
    found: dict[str, list[Any]] = connection.arrow(query, parameters).to_pydict()
    return found


def frame(
    project: Project, connection: Connection, query: str, parameters: Sequence[object] = ()
) -> Frame:
    """Give the rows of a query as a frame of the library that was answered."""
    return frames.from_relation(relation(connection, query, parameters), project.dataframe)


def one_row(
    connection: Connection, query: str, parameters: Sequence[object] = ()
) -> tuple[Any, ...]:
    """Give the single row of a query, to the end: DuckDB wants results fetched whole."""
    (row,) = connection.execute(query, list(parameters)).fetchall()
    return tuple(row)


def table_exists(connection: Connection, table: str) -> bool:
    """Tell whether the warehouse has the table."""
    return bool(columns(connection, table))


def count(connection: Connection, table: str) -> int:
    """Count the rows of a table."""
    return int(one_row(connection, f"SELECT count(*) FROM {quote(table)}")[0])


def require(connection: Connection, table: str, step: str) -> None:
    """Say which step is missing where a table is.

    Raises:
        ProjectError: the table is not there yet.

    """
    if not table_exists(connection, table):
        raise ProjectError(f"the warehouse has no table {table!r} yet: run the step `{step}` first")
