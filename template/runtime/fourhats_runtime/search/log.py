"""The log of searches: what was asked and answered, and what people made of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fourhats_runtime.monitor.shared_log import gathered
from fourhats_runtime.project import Project

LOGS = SEARCHES, OUTCOMES = "searches", "outcomes"
Sign = Literal["click", "right", "wrong"]


@dataclass(frozen=True)
class Searched:
    """A question that was answered, and what people did with the answers."""

    id: str
    question: str
    answers: tuple[str, ...]
    signs: dict[str, Sign]
    """By the document's id, the last that was said of it."""

    @property
    def clicked(self) -> int | None:
        """The rank of the first document that was opened, or said to be right."""
        liked = [sign in ("click", "right") for sign in map(self.signs.get, self.answers)]
        return 1 + liked.index(True) if any(liked) else None

    @property
    def judged(self) -> int | bool | None:
        """The rank of the first right answer, False if people said of one that it was wrong."""
        said = [self.signs.get(name) for name in self.answers]
        if "right" in said:
            return 1 + said.index("right")
        return False if "wrong" in said else None


def searches(project: Project, most: int) -> list[Searched]:
    """Read the latest searches, of all machines, the oldest first; trials count nowhere."""
    signs: dict[str, dict[str, Sign]] = {}
    for entry in _entries(project, OUTCOMES):
        signs.setdefault(entry["search_id"], {})[entry["document"]] = entry["sign"]
    found = [
        Searched(
            entry["search_id"],
            entry["question"],
            tuple(entry["answers"]),
            signs.get(entry["search_id"], {}),
        )
        for entry in _entries(project, SEARCHES)
        if not entry["trial"]
    ]
    return found[-most:]


def _entries(project: Project, log: str) -> Iterator[dict[str, Any]]:
    """Give the entries of a journal; a line that was torn by a crash is left out."""
    for path in map(Path, gathered(project, log)):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
