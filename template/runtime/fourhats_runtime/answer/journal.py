"""Lines of JSON that outlive the process: files of a day, the oldest of which are removed.

An entry is written before its answer leaves, by one `write` to a file opened for appending: it
survives the death of the process, and several processes of a machine may share the file. Those of
several machines that share the folder have files of their own (`serve.instance`): over a network,
appending is not one step. Bringing an entry to the disk, which is what takes long, is a thread's
work: a power cut may cost the last second.
"""

import errno
import logging
import os
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

SYNC_SECONDS = 1.0
PARTS = 20  # of what all files may hold: a file that has grown to a part is followed by another
MOST_DAYS_REMOVED = 7
"""At one roll-over, for their age: the next one goes on."""
FILE_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:_([a-z][a-z0-9-]*))?(?:_(\d+))?\.jsonl")

logger = logging.getLogger(__name__)


class NotWrittenError(Exception):
    """An entry is not in the journal: the disk is full, or gone."""


class Journal:
    """Appends entries to `folder/<day>.jsonl`, or `<day>_001.jsonl` and so on after a full one.

    With an `instance`, to `folder/<day>_<instance>.jsonl`, or `<day>_<instance>_001.jsonl`.
    """

    def __init__(self, folder: Path, days: int, most_bytes: int, instance: str = "") -> None:
        """Keep so many days, today included, in about so many bytes: those of all instances.

        A day is judged by the newest entries, and a clock that jumps ahead takes few with it.

        Raises:
            ProjectError: the folder cannot be written.

        """
        self._folder = folder
        self._days = days
        self._most_bytes = most_bytes
        self._instance = instance
        self._day, self._file = "", -1
        self._day_begins = self._day_ends = 0.0
        self._torn = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.fault = ""
        """Why the last entry could not be written, empty while all is well."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._roll_over()
        except OSError as error:
            raise ProjectError(f"{folder} cannot be written: {error.strerror}") from None
        self._thread = threading.Thread(target=self._look_after, daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, project: Project, log: str) -> Self:
        """Open a log of the project, within the bounds of `serve`.

        Raises:
            ProjectError: the folder cannot be written.

        """
        serve = project.settings(Serve)
        folder = project.artifacts / log
        return cls(folder, serve.log_days, serve.max_log_bytes, serve.instance)

    def append(self, entry: bytes, *, sync: bool = False) -> None:
        """Write one entry or several, without the last line break; with `sync`, to the disk.

        Raises:
            NotWrittenError: it could not be written; nothing that can be read is there of it.

        """
        with self._lock:
            try:
                self._roll_over()
                self._write(entry)
                if sync:
                    os.fsync(self._file)
            except OSError as error:
                self._note(error.strerror or str(error))
                raise NotWrittenError(self.fault) from None
            self._note("")

    def close(self) -> None:
        """Bring the last entries to the disk and close the file."""
        self._closed.set()
        self._thread.join()
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)

    def _write(self, entry: bytes) -> None:
        line = (b"\n" if self._torn else b"") + entry + b"\n"
        written = os.write(self._file, line)
        self._torn = written < len(line)
        if self._torn:  # the next line starts anew
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _roll_over(self) -> None:
        """Begin the day's file, or its next one."""
        if self._day_begins <= time.time() < self._day_ends:
            return
        today = datetime.now(UTC).date()
        day = today.isoformat()
        judged_on = min(today, self._last_day() + timedelta(days=1))
        own = (day, self._instance)
        parts = (part for found, whose, part, _ in self._files() if (found, whose) == own)
        part = max(parts, default=0)
        while (path := self._path(day, part)).exists() and self._is_full(path.stat().st_size):
            part += 1
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        file = os.open(path, flags, 0o640)
        size = os.fstat(file).st_size
        self._torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        if self._file >= 0:
            with suppress(OSError):
                os.fsync(self._file)
            os.close(self._file)
        self._day, self._file = day, file
        midnight = datetime.combine(today, datetime.min.time(), UTC)
        self._day_begins = midnight.timestamp()
        self._day_ends = (midnight + timedelta(days=1)).timestamp()
        self._remove_old(path, judged_on)

    def _last_day(self) -> date:
        """Give the day of the newest entries, whatever the clock says; without any, today."""
        days = []
        for day, _, _, path in self._files():
            with suppress(OSError):  # another process has removed it
                if path.stat().st_size:
                    days.append(day)
        return date.fromisoformat(max(days)) if days else datetime.now(UTC).date()

    def _remove_old(self, current: Path, judged_on: date) -> None:
        """Remove what is older than the days kept, of a few days at once, and what is too much."""
        first = (judged_on - timedelta(days=self._days - 1)).isoformat()
        old = sorted({day for day, *_ in self._files() if day < first})[:MOST_DAYS_REMOVED]
        left = self._most_bytes - self._most_bytes // PARTS  # room for the current one
        for day, whose, _, path in sorted(self._files(), reverse=True):
            if path == current:
                continue
            with suppress(OSError):  # another process was faster
                left -= path.stat().st_size
                in_use = day == self._day and whose != self._instance  # by another machine
                if day in old or (left < 0 and not in_use):
                    path.unlink()

    def _files(self) -> list[tuple[str, str, int, Path]]:
        named = ((FILE_NAME.fullmatch(path.name), path) for path in self._folder.iterdir())
        return [(name[1], name[2] or "", int(name[3] or 0), path) for name, path in named if name]

    def _path(self, day: str, part: int) -> Path:
        stem = f"{day}_{self._instance}" if self._instance else day
        return self._folder / (f"{stem}_{part:03}.jsonl" if part else f"{stem}.jsonl")

    def _is_full(self, size: int) -> bool:
        return size >= self._most_bytes // PARTS

    def _look_after(self) -> None:
        """Sync, go on to another file where this one is full, and see whether a fault has gone."""
        while not self._closed.wait(SYNC_SECONDS):
            with self._lock:
                file = os.dup(self._file)
            try:
                os.fsync(file)
                full = self._is_full(os.fstat(file).st_size)
                with self._lock:
                    if full:
                        self._day_ends = 0.0
                    self._roll_over()
                    if self.fault:
                        self._write(b"")  # an empty line: no entry, but it takes room as one does
                        self._note("")
            except OSError as error:
                self._note(error.strerror or str(error))
            finally:
                os.close(file)

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            said = f"cannot be written: {fault}" if fault else "is written again"
            logger.error("%s %s", self._folder, said)
        self.fault = fault
