"""Files that a reader sees whole or not at all; and what of them was never finished."""

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fourhats_runtime.errors import DamagedError

HOST = re.sub(r"[^a-zA-Z0-9]", "", platform.node())
PROCESS = secrets.token_hex(4)
"""Tells this process from one of the same number: in a container, each is number 1."""
Content = bytes | Path
"""Of a file: what is in it, or another file that holds it."""
UNFINISHED = re.compile(r"unfinished-([a-zA-Z0-9]*)-(\d+)-([0-9a-f]{8})")
FORGOTTEN_SECONDS = 86_400
"""After so long, what another machine has not finished is not going to be."""
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}


def unfinished() -> str:
    """Give a name, without a suffix, for what is being written; it says by which process."""
    return f"unfinished-{HOST}-{os.getpid()}-{PROCESS}{secrets.token_hex(4)}"


def write_atomically(path: Path, text: str) -> None:
    """Write a file that a reader sees whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the place where a file is written, which takes its own place when all is there.

    Raises:
        OSError: it cannot be written; it names the file.

    """
    scratch = path.with_name(unfinished())
    try:
        yield scratch
        scratch.chmod(0o644)
        scratch.replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        scratch.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what processes that are gone left unfinished in a folder, and below."""
    for path in [*folder.rglob("unfinished-*")]:
        if (found := UNFINISHED.match(path.name)) and _is_left(path, *found.groups()):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def digest_of(content: Content) -> str:
    """Give the SHA-256 of some bytes, or of what is in a file; empty where there is none."""
    if not isinstance(content, Path):
        return hashlib.sha256(content).hexdigest()
    if not content.is_file():
        return ""
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path, way_back: str) -> str:
    """Read a text that the project's own commands wrote.

    Raises:
        FileNotFoundError: it is not there.
        DamagedError: it is no text; `way_back` says what to do.

    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DamagedError(f"{path} is damaged (it is no text): {way_back}") from None


def read_json(path: Path, kind: type, way_back: str, needs: Iterable[str] = ()) -> Any:  # noqa: ANN401
    """Read JSON that the project's own commands wrote: a list or a dictionary, as `kind` says.

    Raises:
        DamagedError: it is missing, or no such JSON, or lacks a key that it `needs`; `way_back`
            says what to do.

    """
    try:
        found = json.loads(read_text(path, way_back))
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing: {way_back}") from None
    except ValueError as error:
        raise DamagedError(f"{path} is damaged ({error}): {way_back}") from None
    entries = found if isinstance(found, list) else [found]
    if not isinstance(found, kind) or not all(
        isinstance(entry, dict) and entry.keys() >= set(needs) for entry in entries
    ):
        raise DamagedError(f"{path} is damaged (something else stands in it): {way_back}")
    return found


def refused(error: OSError) -> str:
    """Say in one line what the machine refuses, and what to do; empty where it is another fault."""
    place = error.filename or "a file"
    if error.errno in NO_ROOM:
        return f"{place} cannot be written, {error.strerror}: make room, then run this again"
    if error.errno in NO_RIGHT:
        return f"{place}: {error.strerror}: change its rights, or run this as somebody who has them"
    return ""


def _is_left(path: Path, host: str, number: str, process: str) -> bool:
    """Tell whether nobody is at work on it any more."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    if host != HOST or os.name != "posix":  # nobody else can be asked whether they are alive
        return age > FORGOTTEN_SECONDS
    if int(number) == os.getpid():
        return process != PROCESS
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
