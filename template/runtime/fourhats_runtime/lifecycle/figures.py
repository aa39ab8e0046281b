"""The field's figures of a model, each with its interval.

Intervals are by the percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapter 13): what the figure is for as many rows, drawn with replacement. Rows of one entity
are drawn together.
"""

from typing import TypedDict

import numpy as np

from fourhats_runtime.chance import TAIL, Floats, Groups
from fourhats_runtime.tasks import Rule, weighed_figures

MOST_DRAWS, FEWEST_DRAWS = 400, 100
WORK = 20_000_000
"""So many rows are drawn in all, where that leaves enough draws."""
ENDS = (100 * TAIL, 100 * (1 - TAIL))
FEWEST = 0.9
"""So many of the draws have to have the figure: else the interval is of the others alone."""


class Figure(TypedDict):
    """A figure and its interval; None where it is undefined."""

    figure: float | None
    low: float | None
    high: float | None


def figures(
    outputs: Floats, actual: Floats, rule: Rule, *, groups: Groups | None = None, seed: int = 0
) -> dict[str, Figure]:
    """Judge outputs, by row, by what came; gives the figures by name."""
    of = weighed_figures(outputs, actual, rule)
    found = of(np.ones(len(actual)))
    group, size = np.arange(len(actual)), len(actual)
    if groups is not None:
        names, group = np.unique(groups, return_inverse=True)
        size = len(names)
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in found}
    draws = int(np.clip(WORK // len(actual), FEWEST_DRAWS, MOST_DRAWS))
    for _ in range(draws if size > 1 else 0):  # of one entity, nobody knows how others are
        times = np.bincount(random.integers(0, size, size), minlength=size)[group]
        for name, figure in of(times.astype(np.float64)).items():
            drawn[name].append(figure)
    return {name: _with_interval(figure, drawn[name]) for name, figure in found.items()}


def _with_interval(figure: float, drawn: list[float]) -> Figure:
    defined = [each for each in drawn if np.isfinite(each)]
    if not np.isfinite(figure):
        return Figure(figure=None, low=None, high=None)
    if not defined or len(defined) < FEWEST * len(drawn):
        return Figure(figure=figure, low=None, high=None)
    low, high = np.percentile(defined, ENDS).tolist()
    return Figure(figure=figure, low=low, high=high)
