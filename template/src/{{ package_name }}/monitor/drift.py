"""Drift: how far a distribution has moved from the training data.

Measured by the population stability index, the sum of (p - q) ln(p / q) over the bins, where q are
the baseline's shares and p the current ones (Siddiqi, Credit Risk Scorecards, 2006: below 0.1
nothing, above 0.2 a real change).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

BINS = 10
MOST_CATEGORIES = 50
SMALLEST_SHARE = 1e-4
OTHER = "(other)"

Values = NDArray[np.floating[Any]] | NDArray[np.object_]
"""A column: numbers with NaN, or texts."""


class Distribution(BaseModel):
    """Shares of a column: of the bins between `edges` and of gaps, or of the categories."""

    edges: list[float] = []
    shares: list[float] = []
    categories: dict[str, float] = {}


def baseline(inputs: Mapping[str, Values], outputs: NDArray[np.float64]) -> dict[str, Distribution]:
    """Describe the training rows: each input, and the predictions (`prediction`)."""
    columns: dict[str, Values] = {**inputs, "prediction": prediction_column(outputs)}
    return {name: _describe(values.ravel()) for name, values in columns.items()}


def prediction_column(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take one figure a row: the last class's probability, or the number itself."""
    return outputs[:, -1] if outputs.ndim > 1 else outputs


def stability_index(values: Values, reference: Distribution) -> float:
    """Compare current values of a column with its baseline."""
    column = values.ravel()
    if reference.categories:
        before = reference.categories | {OTHER: max(0.0, 1 - sum(reference.categories.values()))}
        counts = Counter(key if key in before else OTHER for key in column.tolist())
        p, q = [counts[key] / len(column) for key in before], list(before.values())
    else:
        p, q = _shares(column, reference.edges), reference.shares
    current, past = np.maximum(p, SMALLEST_SHARE), np.maximum(q, SMALLEST_SHARE)
    return float(((current - past) * np.log(current / past)).sum())


def _describe(column: Values) -> Distribution:
    if column.dtype == object:
        counts = Counter(column.tolist()).most_common(MOST_CATEGORIES)
        return Distribution(categories={key: count / len(column) for key, count in counts})
    numbers = column.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    quantiles = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]) if len(known) else known
    edges = np.unique(quantiles).tolist()
    return Distribution(edges=edges, shares=_shares(numbers, edges))


def _shares(column: Values, edges: list[float]) -> list[float]:
    numbers = column.astype(np.float64)
    missing = np.isnan(numbers)
    places = np.searchsorted(edges, numbers[~missing], side="right")
    counts = [*np.bincount(places, minlength=len(edges) + 1).tolist(), int(missing.sum())]
    return [count / len(column) for count in counts]
