"""The way into Snowflake: which account, as whom, with which secret."""

import logging
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr
from snowflake import connector

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

SESSION: dict[str, Any] = {
    "arrow_number_to_decimal": True,
    # Nanoseconds end in the year 2262.
    "force_microsecond_precision": True,
    "enable_server_session_keep_alive_auto_detection": False,
}
PREFIX = "SNOWFLAKE"
PARAMETERS = {"TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False}


class Place(Protocol):
    """Where to work in the account, and as what; an empty name is the user's own default."""

    warehouse: str
    database: str
    schema_name: str
    role: str


def connect(
    project: Project,
    place: Place,
    prefix: str = PREFIX,
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> connector.SnowflakeConnection:
    """Sign in by the variables that start with the prefix; `parameters` hold for the session.

    Raises:
        ProjectError: there is no secret, or no address.
        connector.Error: Snowflake does not answer or does not let in.

    """
    # It would ask the machine's cloud what it runs on, and report what comes as an error anyway.
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    session = SESSION | {"session_parameters": PARAMETERS | dict(parameters)}
    return connector.connect(**session, **_address(project, place, prefix))


def reason(error: connector.Error) -> str:
    """Give what Snowflake said, in one line: what is wrong often stands in its second."""
    return " ".join((error.raw_msg or str(error)).split())


def _address(project: Project, place: Place, prefix: str) -> dict[str, Any]:
    variable = project.settings.variable
    names = {
        "account": variable(f"{prefix}_ACCOUNT"),
        "user": variable(f"{prefix}_USER"),
        "warehouse": place.warehouse,
        "database": place.database,
        "schema": place.schema_name,
        "role": place.role,
    }
    address: dict[str, Any] = {name: value for name, value in names.items() if value}
    host = _host(variable(f"{prefix}_URL"), f"{prefix}_URL")
    return address | host | _credentials(project, prefix)


def _host(url: str, setting: str) -> dict[str, Any]:
    """Give where the account is found, if not at the address that follows from its name."""
    if not url:
        return {}
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost"}
    if not parts.hostname or parts.scheme not in ({"https", "http"} if local else {"https"}):
        raise ProjectError(f"{setting} is no address such as https://host.example.com")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"host": parts.hostname, "port": port, "protocol": parts.scheme}


def _credentials(project: Project, prefix: str) -> dict[str, Any]:
    if file := project.settings.variable(f"{prefix}_PRIVATE_KEY_FILE"):
        phrase = _text(project.settings.secret(f"{prefix}_PRIVATE_KEY_PASSPHRASE"))
        return {
            "authenticator": "SNOWFLAKE_JWT",
            "private_key_file": file,
            **({"private_key_file_pwd": phrase} if phrase else {}),
        }
    if token := _text(project.settings.secret(f"{prefix}_TOKEN")):
        return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": token}
    if password := _text(project.settings.secret(f"{prefix}_PASSWORD")):
        return {"password": password}
    raise ProjectError(
        f"Snowflake: put {prefix}_PRIVATE_KEY_FILE, {prefix}_TOKEN or {prefix}_PASSWORD into .env"
    )


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
