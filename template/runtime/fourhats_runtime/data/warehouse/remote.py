"""A warehouse elsewhere, addressed in DuckDB's SQL, which is put into the warehouse's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pyarrow as pa

from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.sql import FLOATS, INTEGERS, quote
from fourhats_runtime.data.translation import Dialect, translate
from fourhats_runtime.data.warehouse import stand_in_driver
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from fourhats_runtime.project import Project

MOST_WHOLE_DIGITS = 18


class Driver(Dialect, Protocol):
    """What a warehouse's own client does here.

    What the service refuses is a ProjectError of one line, in which no secret stands.
    """

    def run(self, statement: str) -> pa.Table:
        """Run a statement; gives its rows, of whole numbers, doubles, texts, truths and times."""

    def load(self, table: str, rows: pa.RecordBatchReader) -> None:
        """Make a table of these rows, in place of one of that name: of all, or of none."""

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types, as DuckDB calls them; none without it."""

    def transaction(self) -> AbstractContextManager[None]:
        """Have all of what is done take effect or nothing, where the service can."""

    def close(self) -> None:
        """Close the connection."""


def driver(project: Project, file: Path, *, stand_in: bool, read_only: bool = False) -> Driver:
    """Open the warehouse that the project names; a file stands in until its address is set.

    Raises:
        ProjectError: it cannot be opened, or a library is missing.

    """
    found = None if stand_in else _configured(project)
    return found or stand_in_driver.StandInDriver(file, read_only=read_only)


def _configured(project: Project) -> Driver | None:
    """Open the warehouse that the project names, None where its address is not set."""
    if project.warehouse == "postgres":
        with needs("postgres"):
            from fourhats_runtime.data.warehouse import postgres_driver  # noqa: PLC0415
        return postgres_driver.connect(project) if postgres_driver.configured(project) else None
    if project.warehouse == "bigquery":
        with needs("bigquery"):
            from fourhats_runtime.data.warehouse import bigquery_driver  # noqa: PLC0415
        return bigquery_driver.connect(project) if bigquery_driver.configured(project) else None
    with needs("snowflake"):
        from fourhats_runtime.data.warehouse import snowflake_driver  # noqa: PLC0415
    return snowflake_driver.connect(project) if snowflake_driver.configured(project) else None


class Rows:
    """What a statement gave."""

    def __init__(self, table: pa.Table) -> None:
        """Take the rows."""
        self.table = table

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give them as tuples."""
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))


class Remote:
    """An open warehouse elsewhere. `reader` is a DuckDB in memory."""

    reads_itself = False

    def __init__(self, driver: Driver) -> None:
        """Take the open driver."""
        self.driver = driver
        self.reader = duckdb.connect()

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written: in a file that was opened so."""
        return isinstance(self.driver, stand_in_driver.StandInDriver) and self.driver.read_only

    def let_go(self) -> None:
        """Let others have the file that stands in; a service takes many at once."""
        if isinstance(self.driver, stand_in_driver.StandInDriver):
            self.driver.close()

    def execute(self, query: str, parameters: Sequence[object] = ()) -> Rows:
        """Run a statement of DuckDB's, with a value for each question mark.

        Raises:
            ProjectError: the warehouse refuses it, or cannot say it in its SQL.

        """
        return Rows(self.arrow(query, parameters))

    def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run an INSERT of one row with the values of many, at once."""
        if values := list(rows):
            for statement in translate(query, self.driver, values):
                self.driver.run(statement)

    def arrow(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Give the rows of a query as Arrow's.

        Raises:
            ProjectError: the warehouse refuses it, or cannot say it in its SQL.

        """
        given = pa.table({})
        for statement in translate(query, self.driver, [parameters] if parameters else []):
            given = self.driver.run(statement)
        return given

    def relation(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyRelation:
        """Give the rows of a query to DuckDB."""
        return self.reader.from_arrow(self.arrow(query, parameters))

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types; none where there is no such table."""
        return self.driver.columns(table)

    def load(self, table: str, rows: duckdb.DuckDBPyRelation) -> None:
        """Make a table of what DuckDB has read."""
        kinds = zip(rows.columns, map(str, rows.types), strict=True)
        selected = ", ".join(f"{_plain(name, kind)} AS {quote(name)}" for name, kind in kinds)
        with rows.project(selected).to_arrow_reader() as reader:
            self.driver.load(table, reader)

    def numbered(self, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """Give rows with their numbers: elsewhere, a table has no order.

        Raises:
            ProjectError: the source has a column of that name.

        """
        if "_row" in map(str.lower, rows.columns):
            raise ProjectError(
                "the source has a column _row, as the number of each row is called here: give it "
                "another name at the source"
            )
        return rows.project("row_number() OVER () AS _row, *")

    def row_number(self, table: str) -> str:
        """Give the SQL of a row's number in a table of a source: it is kept with the row."""
        del table
        return "_row"

    def write(self, table: str, query: str) -> None:
        """Make a table of a query's rows, in no order."""
        self.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS {query}")

    def write_in_order(self, table: str, query: str, order: str) -> None:
        """Make a table of a query's rows, which are numbered in this order from 1 on."""
        numbered = f"SELECT row_number() OVER (ORDER BY {order}) AS _row, *"
        self.write(table, f"{numbered} FROM ({query}) AS unnumbered")

    def transaction(self) -> AbstractContextManager[None]:
        """Have all of what is done take effect or nothing, where the service can."""
        return self.driver.transaction()

    def close(self) -> None:
        """Close both."""
        self.reader.close()
        self.driver.close()


def _plain(name: str, kind: str) -> str:
    """Give the SQL of a column as a type that every warehouse knows."""
    column, known = quote(name), "VARCHAR"
    if kind == "TIMESTAMP WITH TIME ZONE":
        column = f"timezone('UTC', {column})"
    if kind in ("BOOLEAN", "DATE"):
        known = kind
    elif kind in INTEGERS or _is_whole(kind):
        known = "BIGINT"
    elif kind in FLOATS or kind.startswith("DECIMAL") or kind.endswith(("BIGINT", "HUGEINT")):
        known = "DOUBLE"
    elif kind.startswith("TIMESTAMP"):
        known = "TIMESTAMP"
    return column if kind == known else f"CAST({column} AS {known})"


def _is_whole(kind: str) -> bool:
    found = re.fullmatch(r"DECIMAL\((\d+),0\)", kind)
    return found is not None and int(found[1]) <= MOST_WHOLE_DIGITS
