"""BigQuery as the warehouse: statements by Google's client, rows as a Parquet file."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from pydantic import Field
from sqlglot import exp

from fourhats_runtime.data.bigquery_login import FAILURES, reason
from fourhats_runtime.data.bigquery_login import connect as sign_in
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

# DuckDB's name of a type, and Arrow's. What is not here comes as text.
KINDS = {
    "INT64": ("BIGINT", pa.int64()),
    "INTEGER": ("BIGINT", pa.int64()),
    "FLOAT64": ("DOUBLE", pa.float64()),
    "FLOAT": ("DOUBLE", pa.float64()),
    "NUMERIC": ("DOUBLE", pa.float64()),
    "BIGNUMERIC": ("DOUBLE", pa.float64()),
    "BOOL": ("BOOLEAN", pa.bool_()),
    "BOOLEAN": ("BOOLEAN", pa.bool_()),
    "DATE": ("DATE", pa.date32()),
    "DATETIME": ("TIMESTAMP", pa.timestamp("us")),
    "TIMESTAMP": ("TIMESTAMP", pa.timestamp("us")),
}
TEXT = ("VARCHAR", pa.string())
TYPES = {
    pa.int64(): "INT64",
    pa.float64(): "FLOAT64",
    pa.string(): "STRING",
    pa.bool_(): "BOOL",
    pa.timestamp("us"): "DATETIME",
    pa.date32(): "DATE",
}
VIEW = "CREATE OR REPLACE VIEW "
WAIT_SECONDS = 120
PATIENCE = DEFAULT_RETRY.with_timeout(WAIT_SECONDS)


class BigQueryWarehouse(Section):
    """Where in BigQuery the tables are kept, and which project pays."""

    table: ClassVar[str] = "warehouse"

    project: str = ""
    dataset: str = Field(min_length=1)
    location: str = ""


class BigQueryDriver:
    """Runs statements in one dataset of a project."""

    dialect = "bigquery"

    def __init__(self, project: Project) -> None:
        """Sign in, and make the dataset where it is missing.

        Raises:
            ProjectError: BigQuery does not answer or does not let in.

        """
        place = project.settings(BigQueryWarehouse)
        self.dataset = bigquery.DatasetReference(place.project, place.dataset)
        with _told():
            self.client = sign_in(project, place.project, place.location)
            try:
                self.client.get_dataset(self.dataset, retry=PATIENCE)
            except NotFound:
                # Who may use a dataset need not have the right to make one.
                self.client.create_dataset(self.dataset, exists_ok=True, retry=PATIENCE)

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Say what sqlglot leaves as it is: TRIM, CONCAT_WS, and tables of the session alone."""
        for trim in tree.find_all(exp.Trim):
            if not trim.expression:  # there, tabs and line breaks would go as well
                trim.set("expression", exp.Literal.string(" "))
        for node in reversed(list(tree.find_all(exp.ConcatWs))):
            mark, *texts = node.expressions
            node.replace(exp.func("ARRAY_TO_STRING", exp.array(*texts), mark))
        for temporary in list(tree.find_all(exp.TemporaryProperty)):
            temporary.pop()
        return [tree]

    def run(self, statement: str) -> pa.Table:
        """Run a statement; what is no query gives no rows.

        Raises:
            ProjectError: BigQuery refuses it or does not answer.

        """
        if statement.startswith(VIEW):
            statement = self._in_dataset(statement)
        with _told():
            rows = self.client.query_and_wait(
                statement,
                job_config=bigquery.QueryJobConfig(default_dataset=self.dataset),
                retry=PATIENCE,
                job_retry=DEFAULT_JOB_RETRY.with_timeout(WAIT_SECONDS),
            )
            if not rows.schema:
                return pa.table({})
            found = rows.to_arrow(create_bqstorage_client=False)
            pairs = zip(found.columns, rows.schema, strict=True)
            return pa.table(
                [values.cast(_kind(field)[1]) for values, field in pairs],
                names=[field.name for field in rows.schema],
            )

    def load(self, table: str, rows: pa.RecordBatchReader) -> None:
        """Make or replace a table of these rows: what was there stays until all of them are.

        Raises:
            ProjectError: BigQuery refuses them or does not answer.

        """
        job = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            schema=[bigquery.SchemaField(each.name, TYPES[each.type]) for each in rows.schema],
        )
        with tempfile.TemporaryFile() as file:
            with pq.ParquetWriter(file, rows.schema) as writer:
                for batch in rows:
                    writer.write_batch(batch)
            with _told():
                self.client.load_table_from_file(
                    file, self.dataset.table(table), rewind=True, job_config=job
                ).result(retry=PATIENCE)

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table or view and their types; none where there is neither.

        Raises:
            ProjectError: BigQuery does not answer.

        """
        with _told():
            try:
                found = self.client.get_table(self.dataset.table(table), retry=PATIENCE)
            except NotFound:
                return {}
        return {field.name: _kind(field)[0] for field in found.schema}

    def transaction(self) -> AbstractContextManager[None]:
        """Do nothing: each statement takes effect by itself."""
        return nullcontext()

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()  # type: ignore[no-untyped-call]

    def _in_dataset(self, view: str) -> str:
        """Name the dataset of a view's tables: there, a view has none to look them up in."""
        tree = sqlglot.parse_one(view, read=self.dialect)
        for table in tree.find_all(exp.Table):
            table.set("db", exp.to_identifier(self.dataset.dataset_id, quoted=True))
        return tree.sql(dialect=self.dialect, identify=True)


def configured(project: Project) -> bool:
    """Tell whether a project is named."""
    return bool(project.settings(BigQueryWarehouse).project)


def connect(project: Project) -> BigQueryDriver:
    """Sign in.

    Raises:
        ProjectError: BigQuery does not let in.

    """
    return BigQueryDriver(project)


@contextmanager
def _told() -> Iterator[None]:
    """Tell in one line what BigQuery says against it."""
    try:
        yield
    except FAILURES as error:
        raise ProjectError(
            f"BigQuery: {reason(error)} (config/warehouse.toml, GOOGLE_APPLICATION_CREDENTIALS)"
        ) from None


def _kind(field: bigquery.SchemaField) -> tuple[str, pa.DataType]:
    return KINDS.get(field.field_type, TEXT)
