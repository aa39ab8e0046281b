"""The bench: makes rankers of today's documents, and has each answer the questions."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from fourhats_runtime.pretrained import embedding
from fourhats_runtime.pretrained.embedding import Embed, Vectors
from fourhats_runtime.pretrained.models import Pretrained, kept
from fourhats_runtime.pretrained.vectors import embedded
from fourhats_runtime.project import Project
from fourhats_runtime.search.documents import Documents
from fourhats_runtime.search.nearest import MOST_EXACT, Distance, Places, Ranked, write_graph
from fourhats_runtime.search.rankers import DEPTH, KEYWORDS, Meaning, Member, Rank, Words
from fourhats_runtime.search.rerank import CrossEncoder, Rerank, Reranker
from fourhats_runtime.search.settings import Search

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Tried:
    """A member, and what it made of every question."""

    member: Member
    ranked: tuple[Ranked, ...]
    milliseconds: float
    """A question, asked alone."""
    megabytes: float
    """Of the model's files."""


class Rereader(NamedTuple):
    """What puts anew what was found, and the megabytes of its model."""

    name: str
    rerank: Rerank
    megabytes: float


class Passages(NamedTuple):
    """Passages of documents, of which document each is, by its place, and their vectors."""

    texts: list[str]
    documents: Places
    vectors: Vectors


class Bench:
    """Today's documents, and the models that are compared."""

    def __init__(self, project: Project, search: Search, documents: Documents) -> None:
        """Load nothing yet."""
        self._project, self._search, self._documents = project, search, documents
        self._loaded: dict[str, Embed] = {}
        self.made = 0
        """Texts that had to be embedded: new ones, and changed ones."""

    def members(self, fields: Sequence[str]) -> list[Member]:
        """List what is tried: words, and each model, on all fields and on each; the simple first.

        Simple is to look through all fields, by the angle between vectors.
        """
        alone = [(name,) for name in fields] if len(fields) > 1 else []
        sets = [tuple(fields), *alone]
        words = [Member(KEYWORDS, some) for some in sets]
        meaning = [
            Member(model, some, distance)
            for model in self._of_kind(*embedding.KINDS)
            for distance in get_args(Distance)
            for some in sets
        ]
        return [*words, *meaning]

    def tried(
        self, members: Sequence[Member], questions: Sequence[str], progress: Progress
    ) -> list[Tried]:
        """Have every member answer all questions, one by one."""
        found = []
        for done, member in enumerate(members):
            progress(done, len(members))
            rank = self.ranker(member)
            started = time.perf_counter()
            ranked = tuple(rank([question], DEPTH, None)[0] for question in questions)
            milliseconds = 1000 * (time.perf_counter() - started) / len(questions)
            found.append(Tried(member, ranked, milliseconds, self._megabytes(member.model)))
        progress(len(members), len(members))
        return found

    def rerankers(self) -> list[Rereader]:
        """Give who may put anew what was found."""
        return [
            Rereader(name, self._reranker(name), self._megabytes(name))
            for name in self._of_kind("reranker")
        ]

    def ranker(self, member: Member) -> Rank:
        """Make a ranker of a member; it looks at all vectors, however many there are."""
        if member.model == KEYWORDS:
            return Words([document.text(member.fields) for document in self._documents.all])
        held = self.passages(member)
        embed = self._embedder(member.model)
        return Meaning(embed, held.vectors, held.documents, member.distance)

    def passages(self, member: Member) -> Passages:
        """Give the passages that a member looks through; only texts that are new are embedded."""
        parts = [
            (place, passage)
            for place, document in enumerate(self._documents.all)
            for passage in document.passages(member.fields)
        ]
        texts = [text for _, text in parts]
        path = self._kept(member, ".parquet")
        vectors, made = embedded(path, self._embedder(member.model), texts)
        self.made += made
        return Passages(texts, np.array([place for place, _ in parts], dtype=np.int64), vectors)

    def graph(self, member: Member, vectors: Vectors) -> Path | None:
        """Give the graph of a member's vectors, where they are many; the same ones have the same.

        It is kept beside the vectors until they are others.
        """
        if len(vectors) <= MOST_EXACT:
            return None
        content = hashlib.sha256(np.ascontiguousarray(vectors).data).hexdigest()[:16]
        path = self._kept(member, f"-{member.distance}-{content}.usearch")
        if not path.exists():
            for other in path.parent.glob(path.name.replace(content, "*")):
                other.unlink()
            write_graph(path, vectors, member.distance)
        return path

    def _kept(self, member: Member, ending: str) -> Path:
        """Give a file of what is kept of a member's vectors from run to run."""
        digest = self._search.models[member.model].weights.sha256[:16]
        return self._project.artifacts / "vectors" / f"{digest}-{'-'.join(member.fields)}{ending}"

    def _of_kind(self, *kinds: str) -> list[str]:
        return [name for name, model in self._search.models.items() if model.kind in kinds]

    def _reranker(self, name: str) -> Reranker:
        model = self._search.models[name]
        return Reranker(load_reranker(self._project, model), self._documents.by_passages())

    def _embedder(self, model: str) -> Embed:
        if model not in self._loaded:
            self._loaded[model] = load(self._project, self._search.models[model])
        return self._loaded[model]

    def _megabytes(self, model: str) -> float:
        if model == KEYWORDS:
            return 0.0
        pinned = self._search.models[model]
        files = (pinned.weights, pinned.tokenizer)
        return sum(kept(self._project, file).stat().st_size for file in files) / 1e6


def load_reranker(project: Project, model: Pretrained) -> CrossEncoder:
    """Load a re-ranker from where the registry keeps its files.

    Raises:
        ProjectError: they cannot be had, are others than named, or no such model.

    """
    return CrossEncoder(kept(project, model.weights), kept(project, model.tokenizer))


def load(project: Project, model: Pretrained) -> Embed:
    """Load a model of vectors from where the registry keeps its files.

    Raises:
        ProjectError: they cannot be had, are others than named, or no such model.

    """
    files = (kept(project, file) for file in (model.weights, model.tokenizer))
    return embedding.load(model.kind, *files)
