"""The warehouse as a DuckDB file on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse.file import File

if TYPE_CHECKING:
    import pyarrow as pa


class Local:
    """A file that is opened when it is first used: statements go to DuckDB as they are."""

    reads_itself = True

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open nothing yet."""
        self._file = File(path, read_only=read_only)
        self.read_only = read_only

    @property
    def reader(self) -> duckdb.DuckDBPyConnection:
        """The open file."""
        return self._file.connection

    def execute(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Run a statement, with a value for each question mark."""
        return self.reader.execute(query, parameters)

    def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run an INSERT of one row with the values of many."""
        self.reader.executemany(query, list(rows))

    def arrow(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Give the rows of a query as Arrow's."""
        return self.relation(query, parameters).to_arrow_table()

    def relation(self, query: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyRelation:
        """Give the rows of a query."""
        return self.reader.sql(query, params=list(parameters))

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types; none where there is no such table."""
        try:
            relation = self.reader.table(quote(table))
        except duckdb.CatalogException:
            return {}
        return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def load(self, table: str, rows: duckdb.DuckDBPyRelation) -> None:
        """Make a table of rows, in the file also where tables without a path come elsewhere."""
        path = f"{quote(self._file.path.stem)}.main.{quote(table)}"
        self.reader.execute(f"DROP TABLE IF EXISTS {path}")
        rows.create(path)

    def numbered(self, rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        """Leave rows as they are: DuckDB keeps a number for each."""
        return rows

    def row_number(self, table: str) -> str:
        """Give the SQL of a row's number in a table that is only ever written whole, from 1 on.

        DuckDB keeps one for each row, which costs nothing, unless a column has taken its name.
        """
        names = map(str.lower, self.columns(table))
        return "row_number() OVER ()" if "rowid" in names else "rowid + 1"

    def write(self, table: str, query: str) -> None:
        """Make a table of a query's rows, in no order: keeping theirs costs a quarter."""
        self.reader.execute("SET preserve_insertion_order = FALSE")
        try:
            self.reader.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS {query}")
        finally:
            self.reader.execute("RESET preserve_insertion_order")

    def write_in_order(self, table: str, query: str, order: str) -> None:
        """Make a table of a query's rows, in this order."""
        self.reader.execute(
            f"CREATE OR REPLACE TABLE {quote(table)} AS SELECT * FROM ({query}) ORDER BY {order}"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have all of what is done take effect, or nothing."""
        self.reader.execute("BEGIN")
        try:
            yield
            self.reader.execute("COMMIT")
        except BaseException:
            self.reader.execute("ROLLBACK")
            raise

    def let_go(self) -> None:
        """Let others have the file until it is used again; temporary tables are gone then."""
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
