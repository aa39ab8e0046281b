"""What `--client-data` names: files, a bucket, a workbook, a database; and the source for it."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from duckdb import DuckDBPyRelation
    from fourhats_runtime.data import Source
    from fourhats_runtime.profile import Profile

    Rows = Iterator[tuple[DuckDBPyRelation, Profile]]
    Profiled = AbstractContextManager[tuple[DuckDBPyRelation, Profile]]

WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
DATABASES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
BUCKETS = {"s3", "gs", "az"}
TABLES = {".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet"}
TABLES |= {".dta", ".sav", ".zsav", ".por", ".sas7bdat", ".xpt"}  # of Stata, SPSS and SAS
PACKED = {".gz", ".bz2", ".zst", ".zip"}


@dataclass(frozen=True)
class Place:
    """What was typed: where the data is, which part of it, and what its columns are called."""

    address: str
    table: str | None = None
    query: str | None = None
    sheet: str | None = None
    columns: str | None = None
    header: bool = True
    encoding: str | None = None

    @property
    def naming(self) -> dict[str, Any]:
        """What the source's table in config/sources.toml has to say of names, where it has to.

        Raises:
            WrongInputError: a name is empty, or there twice.

        """
        if self.columns is None:
            return {} if self.header else {"header": False}
        names = [name.strip() for name in self.columns.split(",")]
        if not all(names) or len({name.lower() for name in names}) < len(names):
            raise WrongInputError(
                "--columns takes a name for each column, no two alike, such as --columns age,sex,y"
            )
        return {"columns": tuple(names)}


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

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """What the project's config/sources.toml has to say of it beside the answers, by table."""

    def rows(self, target: str | None, task: str | None) -> Profiled:
        """Open its rows and profile them; the runtime's errors come through."""


def client_source(place: Place, project: Path | None = None) -> ClientSource:
    """Find out what a place is; `project` is the folder of who is to read it, if there is one.

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
    if urlsplit(place.address).scheme in BUCKETS:
        _refuse(place, ("sheet", "columns", "header", "encoding"), "a bucket")
        return Objects(place.address)
    pattern, remarks = _pattern(place.address)
    if Path(pattern).suffix.lower() in WORKBOOKS or _is_workbook(pattern):
        _refuse(place, ("encoding",), "a workbook")
        return Workbook(pattern, place.sheet or "", place.naming, remarks, project)
    if place.sheet is not None:
        raise WrongInputError(f"--sheet goes with a workbook, and {place.address} is none")
    said = {} if place.encoding is None else {"encoding": place.encoding}
    return Files(pattern, place.naming | said, remarks, project)


@dataclass(frozen=True)
class Files:
    """CSV, JSON or Parquet: a path or a pattern."""

    label: str
    reading: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    project: Path | None = None

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source and its path."""
        path = _beside(self.label, self.project)
        return {"data_sources": ["files"], "files_path": path}

    @property
    def secrets(self) -> dict[str, str]:
        """Give the path where it is one of this machine."""
        return _elsewhere("FILES__PATH", self.label, self.project)

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Give what the files do not say of themselves."""
        return {"files": self.reading}

    @contextmanager
    def rows(self, target: str | None, task: str | None) -> Rows:
        """Give all rows."""
        from fourhats_runtime.data.files.reading import Reading  # noqa: PLC0415
        from fourhats_runtime.profile import profiled_rows  # noqa: PLC0415 (it brings DuckDB)

        reading = Reading(**self.reading)
        with (
            _libraries(self.label),
            profiled_rows(self.label, target, task, reading) as (rows, profile),
        ):
            yield rows, replace(profile, warnings=(*self.remarks, *profile.warnings))


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

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Give nothing beside the answers."""
        return {}

    def rows(self, target: str | None, task: str | None) -> Profiled:
        """Give the rows of all files."""
        from fourhats_runtime.data import ObjectStorage  # noqa: PLC0415

        section = {
            "url": self.label,
            "endpoint": os.environ.get("OBJECT_STORAGE__ENDPOINT", ""),
            "region": os.environ.get("OBJECT_STORAGE__REGION", ""),
            "anonymous": os.environ.get("OBJECT_STORAGE__ANONYMOUS", "").lower() in {"1", "true"},
        }
        return _loaded(ObjectStorage(), section, {}, self.label, target, task)


@dataclass(frozen=True)
class Workbook:
    """An Excel workbook, and the name of the sheet: empty for all that are like the first."""

    label: str
    sheet: str
    naming: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    project: Path | None = None

    @property
    def answers(self) -> dict[str, Any]:
        """Give the source, its path and its sheet."""
        path = _beside(self.label, self.project)
        return {"data_sources": ["excel"], "excel_path": path, "excel_sheet": self.sheet}

    @property
    def secrets(self) -> dict[str, str]:
        """Give the path where it is one of this machine."""
        return _elsewhere("EXCEL__PATH", self.label, self.project)

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Give the names of the columns, where the sheet does not."""
        return {"excel": self.naming}

    @contextmanager
    def rows(self, target: str | None, task: str | None) -> Rows:
        """Give all rows of the sheets."""
        from fourhats_runtime.data import Excel  # noqa: PLC0415

        section = {"path": _absolute(self.label), "sheet": self.sheet, **self.naming}
        with _loaded(Excel(), section, {}, self.label, target, task) as (rows, profile):
            yield rows, replace(profile, warnings=(*self.remarks, *profile.warnings))


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

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Give nothing beside the answers."""
        return {}

    def rows(self, target: str | None, task: str | None) -> Profiled:
        """Give all rows that the query gives."""
        from fourhats_runtime.data import MySQL, Postgres  # noqa: PLC0415

        source = MySQL() if self.kind == "mysql" else Postgres()
        return _loaded(source, {"query": self.query}, self.secrets, self.label, target, task)


@contextmanager
def _loaded(  # noqa: PLR0913, PLR0917 (what a source is to read, and what for)
    source: Source,
    section: Mapping[str, Any],
    secrets: Mapping[str, str],
    label: str,
    target: str | None,
    task: str | None,
) -> Rows:
    """Give what the runtime's own source reads."""
    import duckdb  # noqa: PLC0415
    from fourhats_runtime.errors import ProjectError  # noqa: PLC0415
    from fourhats_runtime.profile import profile_relation  # noqa: PLC0415

    from fourhats.client.surroundings import Surroundings  # noqa: PLC0415

    surroundings = Surroundings(Path.cwd(), {source.name: section}, secrets)
    with duckdb.connect() as connection:
        try:
            with _libraries(label):
                loaded = source.load(connection, surroundings.project, "client_rows", None)
        except ProjectError as error:
            # The project's own files, which it names at the end, are not there yet.
            raise WrongInputError(re.sub(r" \([\w., _/]*\)$", "", str(error))) from error
        rows = connection.table("client_rows")
        profile = profile_relation(rows, target, task)
        yield rows, replace(profile, path=label, warnings=(*loaded.said, *profile.warnings))


@contextmanager
def _libraries(label: str) -> Iterator[None]:
    """Say how to get a library that is not installed.

    Raises:
        WrongInputError: reading the data takes one.

    """
    from fourhats_runtime.data.extras import MissingLibraryError  # noqa: PLC0415

    try:
        yield
    except MissingLibraryError as error:
        raise WrongInputError(
            f"{label}: reading it takes {error.library}, which is not installed here: "
            "`pip install 'fourhats[sources]'`, or `uvx --from 'fourhats[sources]' fourhats …`"
        ) from error


def _database(place: Place, kind: str) -> Database:
    _refuse(place, ("sheet", "columns", "header", "encoding"), "a database")
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


def _refuse(place: Place, options: Sequence[str], what: str) -> None:
    """Refuse options that go with a file alone."""
    typed = {"header": "--no-header"}
    goes_with = {"sheet": "a workbook"}
    for name in options:
        if getattr(place, name) not in {None, True}:
            with_ = goes_with.get(name, "a file")
            raise WrongInputError(
                f"{typed.get(name, f'--{name}')} goes with {with_}, not with {what}"
            )


def _quoted(name: str, mark: str) -> str:
    """Quote a name where SQL would not take it as it stands."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return mark + name.replace(mark, mark * 2) + mark


def _pattern(path: str) -> tuple[str, tuple[str, ...]]:
    """Give the pattern of a folder's tables, and what is not read; a path stays as it is.

    They lie in the folder itself, or below folders such as year=2026.

    Raises:
        WrongInputError: the folder holds no tables, or tables of several kinds.

    """
    if not path or not os.path.isdir(path):  # noqa: PTH112  # which takes an endless name for no
        return path, ()
    folder = Path(path)
    for place in ("*", "*=*/**/*"):
        files = sorted(file for file in folder.glob(place) if _is_to_be_read(file))
        kinds = sorted({kind for file in files if (kind := _kind(file))})
        if len(kinds) == 1:
            others = [file.name for file in files if not _kind(file)]
            plain = all(file.name.endswith(kinds[0]) for file in files if _kind(file))
            end = kinds[0] if plain else _any_case(kinds[0])
            return str(folder / f"{place}{end}"), _not_read(path, others)
        if kinds:
            raise WrongInputError(
                f"{path}: the folder holds {', '.join(kinds)} files; name a pattern, such as "
                f"{folder / f'*{kinds[0]}'}"
            )
    raise WrongInputError(
        f"{path}: the folder holds no file of {', '.join(sorted(TABLES))}; name a file"
    )


def _is_to_be_read(file: Path) -> bool:
    """Tell whether a file is one that somebody put there, not a program's own."""
    return not file.name.startswith((".", "_", "~$")) and file.is_file()


def _kind(file: Path) -> str:
    """Give the end of a table's name, such as .csv or .csv.gz; else nothing."""
    *_, before, last = ["", "", *(suffix.lower() for suffix in file.suffixes)]
    if last in PACKED:
        return before + last if before in TABLES else last
    return last if last in TABLES | WORKBOOKS else ""


def _any_case(kind: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in kind)


def _not_read(path: str, others: list[str]) -> tuple[str, ...]:
    if not others:
        return ()
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""  # noqa: PLR2004
    return (f"{path}: not read: {', '.join(others[:5])}{more}",)


def _is_workbook(path: str) -> bool:
    """Tell whether a file is a workbook, whatever it is called."""
    from fourhats_runtime.data.files.packing import ZIP, is_workbook  # noqa: PLC0415

    if not path or not os.path.isfile(path):  # noqa: PTH113  # as above
        return False
    try:
        return is_workbook(Path(path), ZIP)
    except OSError:
        return False


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _beside(path: str, project: Path | None) -> str:
    """Give the path as it is from the project's folder; nothing where they are far from each other.

    What lies beside the project, or below what does, is found by it on another machine, too.
    """
    folder = (project or Path.cwd() / "project").expanduser().resolve()
    found = Path(_absolute(path))
    if not found.is_relative_to(folder.parent):
        return ""
    return (Path("..") / found.relative_to(folder.parent)).as_posix()


def _elsewhere(variable: str, path: str, project: Path | None) -> dict[str, str]:
    """Give the variable for .env, which is not committed, where the path is this machine's own."""
    return {} if _beside(path, project) else {variable: _absolute(path)}
