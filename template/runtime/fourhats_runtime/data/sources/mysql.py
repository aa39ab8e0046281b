"""MySQL and MariaDB, read by PyMySQL: the server's texts, batch by batch, typed by DuckDB."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.converters import encoders
from pymysql.cursors import SSCursor
from pymysql.protocol import FieldDescriptorPacket as Field

from fourhats_runtime.data.sources.kinds import MySQL
from fourhats_runtime.data.sources.loaded import Loaded, furthest
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

BATCH_ROWS = 20_000
BINARY_CHARSET = 63
LONGEST_DECIMAL = 38

INTEGERS = {
    FIELD_TYPE.TINY,
    FIELD_TYPE.SHORT,
    FIELD_TYPE.INT24,
    FIELD_TYPE.LONG,
    FIELD_TYPE.LONGLONG,
    FIELD_TYPE.YEAR,
}
FLOATS = {FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE}
DATES = {
    FIELD_TYPE.DATE: "DATE",
    FIELD_TYPE.DATETIME: "TIMESTAMP",
    FIELD_TYPE.TIMESTAMP: "TIMESTAMP",
}
BYTES = {
    FIELD_TYPE.BLOB,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.STRING,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.GEOMETRY,
}


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: MySQL,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the query into `table`, in the order of the query.

    With `cursor` set, those whose cursor is not before the bookmark, for rows that share the
    last value may have come since, and those that have none. Columns of type TIMESTAMP come in UTC;
    a date that is none, such as 0000-00-00, is missing.

    Raises:
        ProjectError: the server does not answer or refuses the query. The address, which may hold
            a password, is never part of the text.

    """
    secret = project.settings.secret(source.url_variable)
    if secret is None:
        raise ProjectError(
            f"{source.url_variable} is not set: put the database's address into .env"
        )
    address = _address(secret.get_secret_value(), source.url_variable)
    chosen = source.section(project)
    cursor_column = chosen.cursor
    query, whole = chosen.query, True
    try:
        with closing(pymysql.connect(**address, **SESSION)) as database:
            if cursor_column and bookmark is not None:
                inner, name = query.rstrip().removesuffix(";"), cursor_column.replace("`", "``")
                query = (
                    f"SELECT * FROM ({inner}\n) AS source_rows "
                    f"WHERE `{name}` >= {database.escape(bookmark)} OR `{name}` IS NULL"
                )
                whole = False
            _copy(database.cursor(SSCursor), query, connection, table)
    except pymysql.Error as error:
        reason = str(error.args[-1]).splitlines()[0]
        raise ProjectError(
            f"MySQL: {reason} ({source.name}.query, {source.url_variable})"
        ) from None
    if not cursor_column:
        return Loaded()
    return Loaded(furthest(connection, table, cursor_column, bookmark), whole)


# Values stay the bytes that the server sends: no object is made of each.
SESSION: dict[str, Any] = {
    "charset": "utf8mb4",
    "use_unicode": False,
    "conv": encoders,
    "init_command": "SET time_zone = '+00:00'",
}


def _address(url: str, variable: str) -> dict[str, Any]:
    parts = urlsplit(url)
    try:
        port = parts.port or 3306
    except ValueError:
        port = 0
    database = unquote(parts.path.removeprefix("/"))
    kind = parts.scheme.partition("+")[0]
    if kind not in {"mysql", "mariadb"} or not (parts.hostname and port and database):
        raise ProjectError(
            f"{variable} is no address such as mysql://user:password@host:3306/database "
            "(write @ : / ? # in a password as %40 %3A %2F %3F %23)"
        )
    if parts.query:
        raise ProjectError(f"{variable}: nothing can stand behind the name of the database")
    return {
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": database,
    }


def _copy(cursor: SSCursor, query: str, connection: duckdb.DuckDBPyConnection, table: str) -> None:
    cursor.execute(query)
    if cursor.description is None:
        raise ProjectError("MySQL: the query gives no rows: it has to be a SELECT")
    # What is unsigned or binary is said nowhere else.
    result = cursor._result  # noqa: SLF001
    try:
        _copy_rows(cursor, result.fields, connection, table)
    finally:
        # Where an error cut it off, PyMySQL would read on to the end, in vain.
        result.unbuffered_active = False


def _copy_rows(
    cursor: SSCursor, fields: list[Field], connection: duckdb.DuckDBPyConnection, table: str
) -> None:
    names = [field.name for field in fields]
    for name in names:
        if [other.lower() for other in names].count(name.lower()) > 1:
            raise ProjectError(f"MySQL: the query gives more than one column {name}: name one AS …")
    columns = ", ".join(f"{_typed(field)} AS {quote(field.name)}" for field in fields)
    verb = f"CREATE OR REPLACE TABLE {quote(table)} AS"
    while True:
        rows = cursor.fetchmany(BATCH_ROWS)
        values = zip(*rows, strict=True) if rows else [()] * len(fields)
        arrays = [_array(field, column) for field, column in zip(fields, values, strict=True)]
        connection.register("source_rows", pa.table(arrays, names))
        connection.execute(f"{verb} SELECT {columns} FROM source_rows")
        connection.unregister("source_rows")
        verb = f"INSERT INTO {quote(table)}"
        if not rows:
            return


def _array(field: Field, values: Sequence[bytes | None]) -> pa.Array:
    if field.type_code == FIELD_TYPE.BIT:
        numbers = [None if value is None else int.from_bytes(value) for value in values]
        return pa.array(numbers, pa.uint64())
    binary = field.charsetnr == BINARY_CHARSET and field.type_code in BYTES
    return pa.array(values, pa.binary() if binary else pa.string())


def _typed(field: Field) -> str:
    """Give the SQL that turns a column of texts into what it is in the database."""
    name, unsigned = quote(field.name), bool(field.flags & FLAG.UNSIGNED)
    if field.type_code in DATES:
        return f"TRY_CAST({name} AS {DATES[field.type_code]})"
    if field.type_code in INTEGERS:
        return f"CAST({name} AS {'UBIGINT' if unsigned else 'BIGINT'})"
    if field.type_code in FLOATS:
        return f"CAST({name} AS DOUBLE)"
    if field.type_code == FIELD_TYPE.NEWDECIMAL:
        digits = field.length - (not unsigned) - (field.scale > 0)
        if digits <= LONGEST_DECIMAL:
            return f"CAST({name} AS DECIMAL({digits}, {field.scale}))"
    return name
