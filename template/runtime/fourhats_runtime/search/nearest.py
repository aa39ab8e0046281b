"""The nearest vectors: exactly as long as that is quick, by a graph of neighbours beyond."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.data.extras import needs
from fourhats_runtime.files import written_whole
from fourhats_runtime.pretrained.embedding import Vectors

if TYPE_CHECKING:
    from usearch.index import Index

Distance = Literal["cosine", "dot"]
Places = NDArray[np.int64]
Allowed = NDArray[np.bool_]

MOST_EXACT = 100_000
"""Vectors that are all looked at; beyond, usearch looks at a few hundred of them."""
WIDTH, CARE, SEARCH_CARE = 16, 64, 128
"""Of the graph: neighbours of each vector, and how many are weighed when it is added, or sought.
What `benchmarks/search_speed.py` measures: more takes longer, and finds no more."""


class Ranked(NamedTuple):
    """Places, the best first, and how good each is."""

    places: Places
    scores: Vectors


def write_graph(path: Path, vectors: Vectors, distance: Distance) -> None:
    """Build the graph of neighbours, by which many vectors need not all be looked at.

    All processors add vectors side by side, so no two graphs of the same vectors are the same.

    Args:
        path: the file that is written.
        vectors: of shape (number, dimensions).
        distance: what is near.

    """
    index = _index(vectors.shape[1])
    index.add(np.arange(len(vectors), dtype=np.uint64), _measured(vectors, distance))
    with written_whole(path) as scratch:
        index.save(scratch)


class Nearest:
    """Vectors among which the nearest are sought."""

    def __init__(
        self,
        vectors: Vectors,
        distance: Distance,
        graph: Path | None = None,
    ) -> None:
        """Take vectors, of shape (number, dimensions), and the file of their graph, if any.

        The file is mapped into memory, not read: loading takes no time, and processes share it.
        """
        self._distance = distance
        self._vectors = _measured(vectors, distance)
        self._graph = None
        if graph is not None:
            self._graph = _index(vectors.shape[1])
            self._graph.view(graph)

    def __call__(self, asked: Vectors, count: int, allowed: Allowed | None = None) -> list[Ranked]:
        """Give the nearest of each asked vector, at most `count` of those that are `allowed`.

        Where few are allowed, all of them are looked at.
        """
        asked = _measured(asked, self._distance)
        total = len(self._vectors)
        open_to = total if allowed is None else int(allowed.sum())
        if self._graph is None or open_to <= MOST_EXACT:
            places = np.arange(total) if allowed is None else np.flatnonzero(allowed)
            vectors = self._vectors if allowed is None else self._vectors[places]
            return [_of(places, row, count) for row in asked @ vectors.T]
        wider = min(total, -(-2 * count * total // open_to)) if open_to < total else count
        keys = self._graph.search(asked, wider).keys.astype(np.int64).reshape(len(asked), -1)
        near = [row if allowed is None else row[allowed[row]] for row in keys]
        # By their own vectors: those of the graph are half as exact.
        scores = (self._vectors[places] @ row for places, row in zip(near, asked, strict=True))
        return [_of(places, row, count) for places, row in zip(near, scores, strict=True)]


def _index(dimensions: int) -> "Index":
    with needs("search"):
        from usearch.index import Index  # noqa: PLC0415 (few have so many)
    return Index(
        ndim=dimensions,
        metric="ip",
        dtype="f16",
        connectivity=WIDTH,
        expansion_add=CARE,
        expansion_search=SEARCH_CARE,
        enable_key_lookups=False,
    )


def _of(places: Places, scores: Vectors, count: int) -> Ranked:
    found = best(scores, count)
    return Ranked(places[found.places], found.scores)


def best(scores: Vectors, count: int) -> Ranked:
    """Give the highest of some scores, the best first; of equal ones, the first."""
    if count < len(scores):
        cut = np.partition(scores, len(scores) - count)[len(scores) - count]
        chosen = np.flatnonzero(scores >= cut)
    else:
        chosen = np.arange(len(scores))
    order = chosen[np.argsort(-scores[chosen], kind="stable")][:count]
    return Ranked(order.astype(np.int64), scores[order])


def _measured(vectors: Vectors, distance: Distance) -> Vectors:
    """Make vectors such that their dot product is the nearness."""
    if distance == "dot":
        return vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)
