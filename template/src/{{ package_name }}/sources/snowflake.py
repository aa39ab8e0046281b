"""Snowflake, read by its own connector: Arrow batches all the way, no row is touched in Python."""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

import duckdb
from pydantic import SecretStr
from snowflake import connector
from snowflake.connector.cursor import ResultMetadata, SnowflakeCursor

from ..errors import ProjectError
from ..settings import Settings
from ..sql import literal, quote
from .loaded import Loaded, furthest

SESSION: dict[str, Any] = {
    "session_parameters": {"TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False},
    "arrow_number_to_decimal": True,
    # Nanoseconds end in the year 2262.
    "force_microsecond_precision": True,
    "enable_server_session_keep_alive_auto_detection": False,
}
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


def configured(settings: Settings) -> bool:
    """Tell whether an account is named."""
    return bool(settings.snowflake_account)


def load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, bookmark: str | None
) -> Loaded:
    """Write the rows of the query into `table`, in the order of the query.

    With `snowflake.cursor` set, those whose cursor is not before the bookmark: rows that share the
    last value, or have none, may have come since. Columns are called as Snowflake calls them, in
    capitals unless they were made in quotes. Moments come in UTC.

    Raises:
        ProjectError: Snowflake does not answer, does not let in or refuses the query. No password,
            key or token is part of the text.

    """
    query, name = settings.snowflake.query.rstrip().removesuffix(";"), settings.snowflake.cursor
    whole = not (name and bookmark is not None)
    # It would ask the machine's cloud what it runs on, and report what comes as an error anyway.
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    try:
        with (
            connector.connect(**SESSION, **_address(settings)) as database,
            database.cursor() as cursor,
        ):
            if name and bookmark is not None:
                # It tells the columns and reads nothing.
                columns = [column.name for column in cursor.describe(query) or []]
                query = _since(query, _spelled(name, columns), bookmark)
            cursor.execute(query)
            _copy(cursor, connection, table)
    except connector.Error as error:
        reason = (error.raw_msg or str(error)).splitlines()[0]
        raise ProjectError(
            f"Snowflake: {reason} ([snowflake] in config/sources.toml, SNOWFLAKE_…)"
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


def _address(settings: Settings) -> dict[str, Any]:
    chosen = settings.snowflake
    names = {
        "account": settings.snowflake_account,
        "user": settings.snowflake_user,
        "warehouse": chosen.warehouse,
        "database": chosen.database,
        "schema": chosen.schema_name,
        "role": chosen.role,
    }
    address: dict[str, Any] = {name: value for name, value in names.items() if value}
    return address | _host(settings.snowflake_url) | _credentials(settings)


def _host(url: str) -> dict[str, Any]:
    """Give where the account is found, if not at the address that follows from its name."""
    if not url:
        return {}
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost"}
    if not parts.hostname or parts.scheme not in ({"https", "http"} if local else {"https"}):
        raise ProjectError("SNOWFLAKE_URL is no address such as https://host.example.com")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"host": parts.hostname, "port": port, "protocol": parts.scheme}


def _credentials(settings: Settings) -> dict[str, Any]:
    if settings.snowflake_private_key_file:
        phrase = _text(settings.snowflake_private_key_passphrase)
        return {
            "authenticator": "SNOWFLAKE_JWT",
            "private_key_file": settings.snowflake_private_key_file,
            **({"private_key_file_pwd": phrase} if phrase else {}),
        }
    if token := _text(settings.snowflake_token):
        return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": token}
    if password := _text(settings.snowflake_password):
        return {"password": password}
    raise ProjectError(
        "Snowflake: put SNOWFLAKE_PRIVATE_KEY_FILE, SNOWFLAKE_TOKEN or SNOWFLAKE_PASSWORD into .env"
    )


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _copy(cursor: SnowflakeCursor, connection: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = cursor.description or []
    lower = [column.name.lower() for column in columns]
    for column in columns:
        if lower.count(column.name.lower()) > 1:
            raise ProjectError(
                f"snowflake.query gives more than one column {column.name}: name one AS …"
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
