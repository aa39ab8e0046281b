"""A warehouse elsewhere, addressed in DuckDB's SQL, which is put into the warehouse's own."""

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from .sql import FLOATS, INTEGERS, quote
from .translation import Dialect, translate

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


class Rows:
    """What a statement gave."""

    def __init__(self, table: pa.Table) -> None:
        """Take the rows."""
        self.table = table

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give them as tuples."""
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))


class Warehouse:
    """An open warehouse. `reader` is the DuckDB that reads what is on this machine."""

    def __init__(self, driver: Driver) -> None:
        """Take the open driver."""
        self.driver = driver
        self.reader = duckdb.connect()

    def execute(self, query: str, parameters: Sequence[object] = ()) -> Rows:
        """Run a statement of DuckDB's, with a value for each question mark.

        Raises:
            ProjectError: the warehouse refuses it, or cannot say it in its SQL.

        """
        given = pa.table({})
        for statement in translate(query, self.driver, [parameters] if parameters else []):
            given = self.driver.run(statement)
        return Rows(given)

    def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run an INSERT of one row with the values of many, at once."""
        if values := list(rows):
            for statement in translate(query, self.driver, values):
                self.driver.run(statement)

    def load(self, table: str, rows: duckdb.DuckDBPyRelation) -> None:
        """Make a table of what DuckDB has read."""
        kinds = zip(rows.columns, map(str, rows.types), strict=True)
        selected = ", ".join(f"{_plain(name, kind)} AS {quote(name)}" for name, kind in kinds)
        with rows.project(selected).to_arrow_reader() as reader:
            self.driver.load(table, reader)

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
