"""The pictures of an exploration."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.explore.coding import Coded, shortened

BLUE = "#1f5f99"
ACROSS, LONG = 4, 16


def intervals(
    found: Sequence[tuple[str, float, float, float]], label: str, centre: float | None = 0.0
) -> Figure:
    """Plot figures with the ends of their intervals, the first on top."""
    figure = Figure(figsize=(7, 0.9 + 0.28 * len(found)), layout="constrained")
    axes = figure.subplots()
    places = range(len(found))[::-1]
    for place, (_, value, low, high) in zip(places, found, strict=True):
        axes.plot([low, high], [place, place], color="grey", linewidth=1.5)
        axes.plot(value, place, "o", color=BLUE)
    axes.set_yticks(list(places), [shortened(name) for name, *_ in found])
    if centre is not None:
        axes.axvline(centre, color="grey", linewidth=0.8)
    axes.set(xlabel=label)
    return figure


def distributions(columns: dict[str, Coded]) -> Figure:
    """Plot how the values of each column lie: numbers by a histogram, others by their counts."""
    down = -(-len(columns) // ACROSS)
    figure = Figure(figsize=(9, 1.8 * down), layout="constrained")
    grid = figure.subplots(down, ACROSS, squeeze=False).ravel()
    for axes, (name, column) in zip(grid, columns.items(), strict=False):
        known = column.values[np.isfinite(column.values)]
        if column.is_number and len(np.unique(known)) > 1:
            low, high = np.quantile(known, [0.005, 0.995])
            counts, edges = np.histogram(known, bins=30, range=(low, max(high, low + 1e-9)))
            axes.stairs(counts, edges, fill=True, color=BLUE)
            axes.xaxis.set_major_locator(MaxNLocator(3))
        else:
            counts = np.bincount(column.codes, minlength=len(column.labels))
            order = np.argsort(-counts, kind="stable")[:6]
            names = [shortened(column.labels[place], LONG) for place in order]
            axes.barh(range(len(order))[::-1], counts[order], color=BLUE)
            axes.set_yticks(range(len(order))[::-1], names, fontsize=7)
        axes.set_title(shortened(name, 28), fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
        axes.yaxis.set_tick_params(labelsize=7)
    for axes in grid[len(columns) :]:
        axes.set_visible(False)
    return figure


def over_time(
    labels: Sequence[str], values: Sequence[float], off: Sequence[float], measured: str
) -> Figure:
    """Plot a level by period with its interval."""
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(
        range(len(values)), values, yerr=off, fmt="o-", capsize=2, color=BLUE, ecolor="grey"
    )
    step = -(-len(labels) // 8)
    axes.set_xticks(range(0, len(labels), step), list(labels)[::step])
    axes.set_ylabel(shortened(f"{measured} (grey: {INTERVAL})", 60), fontsize=8)
    return figure
