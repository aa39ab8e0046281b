"""BigQuery, read by Google's client: the query's pages, one by one, as Arrow batches."""

from contextlib import closing

import duckdb
import pyarrow as pa
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator

from ..bigquery_login import FAILURES, connect, reason
from ..errors import ProjectError
from ..settings import Settings
from ..sql import quote
from .loaded import Loaded, furthest

PAGE_ROWS = 20_000
# What a schema calls as it was once called.
NEW_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def configured(settings: Settings) -> bool:
    """Tell whether a project is named."""
    return bool(settings.bigquery.project)


def load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, bookmark: str | None
) -> Loaded:
    """Write the rows of the query into `table`.

    With `bigquery.cursor` set, those whose cursor is not before the bookmark: rows that share the
    last value, or have none, may have come since. Columns of type TIMESTAMP come in UTC,
    BIGNUMERIC as text.

    Raises:
        ProjectError: BigQuery does not answer, does not let in or refuses the query.

    """
    chosen = settings.bigquery
    query, since = chosen.query.rstrip().removesuffix(";"), None
    patience = DEFAULT_RETRY.with_timeout(chosen.max_wait)
    try:
        with closing(connect(settings, chosen.project, chosen.location)) as client:
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
            f"BigQuery: {reason(error)} ([bigquery] in config/sources.toml, "
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
        raise ProjectError("bigquery.query gives no rows: it has to be a SELECT")
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
