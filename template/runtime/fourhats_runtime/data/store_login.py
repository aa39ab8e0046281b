"""Addresses in S3, Google Cloud Storage and Azure Blob, and what must not be shown of them."""

import re
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

SCHEMES = ("s3", "gs", "az")
SECRETS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)


def address(url: str, setting: str) -> tuple[str, str, str]:
    """Take an address apart: what speaks, the bucket or container, and what is in it.

    Raises:
        ProjectError: it is none; the text names the setting.

    """
    found = re.fullmatch(r"(\w+)://([^/?#\s]+)/*(.*)", url)
    if found is None or found[1] not in SCHEMES:
        raise ProjectError(
            f"{setting} is {url!r}: it has to start with s3://, gs:// or az://, "
            "and the bucket's or container's name"
        )
    scheme, bucket, path = found.groups()
    return scheme, bucket, path


def endpoint(url: str, setting: str) -> SplitResult:
    """Take the address of a server apart; empty, it is the vendor's own.

    Raises:
        ProjectError: it is none; the text names the setting.

    """
    parts = urlsplit(url)
    if url and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise ProjectError(f"{setting} has to start with https:// or http:// and name a host")
    return parts


def azure_account(project: Project) -> str:
    """Give the name of the account at Azure.

    Raises:
        ProjectError: it is missing.

    """
    account = project.settings.variable("AZURE_STORAGE_ACCOUNT")
    if not account:
        raise ProjectError("AZURE_STORAGE_ACCOUNT is not set: put the account's name into .env")
    return account


def azure_identity(project: Project) -> str | None:
    """Give the client id of the machine's own identity to sign in with, where it has several.

    With a tenant, the id is that of an application, which Azure's libraries look after.
    """
    settings = project.settings
    keys = (settings.secret("AZURE_STORAGE_KEY"), settings.secret("AZURE_STORAGE_SAS_TOKEN"))
    if any(map(text, keys)) or settings.variable("AZURE_TENANT_ID"):
        return None
    return settings.variable("AZURE_CLIENT_ID") or None


def text(secret: SecretStr | None) -> str | None:
    """Give a secret; an empty one is none."""
    return (secret.get_secret_value().strip() if secret else "") or None


def reason(error: Exception, project: Project) -> str:
    """Put an error of a store into one line, without the secrets that an address may hold."""
    words = " ".join(str(error).split()) or type(error).__name__
    for variable in SECRETS:
        if hidden := text(project.settings.secret(variable)):
            words = words.replace(hidden, "…")
    return re.sub(r"(?i)(sig|signature|token)=[^&\s]+", r"\1=…", words)[:300]
