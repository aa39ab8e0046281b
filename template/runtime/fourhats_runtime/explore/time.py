"""What time does: rows and levels by period, what moved, and whether it comes back each year.

A series of periods may stay, step, or go one way. A step or a way is named where its t exceeds what
chance gives, with as many tries as there are series and places of a step; neighbouring periods that
are alike count for less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.feature_selection import f_classif

from fourhats_runtime.chance import INTERVAL, TAIL, Floats, normal_limit, student_limit
from fourhats_runtime.data.sql import quote
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.explore.plots import over_time
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.explore.sample import Rows

FEWEST_PERIODS, MOST_PERIODS = 12, 60
MARGIN = 3
"""Periods on either side of a step, at least."""
UNITS = {"day": 1, "week": 7, "month": 30.44, "quarter": 91.3, "year": 365.25}
A_YEAR, TWO_YEARS = 12, 24
FEWEST_WEEKS, WEEKDAYS = 8, 7
MOST_COLUMNS = 60


@dataclass(frozen=True)
class Periods:
    """All rows by period, in order."""

    unit: str
    labels: list[str]
    rows: Floats
    series: dict[str, tuple[Floats, Floats]]
    """By name: the rows that have a value, and their mean."""
    spread: Floats
    """The standard deviation of the outcome's level within each period."""


@dataclass(frozen=True)
class Moved:
    """A series that did not stay as it was."""

    name: str
    kind: str
    """A step, or a way."""
    period: str
    """Where it stepped; empty for a way."""
    before: float
    after: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        change = f"from {number(self.before, 3)} to {number(self.after, 3)}"
        if self.kind == "step":
            return f"{self.name}: steps {change} at {self.period}"
        return f"{self.name}: goes {change}, little by little"


def by_period(rows: Rows) -> Periods | None:
    """Count and average by period; None without a time, or where too few periods have passed."""
    order = rows.contract.time_order
    times = [column for column in rows.contract.used if column.role == "time" and column.is_time]
    if not order or not len(rows.actual):
        return None
    known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in order)
    if times:
        name = quote(times[0].name)
        span = f"date_diff('day', min({name})::TIMESTAMP, max({name})::TIMESTAMP)"
        (days,) = rows.table.aggregate(span).fetchall()[0]
        unit = _unit(float(days or 0))
        period = f"strftime(date_trunc('{unit}', {name}::TIMESTAMP), '%Y-%m-%d')"
    else:
        unit, period = "period", f"[{', '.join(f'{quote(name)}::DOUBLE' for name in order)}]"
    names = {
        rows.called(each.name): quote(each.name)
        for each in rows.contract.features
        if each.is_number
    }
    asked = {rows.measured: rows.level_in_sql}
    asked |= {
        name: f"CAST({sql} AS DOUBLE)"
        for name, sql in list(names.items())[:MOST_COLUMNS]
        if name not in asked
    }
    figures = ", ".join(f"count({sql}), avg({sql})" for sql in asked.values())
    spread = f"stddev_samp({rows.level_in_sql})"
    picked = f"{period} AS period, count(*), {spread}, {figures}"
    held = rows.table.filter(known).aggregate(picked, "period").order("period").fetchall()
    if not FEWEST_PERIODS <= len(held) <= 4 * MOST_PERIODS:
        return None
    labels, counts, spreads, *others = zip(*held, strict=True)
    series = {
        name: (_floats(others[2 * place]), _floats(others[2 * place + 1]))
        for place, name in enumerate(asked)
    }
    return Periods(
        unit, [_written(each) for each in labels], _floats(counts), series, _floats(spreads)
    )


def moved(periods: Periods) -> list[Moved]:
    """Find the series that stepped, or went one way, beyond chance."""
    # The first period and the last may be cut.
    whole = {"rows": (np.ones(len(periods.rows) - 2), periods.rows[1:-1])}
    judged = {**periods.series, **(whole if periods.unit != "period" else {})}
    found = []
    for name, (weights, means) in judged.items():
        labels = periods.labels[1:-1] if name == "rows" else periods.labels
        kept = (weights > 0) & np.isfinite(means)
        if kept.sum() < FEWEST_PERIODS or np.ptp(means[kept]) == 0:
            continue
        there = [label for label, keep in zip(labels, kept, strict=True) if keep]
        if change := _moved(name, there, weights[kept], means[kept], len(judged)):
            found.append(change)
    return found


def _moved(
    name: str, labels: list[str], weights: Floats, means: Floats, tries: int
) -> Moved | None:
    count = len(means)
    places = range(MARGIN, count - MARGIN + 1)
    steps = [
        _fitted((np.arange(count) >= place).astype(np.float64), weights, means) for place in places
    ]
    best = min(range(len(steps)), key=lambda at: steps[at][1])
    way = _fitted(np.arange(count) / (count - 1), weights, means)
    is_step = steps[best][1] <= way[1]
    fitted, _, t = steps[best] if is_step else way
    # As many tries as there are places, and the way.
    if t <= student_limit(count - 2, TAIL / tries / (len(steps) + 1)):
        return None
    kind, period = ("step", labels[places[best]]) if is_step else ("way", "")
    return Moved(name, kind, period, float(fitted[0]), float(fitted[-1]))


def _fitted(shape: Floats, weights: Floats, means: Floats) -> tuple[Floats, float, float]:
    """Fit a level and so much of a shape; gives the fit, its squared error, and the shape's t."""
    share = weights / weights.sum()
    off = shape - share @ shape
    centre = float(share @ means)
    slope = float(share @ (off * means)) / float(share @ off**2)
    fitted = centre + slope * off
    left = means - fitted
    error = float(share @ left**2)
    scaled = np.sqrt(share) * left
    alike = float(scaled[1:] @ scaled[:-1]) / max(float(scaled @ scaled), 1e-300)
    alike = min(0.9, max(0.0, alike))
    # Both sides of what weights give: periods may differ by more than by their rows.
    variance = float(share**2 @ (off**2 * left**2)) + float((share**2) @ off**2) * error
    variance = variance / 2 / float(share @ off**2) ** 2 * len(means) / (len(means) - 2)
    variance *= (1 + alike) / (1 - alike)
    return fitted, error, abs(slope) / max(variance**0.5, 1e-12)


def seasons(rows: Rows, periods: Periods) -> list[str]:
    """Say whether outcome or rows come back with the months, or with the days of the week."""
    said = []
    if periods.unit == "month" and len(periods.labels) >= TWO_YEARS:
        of_year = np.array([int(label[5:7]) for label in periods.labels])
        for name, values in (
            (rows.measured, periods.series[rows.measured][1]),
            ("rows", periods.rows),
        ):
            if words := _season(name, values, of_year, "month of the year"):
                said.append(words)
    times = [column for column in rows.contract.used if column.role == "time" and column.is_time]
    if times:
        day = f"CAST({quote(times[0].name)} AS DATE)"
        level = rows.level_in_sql
        held = (
            rows.table.filter(f"{quote(times[0].name)} IS NOT NULL")
            .aggregate(f"{day} AS d, isodow({day}) AS w, count(*) AS n, avg({level}) AS v", "d, w")
            .filter("v IS NOT NULL")
            .order("d")
            .fetchall()
        )
        if len({week for _, week, *_ in held}) == WEEKDAYS and len(held) >= WEEKDAYS * FEWEST_WEEKS:
            of_week = np.array([week for _, week, *_ in held])
            for name, place in ((rows.measured, 3), ("rows", 2)):
                values = _floats([row[place] for row in held])
                if words := _season(name, values, of_week, "day of the week (1: Monday)"):
                    said.append(words)
    return said


def _season(name: str, values: Floats, of: Any, what: str) -> str:  # noqa: ANN401
    kept = np.isfinite(values)
    values, of = values[kept], of[kept]
    if np.ptp(values) == 0 or np.bincount(of).max() < 2:  # noqa: PLR2004 (nothing comes back)
        return ""
    time = np.arange(len(values)) / len(values)
    left = values - np.polyval(np.polyfit(time, values, 1), time)
    _, chance = f_classif(left.reshape(-1, 1), of)
    if not chance[0] < 2 * TAIL / 4:
        return ""
    means = {place: float(values[of == place].mean()) for place in np.unique(of).tolist()}
    most, least = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return (
        f"{name} goes with the {what}: {number(means[least], 3)} in {least}, "
        f"{number(means[most], 3)} in {most}"
    )


def section(rows: Rows, periods: Periods | None) -> Section:
    """Say what time does."""
    title = "What time does"
    if not rows.contract.time_order:
        return Section(title, ["No column of the contract puts the rows in time."])
    if periods is None:
        few = f"Fewer than {FEWEST_PERIODS} days have passed, or no row has an outcome"
        return Section(title, [f"{few}: nothing is said of time."])
    changes = [str(each) for each in moved(periods)]
    returning = seasons(rows, periods)
    words = [
        *(changes or ["Nothing moved beyond chance, as far as these periods show."]),
        *(returning or ["Nothing is seen to come back with the season."]),
        "A step may be a change in the world, or in how the data is gathered: ask who knows it.",
    ]
    counts, means = periods.series[rows.measured]
    off = normal_limit(TAIL) * np.nan_to_num(periods.spread) / np.sqrt(np.maximum(counts, 1))
    kept = np.flatnonzero(counts > 0)
    cells = [
        [periods.labels[at], f"{periods.rows[at]:,.0f}", number(float(means[at]), 3)]
        for at in kept[-MOST_PERIODS:]
    ]
    pictures = {}
    if len(kept) > 1:
        pictures[f"{rows.measured}, by {periods.unit}"] = over_time(
            [periods.labels[at] for at in kept],
            means[kept].tolist(),
            off[kept].tolist(),
            rows.measured,
        )
        words.append(f"Bars in the picture: the {INTERVAL} of the rows of each {periods.unit}.")
    return Section(
        title, words, Table([periods.unit.capitalize(), "Rows", rows.measured], cells), pictures
    )


def _unit(days: float) -> str:
    """Give the largest unit of which enough have passed, of month and below; of decades, more."""
    if days / UNITS["quarter"] > MOST_PERIODS:
        return "year" if days / UNITS["year"] >= FEWEST_PERIODS else "quarter"
    if days / UNITS["month"] > MOST_PERIODS:
        return "quarter"
    return next((unit for unit in ("month", "week") if days / UNITS[unit] >= FEWEST_PERIODS), "day")


def _floats(values: Any) -> Floats:  # noqa: ANN401 (what SQL gives)
    return np.array([np.nan if each is None else each for each in values], dtype=np.float64)


def _written(period: object) -> str:
    if isinstance(period, list):
        return "-".join(number(float(part), 6).replace(",", "") for part in period)
    return str(period)
