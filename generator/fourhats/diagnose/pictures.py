"""The picture of a diagnosis: how good a model has to be, and how good a first one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from fourhats.diagnose.first_point import Point
    from fourhats.diagnose.money import Cost, Stakes

GOOD, FIRST, LINE = "#3f7f3f", "#1f5f99", "#b0413e"
FROM = 0.02
"""Left of it, a line by few cases jumps up and down."""


def frontier(stakes: Stakes, cost: Cost, point: Point | None) -> Figure:
    """Draw the precision that pays at each recall, and what the first model reaches, in percent."""
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    recall = np.linspace(0.005, 1, 200)
    needed = _line(stakes, recall, cost.needed(80))
    pays = (
        f"pays back within {cost.horizon} months" if cost.day_rate else "earns what it costs to run"
    )
    if np.isfinite(needed).any():
        axes.plot(100 * recall, needed, color=LINE, label=f"from here up it {pays}")
        axes.fill_between(100 * recall, needed, 100, color=GOOD, alpha=0.12, linewidth=0)
    if cost.needed(80) > 0:
        even = _line(stakes, recall, 0.0)
        label = "from here up it beats what is best without a model"
        axes.plot(100 * recall, even, color=LINE, linestyle=":", label=label)
    axes.axhline(
        100 * stakes.share, color="grey", linewidth=0.8, linestyle="--", label="acting at random"
    )
    if point is not None:
        found, hit = (100 * each for each in point.curve)
        shown = found >= 100 * FROM
        axes.plot(found[shown], hit[shown], color=FIRST, linewidth=1, label="a first plain model")
        if np.isfinite(point.precision.value) and np.isfinite(point.recall.value):
            (x, x_low, x_high), (y, y_low, y_high) = (
                [100 * each for each in share] for share in (point.recall, point.precision)
            )
            axes.errorbar(
                x,
                y,
                xerr=[[x - x_low], [x_high - x]],
                yerr=[[y - y_low], [y_high - y]],
                fmt="o",
                color=FIRST,
                capsize=3,
                label="where it acts, by your amounts, with its 95 % interval",
            )
    axes.set(
        xlim=(0, 100),
        ylim=(0, 100),
        xlabel="of the cases that call for action, % that are acted on",
        ylabel="of those acted on, % that call for it",
    )
    figure.legend(fontsize="small", loc="outside lower center", ncols=2, frameon=False)
    return figure


def _line(stakes: Stakes, recall: np.ndarray, added: float) -> np.ndarray:
    found = (stakes.precision_needed(float(each), added) for each in recall)
    return np.array([np.nan if each is None else 100 * each for each in found])
