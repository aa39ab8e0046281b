"""Rankers: what puts documents into an order for a question.

By their words (BM25), by their meaning (vectors of a pre-trained model), or by several of these,
fused by rank or by score.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from fourhats_runtime.data.extras import needs
from fourhats_runtime.pretrained.embedding import Embed, Vectors
from fourhats_runtime.search.nearest import Allowed, Distance, Nearest, Places, Ranked, best

with needs("search"):
    import bm25s

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it says each index that it builds

KEYWORDS = "bm25"
DEPTH = 100
"""Documents that a ranker puts into an order; what comes after them is not found."""
PASSAGES = 5
"""Of one document, that may be in front of the next document's."""
DAMPING = 60
"""Of reciprocal ranks (Cormack, Clarke and Buettcher, Reciprocal Rank Fusion, SIGIR 2009)."""

Fusion = Literal["rank", "score"]
"""How orders are fused: each counts by the reciprocal of the rank that it gives, or by its score,
divided by what is usual (Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid
Retrieval, ACM TOIS 42, 2023)."""

Rank = Callable[[Sequence[str], int, Allowed | None], list[Ranked]]
"""Of questions, a depth and which documents are allowed: the best documents of each question."""


class Found(NamedTuple):
    """The documents of a question, and how sure it is that the first one fits."""

    places: Places
    scores: Vectors
    certainty: float


@dataclass(frozen=True)
class Member:
    """A ranker: the words, or the meaning by a model, of some fields."""

    model: str
    fields: tuple[str, ...]
    distance: Distance = "cosine"

    @property
    def name(self) -> str:
        """Say which, for people."""
        how = f", {self.distance}" if self.model != KEYWORDS else ""
        return f"{self.model} ({' + '.join(self.fields)}{how})"


@dataclass(frozen=True)
class Recipe:
    """One ranker, or several that are fused; and who puts the first documents anew, if anybody."""

    members: tuple[Member, ...]
    fusion: Fusion = "rank"
    reranker: str = ""

    @property
    def name(self) -> str:
        """Say which, for people."""
        names = " and ".join(member.name for member in self.members)
        found = f"{names}, by {self.fusion}" if len(self.members) > 1 else names
        return f"{found}, re-ranked by {self.reranker}" if self.reranker else found

    @property
    def models(self) -> list[str]:
        """Name the pre-trained models, each once."""
        named = {*(member.model for member in self.members), self.reranker} - {KEYWORDS, ""}
        return sorted(named)

    def kept(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Make it of what was kept."""
        members = (Member(**each | {"fields": tuple(each["fields"])}) for each in kept["members"])
        return cls(tuple(members), kept["fusion"], kept["reranker"])


class Words:
    """Documents by the words that they share with a question: BM25, Lucene's."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the words of the documents' texts."""
        documents = [words(text) for text in texts]
        self._index = bm25s.BM25()
        self._index.index(documents, show_progress=False)
        self._held_by = Counter(word for document in documents for word in set(document))
        self._number = len(documents)

    def __call__(
        self, questions: Sequence[str], depth: int, allowed: Allowed | None = None
    ) -> list[Ranked]:
        """Give the documents that share any word with a question.

        A score is a share of what the question's words are worth, those that no document has among
        them: else a long question would seem surer of its answers than a short one.
        """
        found = []
        for question in questions:
            known = [word for word in words(question) if word in self._index.vocab_dict]
            if not known:
                found.append(Ranked(np.array([], dtype=np.int64), np.array([], dtype=np.float32)))
                continue
            scores = self._index.get_scores(known) / sum(map(self._worth, words(question)))
            if allowed is not None:
                scores = np.where(allowed, scores, 0)
            ranked = best(scores, depth)
            shared = ranked.scores > 0
            found.append(Ranked(ranked.places[shared], ranked.scores[shared]))
        return found

    def _worth(self, word: str) -> float:
        """Give the inverse document frequency of a word, as BM25 has it."""
        held_by = self._held_by[word]
        return float(np.log1p((self._number - held_by + 0.5) / (held_by + 0.5)))


class Meaning:
    """Documents by the passage of theirs that is nearest to a question."""

    def __init__(
        self,
        embed: Embed,
        vectors: Vectors,
        documents: Places,
        distance: Distance,
        graph: Path | None = None,
    ) -> None:
        """Take the vectors of passages, of which document each is, by its place, and their graph.

        Without a graph all vectors are looked at.
        """
        self._embed = embed
        self._documents = documents
        self._nearest = Nearest(vectors, distance, graph)

    def __call__(
        self, questions: Sequence[str], depth: int, allowed: Allowed | None = None
    ) -> list[Ranked]:
        """Give the documents that are nearest to a question; at a right angle, none is near."""
        passages = None if allowed is None else allowed[self._documents]
        near = self._nearest(self._embed(questions), PASSAGES * depth, passages)
        found = []
        for each in near:
            close = each.scores > 0
            documents = self._documents[each.places[close]]
            _, first = np.unique(documents, return_index=True)
            order = np.sort(first)[:depth]
            found.append(Ranked(documents[order], each.scores[close][order]))
        return found


def found(
    ranked: Sequence[Ranked], scales: Sequence[float], fusion: Fusion, depth: int = DEPTH
) -> Found:
    """Put the orders of a recipe's members together; one order is given back as it is.

    How sure it is, is the mean of what the members say of the document that comes first, each by
    its scale (see `scale`): ranks know no near and far.
    """
    order = _fused(ranked, scales, fusion, depth)
    if not len(order.places):
        return Found(order.places, order.scores, 0.0)
    said = (each.scores[each.places == order.places[0]].sum() for each in ranked)
    scaled = [float(score) / scale for score, scale in zip(said, scales, strict=True)]
    return Found(order.places, order.scores, sum(scaled) / len(scaled))


def _fused(ranked: Sequence[Ranked], scales: Sequence[float], fusion: Fusion, depth: int) -> Ranked:
    if len(ranked) == 1:
        return Ranked(ranked[0].places[:depth], ranked[0].scores[:depth])
    places = np.unique(np.concatenate([each.places for each in ranked]))
    scores = np.zeros(len(places), dtype=np.float32)
    for each, scale in zip(ranked, scales, strict=True):
        counted = each.scores / scale
        if fusion == "rank":
            counted = 1 / (DAMPING + 1 + np.arange(len(each.places)))
        scores[np.searchsorted(places, each.places)] += counted
    top = best(scores, depth)
    return Ranked(places[top.places], top.scores)


def scale(ranked: Sequence[Ranked]) -> float:
    """Give the score that is usual for a member's first document."""
    first = [float(each.scores[0]) for each in ranked if len(each.scores)]
    return abs(float(np.median(first))) or 1.0 if first else 1.0


def words(text: str) -> list[str]:
    """Give the words of a text, in small letters."""
    pattern = r"(?u)\b\w+\b"
    (given,) = bm25s.tokenize(
        [text], token_pattern=pattern, stopwords=None, return_ids=False, show_progress=False
    )
    return list(given)
