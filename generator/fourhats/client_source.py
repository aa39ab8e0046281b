"""What `--client-data` names: files, a bucket, a workbook, a database; and the source for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats.profile import Profile

WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
DATABASES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
BUCKETS = {"s3", "gs", "az"}
STORE_SECRETS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)


@dataclass(frozen=True)
class Place:
    """What was typed: where the data is, and which part of it."""

    address: str
    table: str | None = None
    query: str | None = None
    sheet: str | None = None


class ClientSource(Protocol):
    """A place that can be read, and what a project about it has to know."""

    @property
    def label(self) -> str:
        """What the person calls it; never a password."""

    @property
    def answers(self) -> dict[str, Any]:
        """The answers that it leaves no choice about."""

    @property
    def secrets(self) -> dict[str, str]:
        """What goes into the project's .env, and nowhere else."""

    def profile(self, target: str | None, task: str | None) -> Profile:
        """Profile its rows; the template's errors come through."""


def client_source(place: Place) -> ClientSource:
    """Find out what a place is.

    Raises:
        WrongInputError: an option does not go with it, or a folder holds no tables.

    """
    kind = DATABASES.get(urlsplit(place.address).scheme.partition("+")[0])
    if kind is not None:
        return _database(place, kind)
    if place.table is not None or place.query is not None:
        option = "--table" if place.table is not None else "--query"
        raise WrongInputError(
            f"{option} goes with a database as --client-data, such as postgresql://user@host/name"
        )
    in_bucket = urlsplit(place.address).scheme in BUCKETS
    if Path(place.address).suffix.lower() in WORKBOOKS and not in_bucket:
        return Workbook(place.address, place.sheet or "")
    if place.sheet is not None:
        raise WrongInputError(f"--sheet goes with a workbook, and {place.address} is none")
    if in_bucket:
        return Objects(place.address)
    return Files(_pattern(place.address))


@dataclass(frozen=True)
class Files:
    """CSV or Parquet: a path or a pattern."""

    label: str
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source and its path."""
        return {"data_sources": ["files"], "files_path": _absolute(self.label)}

    def profile(self, target: str | None, task: str | None) -> Profile:
        """Profile all rows."""
        from fourhats.project import inference  # noqa: PLC0415

        profile: Profile = inference().profile_file(self.label, target=target, task=task)
        return profile


@dataclass(frozen=True)
class Objects:
    """Files in S3, Google Cloud Storage or Azure Blob: one, a folder, or a pattern.

    Who may read them is in the environment, under the names that the project has for it.
    """

    label: str
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source and its address."""
        return {"data_sources": ["object_storage"], "object_storage_url": self.label}

    def profile(self, target: str | None, task: str | None) -> Profile:
        """Profile the rows of all files."""
        section = {
            "url": self.label,
            "only_new": False,
            "endpoint": os.environ.get("OBJECT_STORAGE__ENDPOINT", ""),
            "region": os.environ.get("OBJECT_STORAGE__REGION", ""),
            "anonymous": os.environ.get("OBJECT_STORAGE__ANONYMOUS", "").lower() in {"1", "true"},
        }
        settings: dict[str, Any] = {"object_storage": section}
        for name in ("AZURE_STORAGE_ACCOUNT", "GOOGLE_APPLICATION_CREDENTIALS"):
            settings[name.lower()] = os.environ.get(name, "")
        for name in STORE_SECRETS:
            settings[name.lower()] = _secret(os.environ.get(name, ""))
        return _loaded("object_storage", settings, self.label, target, task)


@dataclass(frozen=True)
class Workbook:
    """An Excel workbook, and the name of the sheet: empty for the first."""

    label: str
    sheet: str
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source, its path and its sheet."""
        path = _absolute(self.label)
        return {"data_sources": ["excel"], "excel_path": path, "excel_sheet": self.sheet}

    def profile(self, target: str | None, task: str | None) -> Profile:
        """Profile all rows of the sheet."""
        settings = {"path": _absolute(self.label), "sheet": self.sheet}
        return _loaded("excel", {"excel": settings}, self.label, target, task)


@dataclass(frozen=True)
class Database:
    """A query to a PostgreSQL, MySQL or MariaDB database."""

    kind: str
    url: str = field(repr=False)
    query: str
    label: str

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source and its query."""
        return {"data_sources": [self.kind], f"{self.kind}_query": self.query}

    @property
    def secrets(self) -> dict[str, str]:
        """Give the address, which may hold a password."""
        return {f"{self.kind.upper()}_URL": self.url}

    def profile(self, target: str | None, task: str | None) -> Profile:
        """Profile all rows that the query gives."""
        settings = {
            self.kind: {"query": self.query, "cursor": ""},
            f"{self.kind}_url": _secret(self.url),
        }
        return _loaded(self.kind, settings, self.label, target, task)


def _secret(value: str) -> SimpleNamespace:
    return SimpleNamespace(get_secret_value=lambda: value)


def _loaded(
    source: str, settings: Mapping[str, Any], label: str, target: str | None, task: str | None
) -> Profile:
    """Profile what the project's own module for the source reads."""
    import duckdb  # noqa: PLC0415

    from fourhats.project import errors, inference, source_module  # noqa: PLC0415

    try:
        module = source_module(source)
    except ModuleNotFoundError as error:
        driver = str(error.name).partition(".")[0]
        raise WrongInputError(
            f"{label}: reading it takes {driver}, which is not installed here: "
            "`pip install 'fourhats[sources]'`, or `uvx --from 'fourhats[sources]' fourhats …`"
        ) from error
    sections = {
        name: SimpleNamespace(**value) if isinstance(value, dict) else value
        for name, value in settings.items()
    }
    given = SimpleNamespace(root=Path.cwd(), **sections)
    with duckdb.connect() as connection:
        try:
            module.load(connection, given, "client_rows", None)
        except errors().ProjectError as error:
            # The project's own files, which it names at the end, are not there yet.
            raise WrongInputError(re.sub(r" \([\w., _/]*\)$", "", str(error))) from error
        rows = connection.table("client_rows")
        profile: Profile = inference().profile_relation(rows, target, task)
    return replace(profile, path=label)  # type: ignore[type-var]  # it is a dataclass


def _database(place: Place, kind: str) -> Database:
    if place.sheet is not None:
        raise WrongInputError("--sheet goes with a workbook, not with a database")
    if (place.table is None) == (place.query is None):
        raise WrongInputError(
            "a database as --client-data takes --table NAME, or --query 'SELECT …': give one"
        )
    if place.query is not None:
        return Database(kind, place.address, place.query, "query")
    table = str(place.table)
    mark = "`" if kind == "mysql" else '"'
    name = ".".join(_quoted(part, mark) for part in table.split("."))
    return Database(kind, place.address, f"SELECT * FROM {name}", table)  # noqa: S608  # its own data


def _quoted(name: str, mark: str) -> str:
    """Quote a name where SQL would not take it as it stands."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return mark + name.replace(mark, mark * 2) + mark


def _pattern(path: str) -> str:
    """Give the pattern of a folder's tables; anything else stays as it is.

    They lie in the folder itself, or below folders such as year=2026.
    """
    if not path or not os.path.isdir(path):  # noqa: PTH112  # which takes an endless name for no
        return path
    folder = Path(path)
    for place in ("*", "*=*/**/*"):
        kinds = [kind for kind in ("parquet", "csv") if next(folder.glob(f"{place}.{kind}"), None)]
        if len(kinds) == 1:
            return str(folder / f"{place}.{kinds[0]}")
        if kinds:
            raise WrongInputError(
                f"{path}: the folder holds both Parquet and CSV files; name a pattern, such as "
                f"{folder / '*.csv'}"
            )
    raise WrongInputError(f"{path}: the folder holds no .parquet or .csv file; name a file")


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())
