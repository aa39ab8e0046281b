"""The prediction log: one line of JSON a request, in a file a day.

An entry is written before the answer leaves, by one `write` to a file opened for appending: it
survives the death of the process, and several processes may share the file. Bringing it to the
disk, which is what takes long, is a thread's work: a power cut may cost the last second.
"""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

SYNC_SECONDS = 1.0


class PredictionLog:
    """Appends entries to `folder/<day>.jsonl`."""

    def __init__(self, folder: Path) -> None:
        """Open today's file and start the thread that syncs it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._day = ""
        self._file = -1
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._roll_over()
        self._thread = threading.Thread(target=self._sync_regularly, daemon=True)
        self._thread.start()

    def append(self, entry: bytes) -> None:
        """Write one entry, without its line break."""
        with self._lock:
            self._roll_over()
            os.write(self._file, entry + b"\n")

    def close(self) -> None:
        """Bring the last entries to the disk and close the file."""
        self._closed.set()
        self._thread.join()
        os.fsync(self._file)
        os.close(self._file)

    def _roll_over(self) -> None:
        day = datetime.now(UTC).date().isoformat()
        if day != self._day:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            file = os.open(self._folder / f"{day}.jsonl", flags, 0o640)
            if self._file >= 0:
                os.fsync(self._file)
                os.close(self._file)
            self._day, self._file = day, file

    def _sync_regularly(self) -> None:
        while not self._closed.wait(SYNC_SECONDS):
            with self._lock:
                file = os.dup(self._file)
            os.fsync(file)
            os.close(file)
