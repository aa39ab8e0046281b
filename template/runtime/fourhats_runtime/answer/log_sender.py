"""The logs of predictions and outcomes go to the bucket, piece by piece; no request waits for it.

A file that only grows is sent in pieces of `PIECE_BYTES`: `<log>/<folder's name>/<file>/<place>`. A
piece that is full is sent once, the last one of a file again while it grows.
"""

import fcntl
import logging
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import IO
from uuid import uuid4

from fourhats_runtime.data.bucket import Bucket
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor.shared_log import LOGS, NAME_FILE, PIECE_BYTES
from fourhats_runtime.project import Project

LAST_SECONDS = 10.0  # for what is left to go out when the process ends

logger = logging.getLogger(__name__)


def send_logs(project: Project) -> "LogSender":
    """Send what is logged from now on to the bucket of `storage.url`, every few seconds."""
    sender = LogSender(project)
    sender.start()
    return sender


class LogSender:
    """Sends what the bucket has not got yet; of several processes of a folder, one does."""

    def __init__(self, project: Project) -> None:
        """Send to the bucket of `storage.url`.

        Raises:
            ProjectError: its address is none, or credentials are missing.

        """
        self._bucket = Bucket(project)
        self._folders = [project.artifacts / log for log in LOGS]
        self._every = project.settings(Storage).send_log_every
        self._turns: dict[Path, IO[str]] = {}
        self._sent: dict[str, int] = {}
        self._away = False
        self._ended = Event()
        self._thread = Thread(target=self._run, name="log-sender", daemon=True)

    def start(self) -> None:
        """Begin to send, and say what is lost if the disk is."""
        logger.setLevel(logging.INFO)
        logger.info(
            "the log goes to %s every %g s: if this process is killed and its disk vanishes, what "
            "was logged since the last time is lost",
            self._bucket.url,
            self._every,
        )
        self._thread.start()

    def close(self) -> None:
        """Send the rest, if the bucket takes it soon."""
        self._ended.set()
        self._thread.join(LAST_SECONDS)
        if self._thread.is_alive():
            logger.warning("%s does not take the rest of the log; it stays here", self._bucket.url)
            return
        for file in self._turns.values():
            file.close()
        self._turns.clear()

    def send(self) -> None:
        """Send what is new; where that fails, say so once."""
        try:
            for folder in self._folders:
                if folder.is_dir() and (turn := self._turn(folder)):
                    self._send(folder, turn)
        except (ProjectError, OSError) as error:
            if not self._away:
                logger.warning("%s; the log stays here, and is lost if this disk is", error)
            self._away = True
            return
        if self._away:
            logger.warning("%s takes the log again", self._bucket.url)
        self._away = False

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(self._every)
            try:
                self.send()
            except Exception:
                logger.exception("the log cannot be sent")

    def _turn(self, folder: Path) -> str | None:
        """Give the folder's name in the bucket, if this is the process that sends it."""
        if folder not in self._turns:
            with ExitStack() as stack:
                file = stack.enter_context((folder / NAME_FILE).open("a+", encoding="utf-8"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return None
                if not _name(file):
                    file.write(uuid4().hex)
                    file.flush()
                start = f"{folder.name}/{_name(file)}"
                for name, listed in self._bucket.listed(start).items():
                    self._sent[f"{start}/{name}"] = listed.size
                self._turns[folder] = file
                stack.pop_all()
        return _name(self._turns[folder])

    def _send(self, folder: Path, name: str) -> None:
        for path in sorted(folder.glob("*.jsonl")):
            try:
                size = path.stat().st_size
                for start in range(0, size, PIECE_BYTES):
                    piece = f"{folder.name}/{name}/{path.name}/{start // PIECE_BYTES:05}"
                    if self._sent.get(piece) != min(PIECE_BYTES, size - start):
                        content = _read(path, start)
                        self._bucket.write(piece, content)
                        self._sent[piece] = len(content)
            except FileNotFoundError:
                continue  # too old by now


def _name(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _read(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(PIECE_BYTES)
