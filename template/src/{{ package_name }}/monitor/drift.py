"""Drift: how far a distribution has moved from the training data.

Measured by the population stability index, the sum of (p - q) ln(p / q) over the bins, where q are
the baseline's shares and p the current ones (Siddiqi, Credit Risk Scorecards, 2006: below 0.1
nothing, above 0.2 a real change).
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BINS = 10
SMALLEST_SHARE = 1e-4
OTHER = "(other)"

Baseline = dict[str, dict[str, list[float] | dict[str, float]]]
"""For each column either `edges` and `shares` (the last for missing values), or `categories`."""


def baseline(
    inputs: Mapping[str, NDArray[np.float32] | NDArray[np.object_]], outputs: NDArray[np.float64]
) -> Baseline:
    """Describe the training rows: each input, and the predictions (`prediction`)."""
    found: Baseline = {}
    for name, values in {**inputs, "prediction": prediction_column(outputs)}.items():
        column = values.ravel()
        if column.dtype == object:
            counts = Counter(column.tolist())
            found[name] = {"categories": {key: n / len(column) for key, n in counts.most_common(50)}}
        else:
            known = column[~np.isnan(column)]
            edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
            found[name] = {"edges": [float(edge) for edge in edges]}
            found[name]["shares"] = _shares(column, found[name]["edges"])
    return found


def prediction_column(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take one figure a row: the last class's probability, or the number itself."""
    return outputs[:, -1] if outputs.ndim > 1 else outputs


def stability_index(values: NDArray[np.float64] | NDArray[np.object_], reference: dict) -> float:
    """Compare current values of a column with its baseline."""
    column = values.ravel()
    if "categories" in reference:
        before = dict(reference["categories"])
        counts = Counter(key if key in before else OTHER for key in column.tolist())
        before[OTHER] = max(0.0, 1 - sum(before.values()))
        p = [counts[key] / len(column) for key in before]
        q = list(before.values())
    else:
        p, q = _shares(column, reference["edges"]), reference["shares"]
    current, past = np.maximum(p, SMALLEST_SHARE), np.maximum(q, SMALLEST_SHARE)
    return float(((current - past) * np.log(current / past)).sum())


def _shares(column: NDArray[np.float64], edges: list[float]) -> list[float]:
    missing = np.isnan(column)
    places = np.searchsorted(edges, column[~missing], side="right")
    counts = [*np.bincount(places, minlength=len(edges) + 1), missing.sum()]
    return [float(n) / len(column) for n in counts]
