"""What every network is told of its rows, whatever library it is written with.

Its inputs are those of `for_trees`: codes of categories first, -1 for one never seen, then numbers,
gaps included.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
