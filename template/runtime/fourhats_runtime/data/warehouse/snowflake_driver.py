"""Snowflake as the warehouse: statements by its connector, rows by way of Parquet files."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO, ClassVar, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from snowflake import connector
from snowflake.connector.cursor import ResultMetadata
from sqlglot import exp

from fourhats_runtime.data.snowflake_login import connect as sign_in
from fourhats_runtime.data.snowflake_login import reason
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

# By the codes that Snowflake documents for its types: DuckDB's name, and Arrow's. BIGINT is a
# NUMBER without decimals there, as is every integer. What is not here comes as text.
NUMBER, MOMENT = 0, pa.timestamp("us")
KINDS = {
    1: ("DOUBLE", pa.float64()),
    3: ("DATE", pa.date32()),
    4: ("TIMESTAMP", MOMENT),
    6: ("TIMESTAMP", MOMENT),
    7: ("TIMESTAMP", MOMENT),
    8: ("TIMESTAMP", MOMENT),
    13: ("BOOLEAN", pa.bool_()),
}
INTEGER, DECIMAL, TEXT = ("BIGINT", pa.int64()), ("DOUBLE", pa.float64()), ("VARCHAR", pa.string())
TYPES = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    MOMENT: "TIMESTAMP_NTZ(6)",
    pa.date32(): "DATE",
}
PARAMETERS = {
    # However the account has them: names as they are spelled, times as texts as DuckDB writes them.
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS",
}
# Each statement has an answer there: what these give are rows.
QUERIES = ("SELECT", "WITH", "VALUES", "(")
NO_SUCH_TABLE = 2003
# A temporary table is the session's own and goes with it; files are staged beside it.
STAGED = "rows_to_load"
# \N is a text like any other: nothing stands for NULL but NULL.
COPY = (
    f"COPY INTO {STAGED} FROM @%{STAGED} MATCH_BY_COLUMN_NAME = CASE_SENSITIVE FILE_FORMAT = "
    "(TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE NULL_IF = ())"
)
FILE_ROWS = 500_000


class SnowflakeWarehouse(Section):
    """Where in the account the tables are kept, and as what to work there."""

    table: ClassVar[str] = "warehouse"

    database: str = ""
    # pydantic's models have a method of that name.
    schema_name: str = Field(alias="schema", min_length=1)
    warehouse: str = ""
    role: str = ""


class SnowflakeDriver:
    """Runs statements in one schema of an account's database."""

    dialect = "snowflake"

    def __init__(self, project: Project) -> None:
        """Sign in, and make the schema where it is missing.

        Raises:
            ProjectError: Snowflake does not answer or does not let in.

        """
        place = project.settings(SnowflakeWarehouse)
        with _told():
            self.connection = sign_in(project, place, parameters=PARAMETERS)
            with self.connection.cursor() as cursor:
                # Who may use a schema need not have the right to make one.
                cursor.execute("SELECT CURRENT_SCHEMA()")
                if cursor.fetchall() == [(None,)]:
                    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {place.schema_name}")

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Say what sqlglot leaves as it is: isnan, and TRY_CAST, which takes texts alone."""
        for node in reversed(list(tree.find_all(exp.TryCast, exp.IsNan))):
            if isinstance(node, exp.IsNan):
                nan = exp.cast(exp.Literal.string("NaN"), "double")
                node.replace(exp.paren(exp.EQ(this=node.this, expression=nan)))
            else:
                node.set("this", exp.cast(node.this, "text"))
        return [tree]

    def run(self, statement: str) -> pa.Table:
        """Run a statement; what is no query gives no rows.

        Raises:
            ProjectError: Snowflake refuses it or does not answer.

        """
        with _told(), self.connection.cursor() as cursor:
            cursor.execute(statement)
            if not statement.lstrip().upper().startswith(QUERIES):
                return pa.table({})
            columns = cursor.description or []
            rows: pa.Table = cursor.fetch_arrow_all(force_return_table=True)
            pairs = zip(rows.columns, columns, strict=True)
            return pa.table(
                [_as(values, _kind(column)[1]) for values, column in pairs],
                names=[column.name for column in columns],
            )

    def load(self, table: str, rows: pa.RecordBatchReader) -> None:
        """Make or replace a table of these rows: what was there stays until all of them are.

        Raises:
            ProjectError: Snowflake refuses them or does not answer.

        """
        columns = ", ".join(f"{quote(field.name)} {TYPES[field.type]}" for field in rows.schema)
        with _told(), self.connection.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE TEMPORARY TABLE {STAGED} ({columns})")
            for number, file in enumerate(_files(rows)):
                target = f"PUT file://{number}.parquet @%{STAGED}"
                cursor.execute(f"{target} AUTO_COMPRESS = FALSE OVERWRITE = TRUE", file_stream=file)
            cursor.execute(COPY)
            cursor.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS SELECT * FROM {STAGED}")
            cursor.execute(f"DROP TABLE {STAGED}")

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table or view and their types; none where there is neither.

        Raises:
            ProjectError: Snowflake does not answer.

        """
        with _told(), self.connection.cursor() as cursor:
            try:
                columns = cursor.describe(f"SELECT * FROM {quote(table)}")
            except connector.ProgrammingError as error:
                if error.errno == NO_SUCH_TABLE:
                    return {}
                raise
        return {column.name: _kind(column)[0] for column in columns or []}

    def transaction(self) -> AbstractContextManager[None]:
        """Do nothing: each statement that makes a table takes effect by itself."""
        return nullcontext()

    def close(self) -> None:
        """Sign out."""
        self.connection.close()


def configured(project: Project) -> bool:
    """Tell whether an account is named."""
    return bool(project.settings.variable("SNOWFLAKE_ACCOUNT"))


def connect(project: Project) -> SnowflakeDriver:
    """Sign in.

    Raises:
        ProjectError: no database is named, or Snowflake does not let in.

    """
    if not project.settings(SnowflakeWarehouse).database:
        raise ProjectError("Snowflake: name the `database` in config/warehouse.toml")
    return SnowflakeDriver(project)


@contextmanager
def _told() -> Iterator[None]:
    """Tell in one line what Snowflake says against it."""
    try:
        yield
    except connector.Error as error:
        raise ProjectError(
            f"Snowflake: {reason(error)} (config/warehouse.toml, SNOWFLAKE_…)"
        ) from None


def _kind(column: ResultMetadata) -> tuple[str, pa.DataType]:
    if column.type_code == NUMBER:
        return DECIMAL if column.scale else INTEGER
    return KINDS.get(column.type_code, TEXT)


def _as(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    try:
        return values.cast(kind)
    except pa.ArrowInvalid:
        # A sum may be longer than any of its terms.
        return values.cast(pa.float64())


def _files(rows: pa.RecordBatchReader) -> Iterator[BinaryIO]:
    """Write the rows into one Parquet file after the other, each gone once it was read."""
    batch = next(rows, None)
    while batch is not None:
        with tempfile.TemporaryFile() as file:
            written = 0
            with pq.ParquetWriter(file, rows.schema) as writer:
                while batch is not None and written < FILE_ROWS:
                    writer.write_batch(batch)
                    written += batch.num_rows
                    batch = next(rows, None)
            file.seek(0)
            yield cast("BinaryIO", file)
