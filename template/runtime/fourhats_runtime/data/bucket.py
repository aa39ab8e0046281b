"""The bucket that `storage.url` names: its objects are read, written and replaced by obstore."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotModifiedError, PreconditionError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from fourhats_runtime.data.storage import Storage
from fourhats_runtime.data.store_login import (
    address,
    azure_account,
    azure_identity,
    endpoint,
    reason,
    text,
)
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

RETRIES: dict[str, Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
TIMES = {"connect_timeout": "5s", "timeout": "60s"}
PART_BYTES, PARTS_AT_ONCE = 16 * 1024 * 1024, 4


@dataclass(frozen=True)
class Stamp:
    """What tells one writing of an object from the next: a tag, or Google's generation."""

    e_tag: str | None
    version: str | None


@dataclass(frozen=True)
class Found:
    """An object as it was read."""

    content: bytes
    stamp: Stamp


@dataclass(frozen=True)
class Listed:
    """An object that is there: how large it is, and since when, by the bucket's clock."""

    size: int
    written_at: datetime


class ChangedError(Exception):
    """Somebody else was there first."""


class Bucket:
    """The objects below `storage.url`."""

    def __init__(self, project: Project) -> None:
        """Read the address and the credentials; nothing is asked of the bucket yet.

        Raises:
            ProjectError: the address is none, or credentials are missing.

        """
        self.url = project.settings(Storage).url.rstrip("/")
        self._project = project
        scheme, bucket, self._folder = address(self.url, "storage.url")
        self._store = _store(project, scheme, bucket)

    def read(self, name: str, seen: Stamp | None = None) -> Found | None:
        """Read an object, None where there is none, or where it is the one that was seen.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        with self._told("read", name):
            tag = seen.e_tag if seen else None
            try:
                found = obstore.get(
                    self._store, self._path(name), options={"if_none_match": tag} if tag else None
                )
            except (FileNotFoundError, NotModifiedError):
                return None
            stamp = Stamp(found.meta.get("e_tag"), found.meta.get("version"))
            if stamp == seen:
                return None
            return Found(bytes(found.bytes()), stamp)

    def write(self, name: str, content: bytes) -> None:
        """Write an object, whatever was there.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        self._put(name, content, use_multipart=False)

    def send(self, name: str, path: Path) -> None:
        """Write a file; a large one goes in parts, and is never whole in memory.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        self._put(name, path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)

    def listed(self, folder: str) -> dict[str, Listed]:
        """List what is in a folder and below, by its name there.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        start = f"{self._path(folder)}/"
        with self._told("listed", folder):
            found = obstore.list(self._store, start).collect()
        return {
            one["path"].removeprefix(start): Listed(one["size"], one["last_modified"])
            for one in found
        }

    def remove(self, name: str) -> None:
        """Take an object away, if it is there.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        with self._told("removed", name), suppress(FileNotFoundError):
            obstore.delete(self._store, self._path(name))

    def replace(self, name: str, content: bytes, seen: Stamp | None) -> Stamp:
        """Write an object if it still is the one that was seen; None: if there is none yet.

        Raises:
            ChangedError: it is not.
            ProjectError: the bucket does not answer, or refuses.

        """
        mode: Any = "create"
        if seen is not None:
            mode = _set({"e_tag": seen.e_tag, "version": seen.version})
        with self._told("written", name):
            try:
                written = obstore.put(self._store, self._path(name), content, mode=mode)
            except (AlreadyExistsError, PreconditionError):
                # It may be ours: where an answer got lost, the request was sent once more.
                found = self.read(name)
                if found is None or found.content != content:
                    raise ChangedError from None
                return found.stamp
            return Stamp(written.get("e_tag"), written.get("version"))

    def _put(self, name: str, content: bytes | Path, **how: Any) -> None:  # noqa: ANN401 (obstore's)
        kind, _ = guess_type(name)
        attributes = {"Content-Type": kind} if kind else None
        with self._told("written", name):
            obstore.put(self._store, self._path(name), content, attributes=attributes, **how)

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    @contextmanager
    def _told(self, done: str, name: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            said, *_ = reason(error, self._project).split(" Debug source:")
            raise ProjectError(f"{self.url}/{name} cannot be {done}: {said}") from None


def _store(project: Project, scheme: str, bucket: str) -> ObjectStore:
    chosen = project.settings(Storage)
    server = endpoint(chosen.endpoint, "storage.endpoint")
    options: dict[str, Any] = {
        "client_options": {**TIMES, "allow_http": server.scheme == "http"},
        "retry_config": RETRIES,
        "skip_signature": chosen.anonymous,
    }
    given: dict[str, str | None]
    if scheme == "s3":
        given = {
            "access_key_id": text(project.settings.secret("AWS_ACCESS_KEY_ID")),
            "secret_access_key": text(project.settings.secret("AWS_SECRET_ACCESS_KEY")),
            "session_token": text(project.settings.secret("AWS_SESSION_TOKEN")),
            "region": chosen.region,
            "endpoint": chosen.endpoint,
        }
        return S3Store(bucket, **options, **_set(given))
    if scheme == "gs":
        given = {
            "application_credentials": project.settings.variable("GOOGLE_APPLICATION_CREDENTIALS"),
            "base_url": chosen.endpoint,
        }
        if chosen.anonymous:  # or it would look for somebody to write as
            options["credential_provider"] = lambda: {"token": "", "expires_at": None}
        return GCSStore(bucket, **options, **_set(given))
    account = azure_account(project)
    sas_token = text(project.settings.secret("AZURE_STORAGE_SAS_TOKEN"))
    given = {
        "account_name": account,
        "account_key": None if sas_token else text(project.settings.secret("AZURE_STORAGE_KEY")),
        "sas_key": sas_token,
        "client_id": azure_identity(project),
        "endpoint": f"{chosen.endpoint.rstrip('/')}/{account}" if chosen.endpoint else None,
    }
    return AzureStore(bucket, **options, **_set(given))


def _set(given: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value}
