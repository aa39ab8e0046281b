"""The warehouse that machines share, and the files of scores: a listing, and pieces of files.

`data/<id>/listing` in the bucket names the files, and each one's pieces, in their order. Of a file
that has changed only the pieces that are new are sent, so that a step which adds a row to a
warehouse of gigabytes sends megabytes. No piece is ever written twice: whoever reads a listing
finds what it names. Which one counts is said by the state of the registry, that one object that is
replaced on a condition (`shared_registry`).
"""

import hashlib
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from fourhats_runtime.data.bucket import Bucket
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import write_atomically

FOLDER = "data"
WAREHOUSE, JOURNAL = "warehouse.duckdb", "warehouse.duckdb.wal"
PATTERNS = (WAREHOUSE, JOURNAL, "scores/**/*")
FILE_NAME = r"^(warehouse\.duckdb(\.wal)?|scores(/\w[\w=.-]*)+)$"
UNFINISHED = ".scratch"
PIECE_BYTES = 8 * 1024 * 1024
AT_ONCE = 4
KEPT = timedelta(days=1)
"""What no listing names any more is removed after this time: somebody may be reading it."""
NOTE_FILE = "shared.json"

Name = Annotated[str, Field(pattern=r"^[0-9a-f]{32}(/\d+-\d+)?$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Stats = dict[str, tuple[int, int]]
"""When each file was written, in nanoseconds, and how large it is."""

logger = logging.getLogger(__name__)


class Piece(BaseModel):
    """A part of a file, as large as all others but the last: its object, and what is in it."""

    name: Name
    digest: Digest


class Listing(BaseModel):
    """The files, by their paths in artifacts/, and how large their pieces are."""

    piece_bytes: int = Field(ge=1)
    files: dict[Annotated[str, Field(pattern=FILE_NAME)], list[Piece]] = {}


class Note(BaseModel):
    """Which listing the folder was last made equal to, and how its files were then."""

    url: str = ""
    listing: Name | None = None
    files: Stats = {}


@dataclass(frozen=True)
class SharedData:
    """The warehouse and the scores in a folder, and what a bucket has of them."""

    bucket: Bucket
    root: Path
    """The folder artifacts/."""

    @property
    def changed(self) -> bool:
        """Tell whether the folder is no longer what it was made equal to."""
        return self._noted.files != self._stats()

    @property
    def lost(self) -> bool:
        """Tell whether a file is gone that was there."""
        return not self._noted.files.keys() <= self._stats().keys()

    def send(self, before: str | None) -> str | None:
        """Send what is new since the listing `before`; gives the listing of what is here.

        Raises:
            ProjectError: the bucket does not answer, or refuses.

        """
        size = PIECE_BYTES
        last = self._listing(before) if before else Listing(piece_bytes=size)
        known = {piece.digest: piece for pieces in last.files.values() for piece in pieces}
        name = uuid4().hex

        def send_one(path: Path, file: int, place: int) -> Piece:
            content = _piece(path, place, size)
            digest = _digest(content)
            if digest in known:
                return known[digest]
            piece = Piece(name=f"{name}/{file}-{place}", digest=digest)
            self.bucket.write(f"{FOLDER}/{piece.name}", content)
            return piece

        files: dict[str, list[Piece]] = {}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for number, (file, path) in enumerate(self._files().items()):
                places = range(-(-path.stat().st_size // size))
                files[file] = list(threads.map(partial(send_one, path, number), places))
        if files == last.files:
            return before
        listing = Listing(piece_bytes=size, files=files)
        self.bucket.write(f"{FOLDER}/{name}/listing", listing.model_dump_json().encode())
        return name

    def fetch(self, name: str) -> None:
        """Make the folder equal to a listing; files of scores that were never shared stay.

        Raises:
            ProjectError: the bucket does not answer, does not hold what it should, or another run
                in this folder is at work.

        """
        noted = self._noted
        if noted.listing == name and not self.changed:
            return
        listing = self._listing(name)
        if WAREHOUSE in listing.files:
            self._make_way(shared_before=bool(noted.url))
        for file, path in self._files().items():
            if noted.url and file not in listing.files:
                path.unlink()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for file in listing.files:
                self._bring(file, listing, threads)
        self.note(name)

    def note(self, name: str | None) -> None:
        """Note that the folder and a listing are equal."""
        note = Note(url=self.bucket.url, listing=name, files=self._stats())
        write_atomically(self._note_file, note.model_dump_json() + "\n")

    def tidy(self, name: str) -> None:
        """Remove what neither this listing names nor anybody can be reading any more."""
        pieces = (piece for pieces in self._listing(name).files.values() for piece in pieces)
        named = {f"{name}/listing", *(piece.name for piece in pieces)}
        before = datetime.now(UTC) - KEPT
        for found, listed in self.bucket.listed(FOLDER).items():
            if found not in named and listed.written_at < before:
                self.bucket.remove(f"{FOLDER}/{found}")

    def _bring(self, file: str, listing: Listing, threads: ThreadPoolExecutor) -> None:
        """Bring a file, of which only those pieces are read that are not here."""
        path, pieces, size = self.root / file, listing.files[file], listing.piece_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}{UNFINISHED}")
        scratch.write_bytes(b"")

        def bring_one(place: int, piece: Piece) -> None:
            content = _piece(path, place, size)
            if _digest(content) != piece.digest:
                content = self._read(piece)
            with scratch.open("r+b") as part:
                part.seek(place * size)
                part.write(content)

        list(threads.map(bring_one, range(len(pieces)), pieces))
        with scratch.open("r+b") as whole:
            os.fsync(whole.fileno())
        if path.name == WAREHOUSE:
            path.with_name(JOURNAL).unlink(missing_ok=True)
        scratch.replace(path)

    def _read(self, piece: Piece) -> bytes:
        found = self.bucket.read(f"{FOLDER}/{piece.name}")
        if found is None or _digest(found.content) != piece.digest:
            raise ProjectError(
                f"{self.bucket.url}/{FOLDER}/{piece.name} is not what was put there, or too old a "
                "state was being read: run this step again"
            )
        return found.content

    def _make_way(self, *, shared_before: bool) -> None:
        """See that nobody holds the warehouse; one that was never shared is put aside."""
        path = self.root / WAREHOUSE
        if not path.exists():
            return
        # What serves comes by this module, too, and has no DuckDB.
        from fourhats_runtime.data.warehouse.file import open_file  # noqa: PLC0415

        with suppress(DamagedError):  # that goes with it
            open_file(path).close()
        if not shared_before:
            aside = path.with_name(f"warehouse-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.duckdb")
            path.rename(aside)
            logger.warning("%s has a warehouse: the one here is now %s", self.bucket.url, aside)

    def _listing(self, name: str) -> Listing:
        found = self.bucket.read(f"{FOLDER}/{name}/listing")
        try:
            return Listing.model_validate_json(found.content if found else b"")
        except ValidationError:
            raise ProjectError(
                f"{self.bucket.url}/{FOLDER}/{name}.json is missing, or no listing of files"
            ) from None

    @property
    def _note_file(self) -> Path:
        return self.root / NOTE_FILE

    @property
    def _noted(self) -> Note:
        path = self._note_file
        note = Note.model_validate_json(path.read_bytes()) if path.exists() else Note()
        return note if note.url == self.bucket.url else Note()

    def _files(self) -> dict[str, Path]:
        found = (path for pattern in PATTERNS for path in sorted(self.root.glob(pattern)))
        whole = (path for path in found if path.is_file() and path.suffix != UNFINISHED)
        named = {path.relative_to(self.root).as_posix(): path for path in whole}
        return {name: path for name, path in named.items() if re.match(FILE_NAME, name)}

    def _stats(self) -> Stats:
        stats = {name: path.stat() for name, path in self._files().items()}
        return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in stats.items()}


def _piece(path: Path, place: int, size: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(place * size)
        return file.read(size)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
