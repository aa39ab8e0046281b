"""The pictures of a diagnosis: how good a model has to be, and how good a first one is."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from fourhats_runtime.business import Value
    from matplotlib.axes import Axes

    from fourhats.diagnose.first_point import Acted, Point
    from fourhats.diagnose.money import Cost, Limits, Stakes

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
    if point is not None and point.acted is not None:
        _draw(axes, point.acted)
    axes.set(
        xlim=(0, 100),
        ylim=(0, 100),
        xlabel="of the cases that call for action, % that are acted on",
        ylabel="of those acted on, % that call for it",
    )
    figure.legend(fontsize="small", loc="outside lower center", ncols=2, frameon=False)
    return figure


def ladder(limits: Limits, cost: Cost, point: Point | None, value: Value) -> Figure:
    """Draw what a month earns: without a model, by a first one, and by one that is never wrong."""
    best, volume = limits.policies[limits.best], value.monthly_volume
    shown = [(f"without a model: {name}", each) for name, each in limits.policies.items()]
    if point is not None:
        shown.append(
            ("a first plain model, with its 95 % interval", best + volume * point.gain.gain)
        )
    shown.append(("with a model that is never wrong", limits.perfect))
    figure = Figure(figsize=(7.2, 1.6 + 0.32 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = range(len(shown), 0, -1)
    axes.plot([each for _, each in shown], places, "o", color=FIRST)
    if point is not None:
        ends = [best + volume * each for each in (point.gain.low, point.gain.high)]
        axes.plot(ends, [2, 2], color=FIRST, marker="|")
    pays = (
        f"from here on it pays back within {cost.horizon} months"
        if cost.day_rate
        else "from here on it earns what it costs to run"
    )
    axes.axvline(best + cost.needed(80), color=LINE, label=pays)
    if cost.needed(80) > 0:
        label = "from here on it beats what is best without a model"
        axes.axvline(best, color=LINE, linestyle=":", label=label)
    axes.set(xlabel=f"earned a month, {value.currency}", ylim=(0.5, len(shown) + 0.5))
    axes.set_yticks(list(places), ["\n".join(wrap(name, 34)) for name, _ in shown])
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter(lambda amount, _: f"{amount:,.0f}")
    axes.grid(axis="y", alpha=0.3)
    figure.legend(fontsize="small", loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw(axes: Axes, acted: Acted) -> None:
    """Draw how good the first model is, and where it acts."""
    found, hit = (100 * each for each in acted.curve)
    shown = found >= 100 * FROM
    axes.plot(found[shown], hit[shown], color=FIRST, linewidth=1, label="a first plain model")
    if not (np.isfinite(acted.precision.value) and np.isfinite(acted.recall.value)):
        return
    (x, x_low, x_high), (y, y_low, y_high) = (
        [100 * each for each in share] for share in (acted.recall, acted.precision)
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


def _line(stakes: Stakes, recall: np.ndarray, added: float) -> np.ndarray:
    found = (stakes.precision_needed(float(each), added) for each in recall)
    return np.array([np.nan if each is None else 100 * each for each in found])
