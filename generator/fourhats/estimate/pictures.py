"""The pictures of an estimate: when what is done, how sure it is, what drives it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.patches
import numpy as np
from matplotlib.figure import Figure

from fourhats.estimate.figures import percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourhats.estimate.calendar import Calendar
    from fourhats.estimate.catalogue import Package
    from fourhats.estimate.figures import Driver
    from fourhats.estimate.simulation import Draws

HATS = {
    "project manager": "#8c6d1f",
    "data engineer": "#1f5f99",
    "data scientist": "#3f7f3f",
    "ML engineer": "#8a3b64",
}
SHOWN = 10
"""Drivers in the picture."""


def gantt(packages: Sequence[Package], draws: Draws, calendar: Calendar) -> str:
    """Draw each package from its median start to its median end; the line goes on to P80."""
    figure = Figure(figsize=(8, 0.8 + 0.26 * len(packages)), layout="constrained")
    axes = figure.subplots()
    starts, ends = np.median(draws.start, axis=0), np.median(draws.finish, axis=0)
    late = np.percentile(draws.finish, 80, axis=0)
    order = sorted(range(len(packages)), key=lambda number: (-starts[number], -number))
    for place, number in enumerate(order):
        each = packages[number]
        begin, end = starts[number], max(ends[number], starts[number] + 0.2)
        axes.barh(place, end - begin, left=begin, color=HATS[each.hat], height=0.6)
        axes.plot([end, max(end, late[number])], [place, place], color="grey", linewidth=1)
    axes.set_yticks(range(len(order)), [packages[number].title for number in order])
    weeks = np.arange(0, late.max() + 5, max(5, 5 * round(late.max() / 40)))
    axes.set_xticks(weeks, [f"{calendar.day(week + 1):%d %b %Y}" for week in weeks], rotation=30)
    handles = [mpl.patches.Patch(color=color, label=hat) for hat, color in HATS.items()]
    axes.legend(handles=handles, loc="upper right", fontsize="small")
    axes.set_xlim(0)
    return _svg(figure)


def curve(draws: Draws) -> str:
    """Draw how likely it is to be done within so many days of work."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    total = np.sort(draws.total)
    places = np.linspace(0, len(total) - 1, 200).astype(int)
    axes.plot(total[places], 100 * (places + 1) / len(total), color="#1f5f99")
    for percentile, days in percentiles(total).items():
        axes.plot([days, days], [0, percentile], color="grey", linewidth=0.8, linestyle="--")
        axes.annotate(f"P{percentile}: {days:.0f}", (days, 2), rotation=90, fontsize="small")
    axes.set(xlabel="days of work", ylabel="done within them, % of the draws", ylim=(0, 100))
    return _svg(figure)


def tornado(drivers: Sequence[Driver]) -> str:
    """Draw by how many days each of the strongest drivers moves the whole."""
    shown = list(drivers[:SHOWN])[::-1]
    figure = Figure(figsize=(7, 0.9 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    names = [driver.title for driver in shown]
    axes.barh(names, [driver.low for driver in shown], color="#3f7f3f")
    axes.barh(names, [driver.high for driver in shown], color="#b0413e")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel="days of work, against the mean")
    return _svg(figure)


def _svg(figure: Figure) -> str:
    with mpl.rc_context({"svg.hashsalt": "fourhats", "svg.fonttype": "none"}):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
