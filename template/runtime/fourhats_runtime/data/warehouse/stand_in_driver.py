"""A DuckDB file, which stands in until the warehouse's address is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError


class StandInDriver:
    """Runs statements in a file; one process can at a time."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the open file."""
        self.connection = connection

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
        """Close the file."""
        self.connection.close()


def connect(path: Path) -> StandInDriver:
    """Open the file.

    Raises:
        ProjectError: another process holds it.

    """
    try:
        return StandInDriver(duckdb.connect(path))
    except duckdb.IOException as error:
        raise ProjectError(
            f"{path} cannot be opened; does another run hold it? ({reason(error)})"
        ) from None
