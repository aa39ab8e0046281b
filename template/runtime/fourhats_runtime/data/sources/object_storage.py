"""Files in an object storage: S3 and what speaks like it, Google Cloud Storage, Azure Blob."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import duckdb
from pyarrow import ArrowException

from fourhats_runtime.data.sources import json_records
from fourhats_runtime.data.sources.kinds import ObjectStorage
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sources.stores import Store
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.store_login import reason
from fourhats_runtime.data.table_file import TableFileError, opened_files
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

JSON_LINES = {".json", ".jsonl", ".ndjson"}
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

Files = Mapping[str, Path]
"""Copies of the files, by their names in the store."""


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: ObjectStorage,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the files into `table`, in the order of the files' names.

    With `only_new`, those of the files that were not there at the bookmark. Where
    one that was has changed or gone, all are read again. The folders of a partitioned table, such
    as `year=2026`, become columns of text.

    Raises:
        ProjectError: the store can't be read, or a file is no table; the text says which.

    """
    only_new = source.section(project).only_new
    known: dict[str, Any] = json.loads(bookmark) if bookmark and only_new else {}
    files: dict[str, Path] = {}
    try:
        store = Store(project, source)
        present = store.files()
        read = known.get("files", {})
        if any(present.get(name) != state for name, state in read.items()):
            known, read = {}, {}
        names = [name for name in present if name not in read]
        with TemporaryDirectory() as folder:
            files = dict(zip(names, store.fetch(names, Path(folder)), strict=True))
            said = _write(connection, table, files, known.get("columns", {}))
    except (TableFileError, ArrowException, duckdb.Error, OSError, ValueError) as error:
        text = reason(error, project)
        for name, copy in files.items():
            text = text.replace(str(copy), store.address(name))
        raise ProjectError(f"object storage: {text} ({source.name}.url)") from None
    for name, copy in files.items():
        said = [text.replace(copy.name, PurePosixPath(name).name) for text in said]
    if not only_new:
        return Loaded(said=tuple(said))
    relation = connection.table(quote(table))
    columns = dict(zip(relation.columns, map(str, relation.types), strict=True))
    return Loaded(json.dumps({"files": present, "columns": columns}), not known, tuple(said))


def _write(
    connection: duckdb.DuckDBPyConnection, table: str, files: Files, known: json_records.Columns
) -> list[str]:
    kinds = {copy.suffix in JSON_LINES for copy in files.values()}
    if not files:
        columns = ", ".join(f"{quote(name)} {kind}" for name, kind in known.items())
        connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} ({columns})")
    elif kinds == {True}:
        json_records.write(connection, table, _records(files), known)
    elif kinds == {False}:
        return _write_tables(connection, table, files)
    else:
        raise TableFileError("holds both JSON and other files; name one kind")
    return []


def _write_tables(connection: duckdb.DuckDBPyConnection, table: str, files: Files) -> list[str]:
    """Write CSV or Parquet files, those of each partition with its values; give what was said."""
    partitions: dict[tuple[tuple[str, str | None], ...], list[Path]] = {}
    for name, copy in files.items():
        partitions.setdefault(tuple(_partition(name).items()), []).append(copy)
    parts, said = [], list[str]()
    with ExitStack() as stack:
        for number, (values, copies) in enumerate(partitions.items()):
            opened = stack.enter_context(opened_files(connection, copies))
            said += opened.notes
            rows, view = opened.relation, f"source_rows_{number}"
            rows.create_view(view, replace=True)
            stack.callback(connection.execute, f"DROP VIEW {view}")
            constants = [
                f"{'NULL' if value is None else literal(value)}::VARCHAR AS {quote(key)}"
                for key, value in values
                if key not in rows.columns
            ]
            parts.append(f"SELECT {', '.join(['*', *constants])} FROM {view}")
        together = " UNION ALL BY NAME ".join(parts)
        connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS {together}")
    return said


def _records(files: Files) -> Iterator[dict[str, Any]]:
    """Read JSON lines."""
    for name, copy in files.items():
        values = _partition(name)
        with copy.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except ValueError:
                    record = None
                if not isinstance(record, dict):
                    raise TableFileError(f"{copy}: line {number} is no JSON object")
                yield values | record


def _partition(name: str) -> dict[str, str | None]:
    """Read the values of the folders that a file is in, such as `year=2026/month=01`."""
    folders = [part.partition("=") for part in PurePosixPath(name).parts[:-1] if "=" in part]
    return {key: None if value == NO_VALUE else unquote(value) for key, _, value in folders}
