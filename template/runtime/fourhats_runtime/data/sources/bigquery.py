"""BigQuery, read by Google's client: the query's pages, one by one, as Arrow batches."""

from contextlib import closing

import duckdb
import pyarrow as pa
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator

from fourhats_runtime.data.bigquery_login import FAILURES, connect, reason
from fourhats_runtime.data.sources.kinds import BigQuery
from fourhats_runtime.data.sources.loaded import Loaded, furthest
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

PAGE_ROWS = 20_000
# What a schema calls as it was once called.
NEW_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: BigQuery,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the query into `table`.

    With `cursor` set, those whose cursor is not before the bookmark: rows that share the
    last value, or have none, may have come since. Columns of type TIMESTAMP come in UTC,
    BIGNUMERIC as text.

    Raises:
        ProjectError: BigQuery does not answer, does not let in or refuses the query.

    """
    chosen = source.section(project)
    query, since = chosen.query.rstrip().removesuffix(";"), None
    patience = DEFAULT_RETRY.with_timeout(chosen.max_wait)
    try:
        with closing(connect(project, chosen.project, chosen.location)) as client:
            if chosen.cursor and bookmark is not None:
                query, since = _since(client, query, chosen.cursor, bookmark)
            rows = client.query_and_wait(
                query,
                job_config=since,
                page_size=PAGE_ROWS,
                retry=patience,
                job_retry=DEFAULT_JOB_RETRY.with_timeout(chosen.max_wait),
            )
            _copy(rows, connection, table)
    except FAILURES as error:
        raise ProjectError(
            f"BigQuery: {reason(error)} ([{source.name}] in config/sources.toml, "
            "GOOGLE_APPLICATION_CREDENTIALS)"
        ) from None
    if not chosen.cursor:
        return Loaded()
    return Loaded(furthest(connection, table, chosen.cursor, bookmark), whole=since is None)


def _since(
    client: bigquery.Client, query: str, cursor: str, bookmark: str
) -> tuple[str, bigquery.QueryJobConfig]:
    """Give the query for what is new: BigQuery compares only with a value of the column's type."""
    # It tells the columns, reads nothing and costs nothing.
    trial = client.query(query, job_config=bigquery.QueryJobConfig(dry_run=True))
    kinds = {field.name: field.field_type for field in trial.schema or []}
    if cursor not in kinds:
        raise ProjectError(
            f"the rows have no column {cursor}, which `cursor` names in config/sources.toml"
        )
    kind = NEW_NAMES.get(kinds[cursor], kinds[cursor])
    last = bigquery.ScalarQueryParameter("bookmark", kind, bookmark)
    # After a line break, since the query may end in a comment.
    wrapped = (
        f"SELECT * FROM ({query}\n) AS source_rows "
        f"WHERE `{cursor}` >= @bookmark OR `{cursor}` IS NULL"
    )
    return wrapped, bigquery.QueryJobConfig(query_parameters=[last])


def _copy(rows: RowIterator, connection: duckdb.DuckDBPyConnection, table: str) -> None:
    if not rows.schema:
        raise ProjectError("BigQuery: the query gives no rows: it has to be a SELECT")
    verb = f"CREATE OR REPLACE TABLE {quote(table)} AS"
    for batch in rows.to_arrow_iterable():
        columns = ", ".join(
            f"timezone('UTC', {quote(field.name)}) AS {quote(field.name)}"
            if pa.types.is_timestamp(field.type) and field.type.tz
            else quote(field.name)
            for field in batch.schema
        )
        connection.register("source_rows", _readable(batch))
        connection.execute(f"{verb} SELECT {columns} FROM source_rows")
        connection.unregister("source_rows")
        verb = f"INSERT INTO {quote(table)}"


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Make texts of decimals that are too long for the warehouse."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_decimal256(field.type):
            texts = batch.column(place).cast(pa.string())
            batch = batch.set_column(place, field.name, texts)
    return batch
