"""Whether the world answers a model as it did on the holdout, seen by how certain it was.

Both are looked at in bins of the figure that decisions rest on, as many rows of the holdout in
each: so that more cases of one kind are no change in the world.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import Floats, of_sums, squares_limit, together
from fourhats_runtime.monitor.decisions import Decisions

MOST_BINS = 10
ROWS_A_BIN = 50


@dataclass(frozen=True)
class Bins:
    """Bins of certainty, cut at `edges`."""

    edges: Floats

    @classmethod
    def of(cls, holdout: Decisions, rows: int) -> "Bins":
        """Cut the holdout into equal parts, of which `rows` others have enough to judge each."""
        number = max(1, min(MOST_BINS, min(len(holdout), rows) // ROWS_A_BIN))
        inner = np.linspace(0, 1, number + 1)[1:-1]
        # Each edge is a figure that came up, and begins a bin: none is empty.
        edges = np.unique(np.quantile(holdout.certainty, inner, method="higher"))
        return cls(edges[edges > holdout.certainty.min()])

    def __len__(self) -> int:
        """Count the bins."""
        return len(self.edges) + 1

    def place(self, decisions: Decisions) -> NDArray[np.int64]:
        """Give the bin of each decision."""
        return np.searchsorted(self.edges, decisions.certainty, side="right")


@dataclass(frozen=True)
class Bias:
    """How far reality has moved from what it was to the model, and whether chance would do that."""

    error: float
    """The mean distance over the bins, by their rows."""
    significant: bool


def bias(holdout: Decisions, now: Decisions, least: Floats, false_alarms: float) -> Bias:
    """Compare the mean surprise of each bin, as Hosmer and Lemeshow sum it up (1980).

    Both samples may err, so each bin's distance is in standard errors of a difference, and by the
    greater of the variances: few rows may all be alike. `least` is what the variance of a row of
    `now` is at least, shape (rows,). An entity's rows may be in several bins, which then err
    together.
    """
    bins = Bins.of(holdout, len(now))
    old, new = _InBins.of(holdout, bins), _InBins.of(now, bins)
    both = (old.rows > 0) & (new.rows > 0)
    if not both.any():
        return Bias(0.0, significant=False)
    rows = np.maximum(1, new.rows)
    lowest = np.bincount(bins.place(now), weights=least, minlength=len(bins)) / rows
    variance = np.maximum(np.maximum(old.variances, new.variances), lowest).clip(1e-300)
    distance = np.where(both, new.means - old.means, 0.0)
    errors = variance * (1 / np.maximum(1, old.rows) + 1 / rows)
    statistic = float((distance**2 / errors)[both].sum())
    freedom = int(both.sum())
    covariance = np.zeros((len(bins), len(bins)))
    for sample in (old, new):
        part = np.sqrt(variance / np.maximum(1, sample.rows) / errors)
        covariance += sample.together * np.outer(part, part)
    found = together(covariance[np.ix_(both, both)], freedom)
    most = found.effect * squares_limit(
        freedom, false_alarms, found.share, holdout.entity, now.entity
    )
    error = float(np.abs(distance) @ new.rows) / len(now)
    return Bias(error, significant=statistic > most)


@dataclass(frozen=True)
class _InBins:
    """The surprise in each bin, and how those of several go together by entity."""

    rows: NDArray[np.int64]
    means: Floats
    variances: Floats
    together: Floats
    """The covariance of the sums, in units of that of independent rows."""

    @classmethod
    def of(cls, decisions: Decisions, bins: Bins) -> "_InBins":
        place, number = bins.place(decisions), len(bins)
        rows = np.bincount(place, minlength=number)
        sums = np.bincount(place, weights=decisions.surprise, minlength=number)
        means: Floats = sums / np.maximum(1, rows)
        off = decisions.surprise - means[place]
        squares = np.bincount(place, weights=off**2, minlength=number)
        names, group = np.unique(decisions.entity, return_inverse=True)
        each = np.bincount(group * number + place, weights=off, minlength=len(names) * number)
        covariance = of_sums(each.reshape(len(names), number).astype(np.float64), len(decisions))
        scale = np.sqrt(np.where(squares > 0, squares, 1.0))
        covariance = covariance / np.outer(scale, scale)
        # Of rows that are all alike nobody knows how they go together: then as much as can be.
        sizes = np.bincount(group * number + place, minlength=len(names) * number)
        most = (sizes.reshape(len(names), number) ** 2).sum(axis=0) / np.maximum(1, rows)
        covariance[np.diag_indices(number)] = np.where(squares > 0, np.diag(covariance), most)
        return cls(rows, means, squares / np.maximum(1, rows), covariance)
