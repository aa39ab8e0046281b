"""What every network is told of its rows, whatever library it is written with.

Its inputs are those of `for_trees`: codes of categories first, -1 for one never seen, then numbers,
gaps included.
"""

import logging
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from fourhats_runtime.model.sides import Hashes

HELD_OUT = 0.15
"""Such a share of the entities tells when to stop, and is not learnt from."""
FURTHEST = 30.0
"""Of how many spreads from the centre a network is told."""
SMOOTH = 3.0
"""So many spreads from the centre, numbers begin to count less."""
LEAST_ROWS, MOST_ROWS = 64, 1024
"""Of a batch: few rows take many steps to learn from, many are learnt from faster at once."""
AT_ONCE = 8192
"""So many rows are predicted at once."""
TELL_SECONDS = 10
"""After so long, a training says how far it is."""

Table = NDArray[np.float32] | NDArray[np.float64]
"""What an encoder gives, of shape (rows, inputs)."""


@dataclass(frozen=True)
class Inputs:
    """What the columns are, as the rows that are learnt from have them."""

    sizes: tuple[int, ...]
    """Of each category, how many codes there are: 0 stands for one never seen."""
    centres: NDArray[np.float32]
    """The median of each number."""
    spreads: NDArray[np.float32]
    """How far its quartiles are apart; its standard deviation where they are the same."""
    gaps: tuple[int, ...]
    """The numbers that are missing in some rows: whether they are is told beside them."""

    @classmethod
    def of(cls, table: Table, categories: int) -> "Inputs":
        """Look at the rows that are learnt from, of which the first columns are categories."""
        numbers = table[:, categories:].astype(np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where all are missing
            quartiles = np.nanpercentile(numbers, (25, 50, 75), axis=0)
            low, centres, high = quartiles.reshape(3, -1)  # which forgets its shape without columns
            spreads = np.where(high > low, high - low, np.nanstd(numbers, axis=0))
        return cls(
            sizes=tuple(int(codes.max()) + 2 for codes in table[:, :categories].T),
            centres=np.nan_to_num(centres).astype(np.float32),
            spreads=np.where(spreads > 0, spreads, 1.0).astype(np.float32),
            gaps=tuple(np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist()),
        )

    @property
    def numbers(self) -> int:
        """How many numbers a network is given: those of the table, and whether some are missing."""
        return len(self.centres) + len(self.gaps)


def held_out(rows: int, groups: Hashes | None, seed: int) -> NDArray[np.bool_]:
    """Say which rows tell when to stop: those of one entity are all on one side."""
    entities = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(entities.max() + 1)
    return np.asarray(order[entities] < HELD_OUT * len(order))


def apart(rows: int, groups: Hashes | None, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the places that are learnt from, and those that tell when to stop.

    Where no row is held out, as there are too few entities, they are the same.
    """
    stopping = held_out(rows, groups, seed)
    learning = np.flatnonzero(~stopping)
    return learning, np.flatnonzero(stopping) if stopping.any() else learning


def batch_size(rows: int) -> int:
    """Give how many of the rows that are learnt from are a batch: a sixteenth, within limits."""
    return min(max(rows // 16, LEAST_ROWS), MOST_ROWS)


def batches(
    places: NDArray[np.intp], size: int, random: np.random.Generator | None = None
) -> Iterator[NDArray[np.intp]]:
    """Give the places of the rows of one batch after the other, shuffled where chance is given."""
    order = places if random is None else random.permutation(places)
    for start in range(0, len(order), size):
        yield order[start : start + size]


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Keep to itself what an exporter, and who warns beside it, says of its own insides."""
    told = logging.getLogger(name)
    before = told.level
    told.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        told.setLevel(before)


class Aim(NamedTuple):
    """What a network gives, and what is made of it."""

    outputs: int
    """A score a class, or one number."""
    of_classes: bool
    centre: float = 0.0
    """Of the numbers that are learnt from: the network gives how many spreads one is off it."""
    spread: float = 1.0


class NetworkEstimator(BaseEstimator):
    """What networks have in common, for classes and for numbers, whatever library they are of.

    `build` is the network, `leading_categories` how many of the first columns are categories,
    which training says. It ends after `patience` passes over the rows without a gain on those held
    out for that, or after `most_passes`, and the best weights are kept. A batch is of `batch_rows`;
    where that is None, as `batch_size` says.
    """

    def __init__(  # noqa: PLR0913 (an estimator's parameters stand in its signature)
        self,
        build: Callable[..., Any],
        *,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        batch_rows: int | None = None,
        most_passes: int = 100,
        patience: int = 10,
        leading_categories: int = 0,
        seed: int = 0,
    ) -> None:
        """Take how it is built and how it learns."""
        self.build = build
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_rows = batch_rows
        self.most_passes = most_passes
        self.patience = patience
        self.leading_categories = leading_categories
        self.seed = seed

    @abstractmethod
    def learn(self, table: Table, wanted: NDArray[Any], groups: Hashes | None, aim: Aim) -> Self:
        """Fit to rows: `wanted` is the place of each one's class, or its scaled number."""

    @abstractmethod
    def outputs(self, table: Table) -> NDArray[np.float64]:
        """Give probabilities, shape (rows, classes), or numbers, shape (rows, 1)."""


class OfClasses(ClassifierMixin, NetworkEstimator):
    """A network that gives the probability of each class."""

    def fit(self, table: Table, labels: NDArray[np.int64], groups: Hashes | None = None) -> Self:
        """Fit to rows; those of one group are held out together."""
        self.classes_, places = np.unique(labels, return_inverse=True)
        aim = Aim(len(self.classes_), of_classes=True)
        return self.learn(table, places.astype(np.int64), groups, aim)

    def predict_proba(self, table: Table) -> NDArray[np.float64]:
        """Give probabilities, shape (rows, classes)."""
        return self.outputs(table)

    def predict(self, table: Table) -> NDArray[np.int64]:
        """Give the likeliest class of each row."""
        found: NDArray[np.int64] = self.classes_[self.outputs(table).argmax(axis=1)]
        return found


class OfNumbers(RegressorMixin, NetworkEstimator):
    """A network that gives a number."""

    def fit(self, table: Table, labels: NDArray[np.float64], groups: Hashes | None = None) -> Self:
        """Fit to rows; those of one group are held out together."""
        centre, spread = float(labels.mean()), float(labels.std()) or 1.0
        wanted = ((labels - centre) / spread).astype(np.float32)
        return self.learn(
            table, wanted, groups, Aim(1, of_classes=False, centre=centre, spread=spread)
        )

    def predict(self, table: Table) -> NDArray[np.float64]:
        """Give numbers, shape (rows,)."""
        return self.outputs(table)[:, 0]
