"""The stores that files are in, by Arrow's file systems: listing, and fetching many at once."""

import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pyarrow import fs

from fourhats_runtime.data.google_key import key_file
from fourhats_runtime.data.sources.kinds import ObjectStorage, ObjectStorageSection, Server
from fourhats_runtime.data.store_login import address, azure_account, azure_identity, endpoint, text
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

COMPRESSED = {".gz", ".bz2", ".zst"}
AT_ONCE = 8
CHUNK = 1024 * 1024
PATIENCE = timedelta(seconds=60)


class Store:
    """The files that the `url` of a source names."""

    def __init__(self, project: Project, source: ObjectStorage) -> None:
        """Read the address and the credentials; nothing is asked of the store yet.

        Raises:
            ProjectError: the address is none, or credentials are missing.

        """
        chosen, self._setting = source.section(project), f"{source.name}.url"
        self._url = chosen.url
        self._scheme, self._bucket, self._pattern = address(self._url, self._setting)
        self._files = _file_system(project, chosen, source.name, self._scheme, self._bucket)

    def files(self) -> dict[str, list[int]]:
        """Give the files' names in the bucket, with what changes when a file does.

        That is its size in bytes, and when it was written, in ns. Files that are empty or hidden
        (`_SUCCESS`, `.part`) are no data.

        Raises:
            ProjectError: there is none.
            OSError: the store does not answer, or refuses.

        """
        start = f"{self._bucket}/{_fixed(self._pattern)}".rstrip("/")
        infos = [self._files.get_file_info(start)]
        if infos[0].type != fs.FileType.File:
            below = fs.FileSelector(start, allow_not_found=True, recursive=True)
            infos = self._files.get_file_info(below)
        found = {
            info.path.removeprefix(f"{self._bucket}/"): [info.size, info.mtime_ns or 0]
            for info in sorted(infos, key=lambda info: info.path)
            if info.is_file and info.size
        }
        pattern = self._pattern if _fixed(self._pattern) != self._pattern.rstrip("/") else "*"
        within = len(PurePosixPath(_fixed(self._pattern)).parts)
        data = {
            name: state
            for name, state in found.items()
            if fnmatchcase(name, pattern)
            and not any(part[0] in "._" for part in PurePosixPath(name).parts[within:])
        }
        if not data:
            raise ProjectError(f"{self._url}: there is no such file ({self._setting})")
        return data

    def address(self, name: str) -> str:
        """Give the address of a file."""
        return f"{self._scheme}://{self._bucket}/{name}"

    def fetch(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Copy files into the folder, unpacked if they are compressed; gives the copies in order.

        Raises:
            OSError: the store does not answer, or refuses.

        """
        copies = [
            folder / f"{number}{_kind(name).suffix.lower()}" for number, name in enumerate(names)
        ]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._copy, names, copies))
        return copies

    def _copy(self, name: str, copy: Path) -> None:
        with (
            self._files.open_input_stream(f"{self._bucket}/{name}", compression="detect") as stream,
            copy.open("wb") as file,
        ):
            shutil.copyfileobj(stream, file, CHUNK)


def folder(project: Project, url: str, setting: str) -> tuple[fs.FileSystem, str]:
    """Give the store and the folder in it that a URL names, which stands in this setting.

    Who speaks for the store is said by the table `object_storage`, if there is one.

    Raises:
        ProjectError: the address is none, or credentials are missing.

    """
    scheme, bucket, path = address(url, setting)
    return _file_system(
        project, _server(project), Server.table, scheme, bucket
    ), f"{bucket}/{path}".rstrip("/")


def _fixed(pattern: str) -> str:
    """Give the folders that come before the first wildcard, or all if there is none."""
    parts = pattern.rstrip("/").split("/")
    wild = [number for number, part in enumerate(parts) if re.search(r"[*?\[]", part)]
    return "/".join(parts[: wild[0]] if wild else parts)


def _kind(name: str) -> PurePosixPath:
    """Give a file's name as it is once unpacked."""
    path = PurePosixPath(name)
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def _server(project: Project) -> Server:
    if not project.settings.has(Server.table):
        return Server()
    return project.settings(ObjectStorageSection)


def _file_system(
    project: Project, chosen: Server, table: str, scheme: str, bucket: str
) -> fs.FileSystem:
    server = endpoint(chosen.endpoint, f"{table}.endpoint")
    if scheme == "s3":
        region = chosen.region or (None if chosen.endpoint else fs.resolve_s3_region(bucket))
        return fs.S3FileSystem(
            access_key=text(project.settings.secret("AWS_ACCESS_KEY_ID")),
            secret_key=text(project.settings.secret("AWS_SECRET_ACCESS_KEY")),
            session_token=text(project.settings.secret("AWS_SESSION_TOKEN")),
            anonymous=chosen.anonymous,
            region=region,
            endpoint_override=chosen.endpoint or None,
        )
    if scheme == "gs":
        with key_file(project):
            return fs.GcsFileSystem(
                anonymous=chosen.anonymous,
                scheme=server.scheme or None,
                endpoint_override=server.netloc or None,
                retry_time_limit=PATIENCE,
            )
    account = azure_account(project)
    sas_token = text(project.settings.secret("AZURE_STORAGE_SAS_TOKEN"))
    return fs.AzureFileSystem(
        account_name=account,
        account_key=None if sas_token else text(project.settings.secret("AZURE_STORAGE_KEY")),
        sas_token=sas_token,
        client_id=azure_identity(project),
        blob_storage_authority=server.netloc or None,
        blob_storage_scheme=server.scheme or None,
        dfs_storage_authority=server.netloc or None,
        dfs_storage_scheme=server.scheme or None,
    )
