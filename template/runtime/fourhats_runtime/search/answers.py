"""What people are answered: documents with a snippet and a reason, or that nothing fits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fourhats_runtime.search.rankers import KEYWORDS, Found, words
from fourhats_runtime.search.version import Version

SNIPPET_WORDS = 40
TELLING = 4
"""Letters of a word that is a reason."""


@dataclass(frozen=True)
class Answer:
    """A document that is found."""

    id: str
    title: str
    link: str
    snippet: str
    reason: str
    score: float
    time: str
    """Of the document, by ISO 8601; empty where it has none."""


@dataclass(frozen=True)
class Reply:
    """What a question is answered; without answers, nothing fits."""

    answers: tuple[Answer, ...]
    certainty: float


def reply(
    version: Version,
    questions: Sequence[str],
    count: int | None = None,
    filters: Mapping[str, str] | None = None,
    *,
    sure: bool = True,
) -> list[Reply]:
    """Answer questions by the version's rule: `count` documents of those that meet the filters.

    Without a count, as many as the rule says. Unless they have to be `sure`, documents are given
    where nothing fits, too.
    """
    given = version.ask(questions, version.allowed(filters or {}))
    most = count or version.rule.answers
    return [
        Reply(
            ()
            if sure and each.certainty < version.rule.threshold
            else tuple(_answers(version, question, each, most)),
            each.certainty,
        )
        for question, each in zip(questions, given, strict=True)
    ]


def _answers(version: Version, question: str, found: Found, most: int) -> list[Answer]:
    asked = set(words(question))
    answers = []
    pairs = zip(found.places[:most].tolist(), found.scores[:most].tolist(), strict=True)
    for place, score in pairs:
        document = version.documents.all[place]
        first, *_ = document.texts.values()
        snippet, shared = _snippet(
            version.passages.get(place) or tuple(document.texts.values()), asked
        )
        answers.append(
            Answer(
                id=document.id,
                title=first,
                link=document.link,
                snippet=snippet,
                reason=_reason(version, shared),
                score=score,
                time=document.time.isoformat() if document.time else "",
            )
        )
    return answers


def _snippet(passages: Sequence[str], asked: set[str]) -> tuple[str, list[str]]:
    """Cut the words out of a document that share the most with a question; gives those, too."""
    best: tuple[int, str, list[str]] = (-1, "", [])
    for passage in passages:
        text = passage.split()
        for start in range(0, max(len(text), 1), SNIPPET_WORDS // 2):
            cut = text[start : start + SNIPPET_WORDS]
            shared = sorted(asked & {re.sub(r"\W", "", word).lower() for word in cut})
            letters = sum(map(len, shared))  # long words say more than short ones
            if letters > best[0]:
                dots = "…" if start + SNIPPET_WORDS < len(text) else ""
                best = (letters, " ".join(cut) + dots, shared)
    return best[1], best[2]


def _reason(version: Version, shared: Sequence[str]) -> str:
    meaning = any(member.model != KEYWORDS for member in version.recipe.members)
    if telling := [word for word in shared if len(word) >= TELLING]:
        return f"has the words {', '.join(telling)}" + (", and is near in meaning" * meaning)
    return "is near in meaning" if meaning else "has words of the question"
