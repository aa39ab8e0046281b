"""Profile files as somebody hands them over: what was done to read them is among the warnings."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from fourhats_runtime.data.files.names import told_apart
from fourhats_runtime.data.files.reading import AS_IT_IS, Reading
from fourhats_runtime.data.sql import literal
from fourhats_runtime.data.table_file import TableFileError, matching_files, opened_files
from fourhats_runtime.profile.inference import Profile, profile_relation

LARGE = 64 * 1024 * 1024
"""Bytes from which on it is dearer to split lines for each look than to keep the values."""


def profile_file(
    path: str,
    target: str | None = None,
    task: str | None = None,
    reading: Reading = AS_IT_IS,
) -> Profile:
    """Profile a file of CSV, JSON or Parquet, or all files of a glob.

    Raises:
        TableFileError: it can't be read as a table, or several columns have the target's name.
        TargetError: the target is missing or can't be predicted.

    """
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        try:
            files = matching_files(path)
            with opened_files(connection, files, path, reading) as table:
                if target is not None:
                    told_apart(target, table.repeated)
                rows = table.relation
                if sum(file.stat().st_size for file in files) > LARGE:
                    rows = _kept(connection, rows, Path(folder) / "rows.duckdb")
                profile = profile_relation(rows, target, task)
        except TableFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise TableFileError(f"{path}: {reason}") from error
    return replace(profile, path=path, warnings=(*table.notes, *profile.warnings))


def _kept(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, file: Path
) -> duckdb.DuckDBPyRelation:
    """Keep rows by columns in a database of their own, in which they are compressed."""
    connection.execute(f"ATTACH {literal(str(file))} AS kept")
    rows.create_view("rows_of_files")
    connection.execute("CREATE TABLE kept.held AS FROM rows_of_files")
    return connection.sql("FROM kept.held")
