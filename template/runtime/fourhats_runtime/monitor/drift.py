"""Drift: how far a distribution has moved from the training data.

Measured by the population stability index, the sum of (p - q) ln(p / q) over the bins, where q are
the baseline's shares and p the current ones (Siddiqi, Credit Risk Scorecards, 2006: below 0.1
nothing, above 0.2 a real change). A row is added to every bin, so that an empty one is no infinity.

Between samples of n and m rows of the same distribution the index is not nought: over B bins it is
1/n + 1/m times a chi-squared number of B - 1 degrees of freedom (Yurdakul and Naranjo, Statistical
properties of the population stability index, Journal of Risk Model Validation 14(4), 2020). A
column has moved when it is further away than is worth a word, and than chance takes it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.lifecycle.distribution import COMMON, Distribution, Values, binned
from fourhats_runtime.monitor.chance import chi_squared_limit

ONE_ROW = 1
"""Added to each bin (Laplace's rule of succession). Half a row, which is usual too, leaves the tail
of the index too heavy: with 100 rows it passed a limit of 1 in 20,000 four times too often."""
FEWEST_ROWS = 5
"""Fewer of a value are never common."""


@dataclass(frozen=True)
class Shift:
    """How far a column is from its baseline, and how far it may be."""

    index: float
    limit: float

    @property
    def moved(self) -> bool:
        """Whether that is further than it may be."""
        return self.index >= self.limit


def shifts(
    columns: Mapping[str, Values],
    baselines: Mapping[str, Distribution],
    *,
    warn_at: float,
    false_alarms: float,
) -> dict[str, Shift]:
    """Compare columns with their baselines, the furthest moved first.

    `false_alarms` is the probability that any of them seems to have moved by chance (Bonferroni).
    """
    found = {}
    for name, values in columns.items():
        before, now = _counts(values.ravel(), baselines[name])
        noise = chi_squared_limit(max(1, len(now) - 1), false_alarms / len(columns))
        by_chance = (1 / max(1, now.sum()) + 1 / max(1, before.sum())) * noise
        found[name] = Shift(_stability_index(before, now), max(warn_at, float(by_chance)))
    return dict(sorted(found.items(), key=lambda item: -item[1].index))


def _stability_index(before: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    q, p = before + ONE_ROW, now + ONE_ROW
    q, p = q / q.sum(), p / p.sum()
    return float(((p - q) * np.log(p / q)).sum())


def _counts(column: Values, reference: Distribution) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the rows of each bin in the baseline and in the column; bins that both lack go."""
    arrived = np.isin(column, _arrived(column, reference))
    now = np.append(binned(column[~arrived], reference), arrived.sum())
    before = np.append(reference.counts, 0)
    seen = (before > 0) | (now > 0)
    return before[seen], now[seen]


def _arrived(column: Values, reference: Distribution) -> list[Any]:
    """Give the values that are common and were none, or a rarity: a default, or a new category.

    They are a bin that the baseline lacks. Where there are many values, they would be hidden in a
    bin of others.
    """
    least = max(FEWEST_ROWS, COMMON * len(column))
    common = {value for value, rows in Counter(column.tolist()).items() if rows >= least}
    return list(common.difference(reference.known))
