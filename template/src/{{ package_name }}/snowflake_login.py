"""The way into Snowflake: which account, as whom, with which secret."""

import logging
import os
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr
from snowflake import connector

from .errors import ProjectError
from .settings import Settings

SESSION: dict[str, Any] = {
    "arrow_number_to_decimal": True,
    # Nanoseconds end in the year 2262.
    "force_microsecond_precision": True,
    "enable_server_session_keep_alive_auto_detection": False,
}
PARAMETERS = {"TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False}


class Place(Protocol):
    """Where to work in the account, and as what; an empty name is the user's own default."""

    warehouse: str
    database: str
    schema_name: str
    role: str


def connect(
    settings: Settings, place: Place, **parameters: object
) -> connector.SnowflakeConnection:
    """Sign in; `parameters` hold for the session.

    Raises:
        ProjectError: there is no secret, or no address.
        connector.Error: Snowflake does not answer or does not let in.

    """
    # It would ask the machine's cloud what it runs on, and report what comes as an error anyway.
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    session = SESSION | {"session_parameters": PARAMETERS | parameters}
    return connector.connect(**session, **_address(settings, place))


def reason(error: connector.Error) -> str:
    """Give what Snowflake said, in one line: what is wrong often stands in its second."""
    return " ".join((error.raw_msg or str(error)).split())


def _address(settings: Settings, place: Place) -> dict[str, Any]:
    names = {
        "account": settings.snowflake_account,
        "user": settings.snowflake_user,
        "warehouse": place.warehouse,
        "database": place.database,
        "schema": place.schema_name,
        "role": place.role,
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
