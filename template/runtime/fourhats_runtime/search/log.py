"""The log of searches: what was asked and answered, and what people made of it."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fourhats_runtime.monitor.shared_log import gathered
from fourhats_runtime.project import Project

LOGS = SEARCHES, OUTCOMES = "searches", "outcomes"
Sign = Literal["click", "right", "wrong", "none"]
"""What was done with a document, or said of it; "none", of no document: that none is right."""


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
        return False if "wrong" in said or self.has_none else None

    @property
    def right(self) -> frozenset[str]:
        """The documents that people said to be right."""
        return frozenset(name for name, sign in self.signs.items() if sign == "right")

    @property
    def has_none(self) -> bool:
        """Whether people said that no document is right."""
        return "none" in self.signs.values()


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


def unjudged(found: Sequence[Searched]) -> list[Searched]:
    """Give the latest search of each question of which nobody said what is right, if anything.

    What was asked most often comes first.
    """
    settled = {each.question for each in found if each.right or each.has_none}
    latest = {each.question: each for each in found if each.question not in settled}
    times = Counter(each.question for each in found)
    return sorted(latest.values(), key=lambda each: -times[each.question])


def _entries(project: Project, log: str) -> Iterator[dict[str, Any]]:
    """Give the entries of a journal; a line that was torn by a crash is left out."""
    for path in map(Path, gathered(project, log)):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
