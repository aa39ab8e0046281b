"""Questions with their right answers: what search is tuned and judged by."""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.search.documents import Documents
from fourhats_runtime.search.log import searches

FEWEST = 10
"""Questions of each half, below which nothing can be told by them."""
MOST_JUDGED = 100_000
"""Searches of the log, the latest, that are looked through."""
MADE = 200
MADE_WORDS = 8
UNANSWERED = 5
"""One of so many made questions has no answer: else nobody could tell when nothing fits."""
WEAK = "weak: made of the documents themselves, and easier than what people ask"


@dataclass(frozen=True)
class Question:
    """A question, and the ids of the documents of which each answers it: none if none does."""

    text: str
    right: frozenset[str]

    def right_of(self, documents: Documents) -> frozenset[str]:
        """Give the ids that answer it there: one that was left out is answered by its twin."""
        return frozenset(documents.twins.get(name, name) for name in self.right)


@dataclass(frozen=True)
class Questions:
    """What is tuned by, and what is judged by: no question is in both."""

    tuned: tuple[Question, ...]
    judged: tuple[Question, ...]
    weak: bool = False
    """Whether they are made of the documents: such figures are no promise."""
    notes: tuple[str, ...] = ()


def load(project: Project, contract: Contract, documents: Documents) -> Questions:
    """Read the questions; without a file, take those that people judged, or else make some.

    A text belongs to the same half for good, whatever other questions come: what was judged by once
    is never tuned by.

    Raises:
        ProjectError: the file cannot be read, or holds too few questions.

    """
    path = project.folder / contract.questions.path
    if not path.exists():
        by_them = by_people(project)
        halves = _halves(by_them)
        if min(map(len, halves)) >= FEWEST:
            return Questions(*halves, notes=(f"{len(by_them)} questions are judged by people",))
        made = known_items(documents, project.seed)
        return Questions(*_halves(made), weak=True, notes=(f"{len(made)} questions are {WEAK}",))
    asked, unknown = _read(path, contract, documents)
    notes = (f"{unknown} right answers are no document",) if unknown else ()
    tuned, judged = _halves(asked)
    if min(len(tuned), len(judged)) < FEWEST:
        raise ProjectError(
            f"{contract.questions.path} holds {len(asked)} questions, {len(tuned)} to tune by and "
            f"{len(judged)} to judge by: {FEWEST} of each are the least; write more, or move it "
            "away, and questions are made of the documents"
        )
    return Questions(tuned, judged, notes=notes)


def by_people(project: Project) -> list[Question]:
    """Take the questions of the log of which somebody said what is right, or that nothing is."""
    right: dict[str, frozenset[str]] = {}
    for search in searches(project, MOST_JUDGED):
        if search.right or search.has_none:
            right[search.question] = right.get(search.question, frozenset()) | search.right
    return [Question(text, ids) for text, ids in right.items()]


def known_items(documents: Documents, seed: int) -> list[Question]:
    """Make questions that one document answers: some words that stand in a row in it.

    Where others say the same words, that one is no better an answer: such words are left out. A
    fifth of the questions nobody answers: each of their words is of another document.
    """
    random = np.random.default_rng(seed)
    texts = [re.findall(r"\w+", " ".join(document.texts.values())) for document in documents.all]
    order = random.permutation(len(texts))
    found = []
    for number, place in enumerate([*order, *order][:MADE]):
        words, right = texts[place], frozenset({documents.all[place].id})
        start = int(random.integers(max(len(words) - MADE_WORDS, 0) + 1))
        chosen = words[start : start + MADE_WORDS]
        if number % UNANSWERED == 0:
            others = random.permutation(len(texts))[:MADE_WORDS]
            chosen, right = [str(random.choice(texts[other])) for other in others], frozenset()
        found.append(Question(" ".join(chosen), right))
    said = [question.text for question in found]
    return [question for question in found if said.count(question.text) == 1]


def _read(path: Path, contract: Contract, documents: Documents) -> tuple[list[Question], int]:
    """Read the file; gives the questions, and how many right answers are no document."""
    known = {document.id for document in documents.all} | documents.twins.keys()
    right: dict[str, set[str]] = {}
    unknown = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            wanted = (contract.questions.text, contract.questions.id)
            if lost := [name for name in wanted if name not in (rows.fieldnames or ())]:
                raise ProjectError(f"{contract.questions.path} has no column {lost[0]!r}")
            for row in rows:
                text, name = (" ".join((row[column] or "").split()) for column in wanted)
                if not text:
                    continue
                right.setdefault(text, set())
                if name:
                    right[text].add(name)
                    unknown += name not in known
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProjectError(f"{contract.questions.path} is no CSV in UTF-8: {error}") from None
    return [Question(text, frozenset(ids)) for text, ids in right.items()], unknown


def _halves(questions: Sequence[Question]) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    halves: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        halves[hashlib.sha256(question.text.encode()).digest()[0] % 2].append(question)
    return tuple(halves[0]), tuple(halves[1])
