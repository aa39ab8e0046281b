"""PostgreSQL, read by ADBC: Arrow batches all the way, no row is touched in Python."""

import adbc_driver_postgresql.dbapi
import duckdb
from adbc_driver_manager import Error as DriverError

from fourhats_runtime.data.postgres_errors import reason
from fourhats_runtime.data.sources.kinds import Postgres
from fourhats_runtime.data.sources.loaded import Loaded, furthest
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: Postgres,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the query into `table`, in the order of the query.

    With `cursor` set, those whose cursor is not before the bookmark: rows that share the
    last value, or have none, may have come since. NUMERIC columns arrive as text, which the
    contract's types turn into numbers.

    Raises:
        ProjectError: the server does not answer or refuses the query. The address, which may hold
            a password, is never part of the text.

    """
    secret = project.settings.secret(source.url_variable)
    if secret is None:
        raise ProjectError(
            f"{source.url_variable} is not set: put the database's address into .env"
        )
    url, chosen = secret.get_secret_value(), source.section(project)
    cursor_column = chosen.cursor
    # Driver and cursor put brackets around the query: after a line break, since it may end in a
    # comment.
    query, whole = chosen.query.rstrip().removesuffix(";") + "\n", True
    if cursor_column and bookmark is not None:
        column = quote(cursor_column)
        query = (
            f"SELECT * FROM ({query}) AS source_rows "
            f"WHERE {column} >= {literal(bookmark)} OR {column} IS NULL"
        )
        whole = False
    try:
        with adbc_driver_postgresql.dbapi.connect(url) as database, database.cursor() as cursor:
            cursor.execute(query)
            connection.register("source_rows", cursor.fetch_record_batch())
            connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
            connection.unregister("source_rows")
    except DriverError as error:
        raise ProjectError(
            f"PostgreSQL: {reason(error, url)} ({source.name}.query, {source.url_variable})"
        ) from None
    if not cursor_column:
        return Loaded()
    return Loaded(furthest(connection, table, cursor_column, bookmark), whole)
