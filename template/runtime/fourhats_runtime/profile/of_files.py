"""Profile files as somebody hands them over: what was done to read them is among the warnings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from fourhats_runtime.data.files.names import told_apart
from fourhats_runtime.data.files.reading import AS_IT_IS, Reading
from fourhats_runtime.data.table_file import TableFileError, matching_files, opened_files
from fourhats_runtime.profile.inference import Profile, profile_relation


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
    with profiled_rows(path, target, task, reading) as (_, profile):
        return profile


@contextmanager
def profiled_rows(
    path: str,
    target: str | None = None,
    task: str | None = None,
    reading: Reading = AS_IT_IS,
) -> Iterator[tuple[duckdb.DuckDBPyRelation, Profile]]:
    """Give the rows beside their profile, while the files are open: see `profile_file`."""
    with duckdb.connect() as connection:
        try:
            with opened_files(connection, matching_files(path), path, reading) as table:
                if target is not None:
                    told_apart(target, table.repeated)
                profile = profile_relation(table.relation, target, task)
                said = (*table.notes, *profile.warnings)
                yield table.relation, replace(profile, path=path, warnings=said)
        except TableFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise TableFileError(f"{path}: {reason}") from error
