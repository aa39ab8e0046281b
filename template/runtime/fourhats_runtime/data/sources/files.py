"""CSV, JSON and Parquet files, read by DuckDB."""

import json
from pathlib import Path

import duckdb

from fourhats_runtime.data.sources.kinds import Files
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.table_file import (
    Reading,
    TableFileError,
    matching_files,
    opened_files,
)
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: Files,
    table: str,
    bookmark: str | None,
) -> Loaded:
    """Write the rows of the files into `table`, in the order of the files.

    Columns are put together by name; what was left out or differs is said. With `only_new`, those
    of the files that were not there at the bookmark. Where one that was has changed or gone, all
    are read again.

    Raises:
        ProjectError: a file is missing or is no table; the text says which.

    """
    chosen = source.section(project)
    path = str(project.folder / chosen.path)
    try:
        present = {str(file): _state(file) for file in matching_files(path)}
        known: dict[str, list[int]] = json.loads(bookmark) if bookmark else {}
        changed = any(present.get(file) != state for file, state in known.items())
        whole = not chosen.only_new or not known or changed
        files = [Path(file) for file in present if whole or file not in known]
        # Without a new file the table is empty, and has its columns all the same.
        reading = Reading(chosen.columns, chosen.header, chosen.encoding)
        read = files or [Path(file) for file in present]
        with opened_files(connection, read, path, reading) as opened:
            rows = opened.relation
            (rows if files else rows.limit(0)).create_view("source_rows", replace=True)
            connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
    except (TableFileError, duckdb.Error, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"{reason} ({source.name}.path in config/sources.toml)") from None
    finally:
        connection.execute("DROP VIEW IF EXISTS source_rows")
    said = opened.notes if files else ()
    return Loaded(json.dumps(present), whole, said) if chosen.only_new else Loaded(said=said)


def _state(file: Path) -> list[int]:
    """Give what changes when a file does: its size in bytes, and when it was written, in ns."""
    facts = file.stat()
    return [facts.st_size, facts.st_mtime_ns]
