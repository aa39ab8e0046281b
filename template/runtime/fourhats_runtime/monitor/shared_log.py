"""What serves on other machines has logged: it is in the bucket, and is brought here to be read."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

if TYPE_CHECKING:
    from fourhats_runtime.data.bucket import Bucket

LOGS = ("predictions", "searches", "outcomes")
NAME_FILE = "instance"
"""Holds the name that a folder of logs has in the bucket."""
PIECE_BYTES = 4 * 1024 * 1024
PIECE = re.compile(r"([0-9a-f]{32})/(\d{4}-\d\d-\d\d[\w-]*\.jsonl)/(\d{5})")
AT_ONCE = 8

logger = logging.getLogger(__name__)


class Kept(Section, extra="ignore"):
    """How much of the logs is kept: all that the line reads of the table of who answers."""

    table: ClassVar[str] = "serve"

    log_days: int = Field(default=365, ge=1)
    max_log_bytes: int = Field(default=2_000_000_000, ge=1_000)


@dataclass
class Logged:
    """A file of a log in the bucket: whose it is, and how large its pieces are."""

    log: str
    instance: str
    name: str
    sizes: dict[int, int] = field(default_factory=dict)

    def piece(self, place: int) -> str:
        """Name a piece in the bucket."""
        return f"{self.log}/{self.instance}/{self.name}/{place:05}"

    @property
    def day(self) -> str:
        """Give the day that it is of."""
        return self.name[:10]

    @property
    def size(self) -> int:
        """Count the bytes, up to the first piece that is missing."""
        size = 0
        for place in range(len(self.sizes)):
            if place not in self.sizes:
                break
            size += self.sizes[place]
        return size


def gathered(project: Project, log: str) -> list[str]:
    """Bring a log here; gives the paths of its files, this machine's own among them.

    The days and the bytes that `serve` keeps are those of all instances: what is beyond is removed,
    here and in the bucket.

    Raises:
        ProjectError: the bucket does not answer, or refuses.

    """
    own = project.artifacts / log
    files = list(own.glob("*.jsonl"))
    if project.settings(Storage).url:
        folder = project.artifacts / "gathered" / log
        _gather(project, log, folder, _own_name(own))
        files += folder.glob("*/*.jsonl")
    return [str(path) for path in sorted(files, key=lambda path: (path.name, path))]


def _gather(project: Project, log: str, folder: Path, own: str) -> None:
    from fourhats_runtime.data.bucket import Bucket  # noqa: PLC0415 (who has none lacks its library)

    bucket = Bucket(project)
    kept, old = _bounded(_listed(bucket, log), project)
    try:
        for one in old:
            for place in one.sizes:
                bucket.remove(one.piece(place))
    except ProjectError as error:
        logger.warning("what is older than serve.log_days, or too much, stays: %s", error)
    wanted = {folder / one.instance / one.name: one for one in kept if one.instance != own}
    for path in folder.glob("*/*.jsonl"):
        if path not in wanted:
            path.unlink()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(partial(_bring, bucket), wanted.values(), wanted))


def _listed(bucket: Bucket, log: str) -> list[Logged]:
    files: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for name, listed in bucket.listed(log).items():
        if found := PIECE.fullmatch(name):
            files[found[1], found[2]][int(found[3])] = listed.size
    return [Logged(log, instance, name, sizes) for (instance, name), sizes in files.items()]


def _bounded(files: list[Logged], project: Project) -> tuple[list[Logged], list[Logged]]:
    """Part what is kept from what is too old or too much; today's are being written to."""
    today = datetime.now(UTC).date()
    first = (today - timedelta(days=project.settings(Kept).log_days - 1)).isoformat()
    left = project.settings(Kept).max_log_bytes
    kept: list[Logged] = []
    old: list[Logged] = []
    for one in sorted(files, key=lambda one: (one.name, one.instance), reverse=True):
        left -= sum(one.sizes.values())
        in_use = one.day >= today.isoformat()
        fits = one.day >= first and (left >= 0 or in_use)
        (kept if fits else old).append(one)
    return kept, old


def _bring(bucket: Bucket, logged: Logged, path: Path) -> None:
    """Add to the file what it lacks: it has only grown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    have = path.stat().st_size
    if have >= logged.size:
        return
    with path.open("r+b") as file:
        for place in range(have // PIECE_BYTES, len(logged.sizes)):
            found = bucket.read(logged.piece(place))
            if found is None:
                return  # another line has found it too old
            file.seek(place * PIECE_BYTES)
            file.write(found.content)


def _own_name(folder: Path) -> str:
    path = folder / NAME_FILE
    return path.read_text(encoding="utf-8") if path.exists() else ""
