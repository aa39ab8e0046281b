"""Drift: how far a distribution has moved from the training data.

Measured by the population stability index, the sum of (p - q) ln(p / q) over the bins, where q are
the baseline's shares and p the current ones (Siddiqi, Credit Risk Scorecards, 2006: below 0.1
nothing, above 0.2 a real change). Half a row is added to every bin, so that an empty one is no
infinity.

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
from pydantic import BaseModel

from .chance import chi_squared_limit

BINS = 10
MOST_CATEGORIES = 50
HALF_A_ROW = 0.5
OTHER = "(other)"

Values = NDArray[np.floating[Any]] | NDArray[np.object_]
"""A column: numbers with NaN, or texts."""


class Distribution(BaseModel):
    """Shares of a column: of the bins between `edges` and of gaps, or of the categories."""

    rows: int
    edges: list[float] = []
    shares: list[float] = []
    categories: dict[str, float] = {}


@dataclass(frozen=True)
class Shift:
    """How far a column is from its baseline, and how far it may be."""

    index: float
    limit: float

    @property
    def moved(self) -> bool:
        """Whether that is further than it may be."""
        return self.index >= self.limit


def baseline(columns: Mapping[str, Values]) -> dict[str, Distribution]:
    """Describe rows, column by column."""
    return {name: _describe(values.ravel()) for name, values in columns.items()}


def baselines_of(card: Mapping[str, Any]) -> dict[str, Distribution]:
    """Read the baselines that a registered model keeps."""
    kept = card["drift_baseline"].items()
    return {name: Distribution.model_validate(described) for name, described in kept}


def prediction_column(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take one figure a row: the last class's probability, or the number itself."""
    return outputs[:, -1] if outputs.ndim > 1 else outputs


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


def _stability_index(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    q, p = before + HALF_A_ROW, now + HALF_A_ROW
    q, p = q / q.sum(), p / p.sum()
    return float(((p - q) * np.log(p / q)).sum())


def _counts(
    column: Values, reference: Distribution
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the rows of each bin in the baseline and in the column; bins that both lack go."""
    if reference.categories:
        shares = reference.categories | {OTHER: max(0.0, 1 - sum(reference.categories.values()))}
        counted = Counter(key if key in shares else OTHER for key in column.tolist())
        before = np.array(list(shares.values())) * reference.rows
        now = np.array([counted[key] for key in shares], dtype=np.float64)
    else:
        before = np.array(reference.shares) * reference.rows
        now = _bin(column, reference.edges)
    seen = (before > HALF_A_ROW) | (now > 0)  # a share has been rounded
    return before[seen], now[seen]


def _describe(column: Values) -> Distribution:
    rows = len(column)
    if column.dtype == object:
        counts = Counter(column.tolist()).most_common(MOST_CATEGORIES)
        return Distribution(rows=rows, categories={key: count / rows for key, count in counts})
    numbers = column.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    quantiles = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]) if len(known) else known
    edges = np.unique(quantiles).tolist()
    return Distribution(rows=rows, edges=edges, shares=(_bin(numbers, edges) / rows).tolist())


def _bin(column: Values, edges: list[float]) -> NDArray[np.float64]:
    """Count the rows in each bin, and the gaps."""
    numbers = column.astype(np.float64)
    missing = np.isnan(numbers)
    places = np.searchsorted(edges, numbers[~missing], side="right")
    return np.array([*np.bincount(places, minlength=len(edges) + 1), missing.sum()], np.float64)
