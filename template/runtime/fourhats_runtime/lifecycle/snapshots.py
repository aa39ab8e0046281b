"""The rows that models came of, kept as Parquet, each content once.

A snapshot holds the rows of `clean` whose outcome was known: ids that are personal data as the
pseudonyms that they are there, and no column that the contract leaves out. Its name is the SHA-256
of the file: `sha256sum` gives that of a copy.
"""

import hashlib
import io
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import written_whole
from fourhats_runtime.lifecycle import sharing
from fourhats_runtime.project import Project

FOLDER = "snapshots"


def keep(project: Project, rows: pa.Table, *, write: bool = True) -> str:
    """Keep rows, unless they are there already; gives their hash.

    Without `write`, the hash alone is made.
    """
    content = io.BytesIO()
    # In one piece: where DuckDB cuts a table is chance, and where the pieces end is in the file.
    whole = rows.replace_schema_metadata(None).combine_chunks()
    parquet.write_table(whole, content, compression="zstd")
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    path = _path(project, digest)
    if write and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as scratch:
            scratch.write_bytes(content.getbuffer())
    return digest


def kept(project: Project, digest: str) -> Path:
    """Give the file of a snapshot; where machines share a bucket, it is taken from there.

    Raises:
        ProjectError: there is none, or its content is another.

    """
    path = _path(project, digest)
    if not path.exists():
        sharing.bring(project, path.relative_to(project.artifacts).as_posix())
    if not path.exists():
        raise ProjectError(
            f"{path} is missing: the rows were not kept (TRAINING__KEEP_ROWS), or were deleted"
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ProjectError(f"{path} is not what was kept there: its content has another hash")
    return path


def _path(project: Project, digest: str) -> Path:
    return project.artifacts / FOLDER / f"{digest}.parquet"
