"""Whether the world answers a model as it did on the holdout, seen by how certain it was.

Both are looked at in bins of the figure that decisions rest on, as many rows of the holdout in
each: so that more cases of one kind are no change in the world.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.monitor.chance import chi_squared_limit
from fourhats_runtime.monitor.decisions import Decisions, Floats

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
    `now` is at least, shape (rows,).
    """
    bins = Bins.of(holdout, len(now))
    before, places = bins.place(holdout), bins.place(now)
    error = statistic = 0.0
    freedom = 0
    for place in range(len(bins)):
        old, new = holdout.surprise[before == place], now.surprise[places == place]
        if not (len(old) and len(new)):
            continue
        distance = float(new.mean() - old.mean())
        variance = max(float(old.var()), float(new.var()), float(least[places == place].mean()))
        error += abs(distance) * len(new) / len(now)
        freedom += 1
        if distance:
            statistic += distance**2 / max(variance * (1 / len(old) + 1 / len(new)), 1e-300)
    return Bias(error, freedom > 0 and statistic > chi_squared_limit(freedom, false_alarms))
