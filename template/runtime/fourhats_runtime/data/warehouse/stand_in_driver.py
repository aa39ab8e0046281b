"""A DuckDB file, which stands in until the warehouse's address is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse.file import File
from fourhats_runtime.errors import ProjectError


class StandInDriver:
    """Runs statements in a file, which is opened when it is first used."""

    dialect = "duckdb"

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open nothing yet."""
        self._file = File(path, read_only=read_only)
        self.read_only = read_only

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file."""
        return self._file.connection

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Leave it as it is."""
        return [tree]

    def run(self, statement: str) -> pa.Table:
        """Run a statement."""
        try:
            rows = self.connection.sql(statement)
            return pa.table({}) if rows is None else rows.to_arrow_table()
        except duckdb.Error as error:
            raise ProjectError(reason(error)) from None

    def load(self, table: str, rows: pa.RecordBatchReader) -> None:
        """Make a table of these rows."""
        self.connection.register("loaded_rows", rows)
        self.connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM loaded_rows")
        self.connection.unregister("loaded_rows")

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table and their types."""
        try:
            relation = self.connection.table(quote(table))
        except duckdb.CatalogException:
            return {}
        return dict(zip(relation.columns, map(str, relation.types), strict=True))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have all of what is done take effect, or nothing."""
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()
