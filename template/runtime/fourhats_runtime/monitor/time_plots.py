"""Plots over time: value, volume, and the figures of monitoring."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.monitor.months import Month

MOST_LINES = 8
LEGEND_COLUMNS = 4
REALISED, ESTIMATED, ADDED, QUIET = "#1f5f99", "#a9c9e6", "#b3541e", "grey"


def value_figure(months: Sequence[Month], currency: str) -> Figure:
    """Plot what decisions earned and are estimated to earn, beside what was promised for them.

    And what they add to the best policy without a model, with its interval.
    """
    names = [f"{month.first:%Y-%m}" for month in months]
    known = [month.realised.total for month in months]
    open_ = [month.estimated.total for month in months]
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(names, known, width=0.6, color=REALISED, label="realised")
    # On top of what has the same sign; a loss hangs below.
    bottoms = [a if a * b > 0 else 0.0 for a, b in zip(known, open_, strict=True)]
    axes.bar(
        names, open_, width=0.6, bottom=bottoms, color=ESTIMATED, hatch="//", label="estimated"
    )
    axes.plot(
        names,
        [month.promised * (month.realised.rows + month.estimated.rows) for month in months],
        linestyle="",
        marker="_",
        markersize=18,
        color="black",
        label="promised for as many decisions",
    )
    more = {name: month.added for name, month in zip(names, months, strict=True) if month.policies}
    if more:
        axes.errorbar(
            list(more),
            [each.total for each in more.values()],
            yerr=[
                [each.total - each.low for each in more.values()],
                [each.high - each.total for each in more.values()],
            ],
            fmt="D",
            markersize=4,
            capsize=4,
            color=ADDED,
            label=f"added to no model, {INTERVAL}",
        )
    axes.axhline(0, color=QUIET, linewidth=0.8)
    return _finished(figure, currency)


def volume_figure(months: Sequence[Month], expected: int) -> Figure:
    """Plot the decisions of each month, and how many were expected."""
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.bar(
        [f"{month.first:%Y-%m}" for month in months],
        [month.decisions for month in months],
        width=0.6,
        color=REALISED,
    )
    axes.axhline(expected, linestyle="--", color=QUIET, label="expected")
    return _finished(figure, "decisions")


def day_figure(counts: Mapping[date, int], first: date, end: date) -> Figure:
    """Plot the predictions of each day from the first on and before the end."""
    days = [first + timedelta(days=day) for day in range((end - first).days)]
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.bar([day.day for day in days], [counts.get(day, 0) for day in days], color=REALISED)
    axes.set(xlabel="day of the month", xlim=(0.4, len(days) + 0.6))
    return _finished(figure, "predictions")


def figures_over_time(
    lines: Mapping[str, Sequence[tuple[datetime, float | None]]], label: str, limit: float
) -> Figure:
    """Plot figures of monitoring by day, those that came highest."""
    highest = sorted(lines, key=lambda name: -max(figure or 0.0 for _, figure in lines[name]))
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for name in highest[:MOST_LINES]:
        points = [(at, figure) for at, figure in lines[name] if figure is not None]
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.axhline(limit, linestyle="--", color=QUIET, label="alert, at the least")
    axes.margins(y=0.1)
    figure.autofmt_xdate()
    return _finished(figure, label)


def _finished(figure: Figure, label: str) -> Figure:
    (axes,) = figure.axes
    axes.set(ylabel=label)
    if axes.get_ylim()[1] > 1000:  # noqa: PLR2004
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _, named = axes.get_legend_handles_labels()
    if named:
        columns = min(len(named), LEGEND_COLUMNS)
        figure.legend(loc="outside lower center", ncols=columns, fontsize="small", frameon=False)
    return figure
