"""Drift: how far a distribution has moved from the training data.

Measured by the population stability index, the sum of (p - q) ln(p / q) over the bins, where q are
the baseline's shares and p the current ones (Siddiqi, Credit Risk Scorecards, 2006: below 0.1
nothing, above 0.2 a real change). A row is added to every bin, so that an empty one is no infinity.

Between samples of n and m rows of the same distribution the index is not nought: over B bins it is
1/n + 1/m times a chi-squared number of B - 1 degrees of freedom (Yurdakul and Naranjo, Statistical
properties of the population stability index, Journal of Risk Model Validation 14(4), 2020). A
column has moved when it is further away than is worth a word, and than chance takes it.

Rows of one entity are alike: they are counted as so many independent rows as say the same.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fourhats_runtime.chance import (
    Floats,
    Groups,
    entities,
    greatest_effect,
    of_shares,
    squares_limit,
)
from fourhats_runtime.lifecycle.distribution import COMMON, Distribution, Values, places

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
    groups: Groups | None = None,
) -> dict[str, Shift]:
    """Compare columns with their baselines, the furthest moved first.

    `false_alarms` is the probability that any of them seems to have moved by chance (Bonferroni);
    `groups`, of shape (rows,), are equal for rows of one entity.
    """
    found = {}
    for name, values in columns.items():
        before, now, share = _counts(values.ravel(), baselines[name], groups)
        level = false_alarms / len(columns)
        noise = squares_limit(max(1, len(now) - 1), level, share, groups)
        by_chance = (1 / max(1, now.sum()) + 1 / max(1, before.sum())) * noise
        found[name] = Shift(_stability_index(before, now), max(warn_at, float(by_chance)))
    return dict(sorted(found.items(), key=lambda item: -item[1].index))


def _stability_index(before: Floats, now: Floats) -> float:
    q, p = before + ONE_ROW, now + ONE_ROW
    q, p = q / q.sum(), p / p.sum()
    return float(((p - q) * np.log(p / q)).sum())


def _counts(
    column: Values, reference: Distribution, groups: Groups | None
) -> tuple[Floats, Floats, float]:
    """Count the independent rows of each bin in the baseline and in the column.

    Bins that both lack go. The last is the share of the degrees of freedom that is left.
    """
    new = len(reference.counts)
    found = np.where(
        np.isin(column, _arrived(column, reference, groups)), new, places(column, reference)
    )
    together = of_shares(found, groups)
    # Of few rows, how alike they are may not show: then it is as it was.
    before_likewise = 1 + reference.likeness * (greatest_effect(groups, len(column)) - 1)
    now = np.bincount(found, minlength=new + 1) / max(together.effect, before_likewise)
    before = np.append(reference.counts, 0) / reference.effect
    seen = (before > 0) | (now > 0)
    return before[seen], now[seen], together.share


def _arrived(column: Values, reference: Distribution, groups: Groups | None) -> list[Any]:
    """Give the values that are common and were none, or a rarity: a default, or a new category.

    They are a bin that the baseline lacks. Where there are many values, they would be hidden in a
    bin of others. A value counts once an entity.
    """
    values = column.tolist()
    if groups is not None:
        values = [value for value, _ in set(zip(values, groups.tolist(), strict=True))]
    least = max(FEWEST_ROWS, COMMON * entities(groups, len(column)))
    common = {value for value, rows in Counter(values).items() if rows >= least}
    return list(common.difference(reference.known))
