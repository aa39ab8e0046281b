"""Addresses in S3, Google Cloud Storage and Azure Blob, and what must not be told of them."""

import re
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from .errors import ProjectError
from .settings import Settings

SCHEMES = ("s3", "gs", "az")


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


def azure_account(settings: Settings) -> str:
    """Give the name of the account at Azure.

    Raises:
        ProjectError: it is missing.

    """
    if not settings.azure_storage_account:
        raise ProjectError("AZURE_STORAGE_ACCOUNT is not set: put the account's name into .env")
    return settings.azure_storage_account


def azure_identity(settings: Settings) -> str | None:
    """Give the client id of the machine's own identity to sign in with, where it has several.

    With a tenant, the id is that of an application, which Azure's libraries look after.
    """
    given = text(settings.azure_storage_key) or text(settings.azure_storage_sas_token)
    return None if given or settings.azure_tenant_id else settings.azure_client_id or None


def text(secret: SecretStr | None) -> str | None:
    """Give a secret; an empty one is none."""
    return (secret.get_secret_value().strip() if secret else "") or None


def reason(error: Exception, settings: Settings) -> str:
    """Put an error of a store into one line, without the secrets that an address may hold."""
    words = " ".join(str(error).split()) or type(error).__name__
    for secret in (
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
        settings.aws_session_token,
        settings.azure_storage_key,
        settings.azure_storage_sas_token,
    ):
        if hidden := text(secret):
            words = words.replace(hidden, "…")
    return re.sub(r"(?i)(sig|signature|token)=[^&\s]+", r"\1=…", words)[:300]
