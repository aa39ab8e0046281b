"""Snowflake, read by its own connector: Arrow batches all the way, no row is touched in Python."""

import duckdb
from snowflake import connector
from snowflake.connector.cursor import ResultMetadata, SnowflakeCursor

from fourhats_runtime.data.snowflake_login import connect, reason
from fourhats_runtime.data.sources.kinds import Snowflake
from fourhats_runtime.data.sources.loaded import Loaded, furthest
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

# By the codes that Snowflake documents for its types. What is not here comes as text: VARIANT,
# OBJECT and ARRAY as JSON.
INTEGER_OR_DECIMAL, LOCAL_MOMENT, ZONED_MOMENT = 0, 6, 7
TYPES = {
    1: "DOUBLE",
    3: "DATE",
    4: "TIMESTAMP",
    LOCAL_MOMENT: "TIMESTAMP",
    ZONED_MOMENT: "TIMESTAMP",
    8: "TIMESTAMP",
    11: "BLOB",
    12: "TIME",
    13: "BOOLEAN",
}
LONGEST_INTEGER = 18


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: Snowflake,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the query into `table`, in the order of the query.

    With `cursor` set, those whose cursor is not before the bookmark: rows that share the
    last value, or have none, may have come since. Columns are called as Snowflake calls them, in
    capitals unless they were made in quotes. Moments come in UTC.

    Raises:
        ProjectError: Snowflake does not answer, does not let in or refuses the query. No password,
            key or token is part of the text.

    """
    chosen, prefix = source.section(project), source.name.upper()
    query, name = chosen.query.rstrip().removesuffix(";"), chosen.cursor
    whole = not (name and bookmark is not None)
    try:
        with connect(project, chosen, prefix) as database, database.cursor() as cursor:
            if name and bookmark is not None:
                # It tells the columns and reads nothing.
                columns = [column.name for column in cursor.describe(query) or []]
                query = _since(query, _spelled(name, columns), bookmark)
            cursor.execute(query)
            _copy(cursor, connection, table)
    except connector.Error as error:
        raise ProjectError(
            f"Snowflake: {reason(error)} ([{source.name}] in config/sources.toml, {prefix}_…)"
        ) from None
    if not name:
        return Loaded()
    name = _spelled(name, connection.table(quote(table)).columns)
    return Loaded(furthest(connection, table, name, bookmark), whole)


def _since(query: str, name: str, bookmark: str) -> str:
    # A backslash in a text means something to Snowflake; the query may end in a comment.
    column, last = quote(name), literal(bookmark.replace("\\", "\\\\"))
    rows = f"SELECT * FROM ({query}\n) AS source_rows"
    return f"{rows} WHERE {column} >= {last} OR {column} IS NULL"


def _spelled(name: str, columns: list[str]) -> str:
    """Give a column's name as Snowflake spells it: UPDATED_AT, where updated_at was typed."""
    if name in columns:
        return name
    return next((column for column in columns if column.lower() == name.lower()), name)


def _copy(cursor: SnowflakeCursor, connection: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = cursor.description or []
    lower = [column.name.lower() for column in columns]
    for column in columns:
        if lower.count(column.name.lower()) > 1:
            raise ProjectError(
                f"Snowflake: the query gives more than one column {column.name}: name one AS …"
            )
    types = ", ".join(f"{quote(column.name)} {_type(column)}" for column in columns)
    values = ", ".join(
        f"timezone('UTC', {quote(column.name)})"
        if column.type_code in {LOCAL_MOMENT, ZONED_MOMENT}
        else quote(column.name)
        for column in columns
    )
    connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} ({types})")
    for batch in cursor.fetch_arrow_batches():
        connection.register("source_rows", batch)
        connection.execute(f"INSERT INTO {quote(table)} SELECT {values} FROM source_rows")
        connection.unregister("source_rows")


def _type(column: ResultMetadata) -> str:
    """Give the type in the warehouse; a batch would tell only of the rows in it."""
    if column.type_code != INTEGER_OR_DECIMAL:
        return TYPES.get(column.type_code, "VARCHAR")
    if column.scale == 0 and (column.precision or 0) <= LONGEST_INTEGER:
        return "BIGINT"
    return f"DECIMAL({column.precision}, {column.scale})"
