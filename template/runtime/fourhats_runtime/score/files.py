"""The files of scores: a partition a day, in parts that are each written whole.

A part says what it was made of. A run that was killed is repeated by running it again: what stands
there of the same model and the same rows is kept.
"""

import hashlib
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pyarrow import fs, parquet

from fourhats_runtime.data.sources import stores
from fourhats_runtime.data.store_login import reason
from fourhats_runtime.data.warehouse import Connection, read_in
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import unfinished
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

PART_ROWS = 250_000
COMPLETE = "_SUCCESS"
"""Stands in a partition that is whole, by the custom of Hadoop."""
UNSCORED = "_unscored.csv"
"""Who got no decision, and why: no data to who reads a partition, by the same custom."""
STAMP = b"made_of"


class Scores(Section):
    """Where the files of scores go; empty: to artifacts/scores."""

    table: ClassVar[str] = "scores"

    url: str = ""


@contextmanager
def score_files(project: Project, partition: str) -> Iterator["ScoreFiles"]:
    """Give a partition: the folder of a day, or of a time of the past.

    Raises:
        ProjectError: it cannot be read or written.

    """
    files = ScoreFiles(project, partition)
    try:
        yield files
    except (pa.ArrowException, OSError) as error:
        said = reason(error, project)
        raise ProjectError(f"{files.address} cannot be written: {said}") from None


class ScoreFiles:
    """A partition: the folder of a day, or of a time of the past."""

    def __init__(self, project: Project, partition: str) -> None:
        """Find the place; nothing is written yet."""
        self._files, place = _place(project)
        self._folder = partition
        self.address = f"{place}/{partition}"

    def has(self, part: int, stamp: str) -> bool:
        """Tell whether a part is there that was made of just this."""
        try:
            with self._files.open_input_file(self._name(part)) as file:
                metadata = parquet.ParquetFile(file).schema_arrow.metadata or {}
        except (FileNotFoundError, pa.ArrowInvalid):
            return False
        return bool(metadata.get(STAMP) == stamp.encode())

    def write(self, part: int, rows: pa.RecordBatch, stamp: str) -> None:
        """Write a part."""
        with suppress(FileNotFoundError):
            self._files.delete_file(f"{self._folder}/{COMPLETE}")
        packed = io.BytesIO()
        stamped = pa.Table.from_batches([rows]).replace_schema_metadata({STAMP: stamp})
        parquet.write_table(stamped, packed)
        self._put(self._name(part), packed.getbuffer())

    def complete(self, parts: int, unscored: bytes | None = None) -> None:
        """Remove the parts that an earlier run had more, and say that all is there.

        `unscored` is the list of who got no decision, as CSV.
        """
        names = {self._name(part) for part in range(parts)}
        for file in self._files.get_file_info(fs.FileSelector(self._folder)):
            if file.path not in names:
                self._files.delete_file(file.path)
        if unscored is not None:
            self._put(f"{self._folder}/{UNSCORED}", unscored)
        self._put(f"{self._folder}/{COMPLETE}", b"")

    def renew(self, connection: Connection) -> None:
        """Write the table `scores` anew, from all partitions."""
        if not isinstance(self._files.base_fs, fs.LocalFileSystem):
            with TemporaryDirectory() as folder:
                self._copy_to(Path(folder))
                _read(connection, folder)
            return
        _read(connection, self._files.base_path)

    def _copy_to(self, folder: Path) -> None:
        for file in self._files.get_file_info(fs.FileSelector("", recursive=True)):
            if file.path.endswith(".parquet"):
                copy = folder / file.path
                copy.parent.mkdir(parents=True, exist_ok=True)
                with self._files.open_input_stream(file.path) as stream, copy.open("wb") as written:
                    shutil.copyfileobj(stream, written)

    def _name(self, part: int) -> str:
        return f"{self._folder}/part-{part:05}.parquet"

    def _put(self, name: str, content: bytes | memoryview) -> None:
        """Write a file that is there whole or not at all."""
        if not isinstance(self._files.base_fs, fs.LocalFileSystem):
            with self._files.open_output_stream(name) as stream:
                stream.write(content)
            return
        self._files.create_dir(self._folder)
        scratch = f"{self._folder}/{unfinished()}.scratch"
        with self._files.open_output_stream(scratch) as stream:
            stream.write(content)
        self._files.move(scratch, name)


def stamp_of(model: Model, project: Project, rows: pa.RecordBatch) -> str:
    """Say what a part is made of: the model, what its decisions are worth, the rows."""
    of = hashlib.blake2b(digest_size=16)
    of.update(model.version.encode())
    of.update(project.value.model_dump_json(exclude_defaults=True).encode())
    # Under a missing value lies whatever the memory held: taken anew, it is the same each time.
    of.update(rows.take(pa.array(np.arange(len(rows)))).serialize())
    return of.hexdigest()


def _read(connection: Connection, folder: str) -> None:
    read_in(
        connection,
        "scores",
        lambda duck: duck.read_parquet(
            f"{folder}/*/*.parquet", hive_partitioning=True, union_by_name=True
        ),
    )


def _place(project: Project) -> tuple[fs.SubTreeFileSystem, str]:
    url = project.settings(Scores).url
    if not url:
        folder = str(project.artifacts / "scores")
        return fs.SubTreeFileSystem(folder, fs.LocalFileSystem()), "artifacts/scores"
    files, folder = stores.folder(project, url, "scores.url")
    return fs.SubTreeFileSystem(folder, files), url.rstrip("/")
