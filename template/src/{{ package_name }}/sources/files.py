"""CSV and Parquet files, read by DuckDB."""

import json
from pathlib import Path

import duckdb

from ..errors import ProjectError
from ..settings import Settings
from ..sql import quote
from ..table_file import TableFileError, matching_files, open_files
from .loaded import Loaded


def configured(settings: Settings) -> bool:
    """Tell whether a path is set."""
    return bool(settings.files.path)


def load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, bookmark: str | None
) -> Loaded:
    """Write the rows of the files into `table`, in the order of the files.

    With `files.only_new`, those of the files that were not there at the bookmark. Where one that
    was has changed or gone, all are read again.

    Raises:
        ProjectError: a file is missing or is no table; the text says which.

    """
    path = str(settings.root / settings.files.path)
    try:
        present = {str(file): _state(file) for file in matching_files(path)}
        known: dict[str, list[int]] = json.loads(bookmark) if bookmark else {}
        changed = any(present.get(file) != state for file, state in known.items())
        whole = not settings.files.only_new or not known or changed
        files = [Path(file) for file in present if whole or file not in known]
        # Without a new file the table is empty, and has its columns all the same.
        rows = open_files(connection, files or [Path(file) for file in present])
        (rows if files else rows.limit(0)).create_view("source_rows", replace=True)
        connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
    except (TableFileError, duckdb.Error, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ProjectError(f"{reason} (files.path in config/sources.toml)") from None
    finally:
        connection.execute("DROP VIEW IF EXISTS source_rows")
    return Loaded(json.dumps(present), whole) if settings.files.only_new else Loaded()


def _state(file: Path) -> list[int]:
    """Give what changes when a file does: its size in bytes, and when it was written, in ns."""
    facts = file.stat()
    return [facts.st_size, facts.st_mtime_ns]
