"""What decisions are worth in each category of a few columns: who is worse off, in money."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import (
    FEWEST_ENTITIES,
    INTERVAL,
    TAIL,
    Floats,
    by_entity,
    student_limit,
)
from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.comparison import compare
from fourhats_runtime.lifecycle.registry import Card
from fourhats_runtime.limits import Report
from fourhats_runtime.model.parts import Part
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import Rule, weighed_figures
from fourhats_runtime.wording import number

MOST_COLUMNS, MOST_CATEGORIES = 3, 12
MISSING, OTHERS = "(missing)", "(all others)"

Chosen = NDArray[np.bool_]


class Segment(TypedDict):
    """The decisions about one category; amounts are in the currency a decision."""

    column: str
    category: str
    rows: int
    value: float
    low: float | None
    high: float | None
    """The ends of the interval; None where the rows are too few for one."""
    metric: str
    """The field's figure of the task, …"""
    figure: float | None
    """… and what it is here; None where it is undefined."""
    less: tuple[float, float, float] | None
    """What a decision earns less than one about the others, and the interval. None where it may be
    chance, which has as many tries as segments are looked at."""
    missed: float | None
    """What the best policy without a model earns more here; None where it may be chance."""


@dataclass(frozen=True)
class Judged:
    """The holdout, and what came of it; all arrays are by its rows."""

    part: Part
    rule: Rule
    outputs: Floats
    earned: Floats
    """By the model's decisions, …"""
    policy: Floats
    """… and by the best policy without a model."""


def segments(judged: Judged, project: Project) -> list[Segment]:
    """Look at the decisions about each category.

    Raises:
        ProjectError: the settings name a column that cannot be looked at.

    """
    groups = list(_groups(judged.part, columns(judged.rule.contract, project)))
    return [
        _segment(name, category, chosen, judged, TAIL / len(groups))
        for name, category, chosen in groups
    ]


def columns(contract: Contract, project: Project) -> Sequence[str]:
    """Give the columns that are looked at: those of the settings, else the first categories.

    Raises:
        ProjectError: a column of the settings has no categories.

    """
    settings = project.settings(Report)
    able = [column for column in contract.features if column.type in ("category", "boolean")]
    if settings.segments is None:
        few = (c.name for c in able if 0 < len(c.categories) <= MOST_CATEGORIES)
        return list(few)[:MOST_COLUMNS]
    names = [column.name for column in able]
    for name in settings.segments:
        if name not in names:
            raise ProjectError(
                f"report.segments names {name!r}, which is no feature of the type category or "
                f"boolean in config/contract.toml (there are: {', '.join(names) or 'none'})"
            )
    return settings.segments


def worse_off(evaluation: Card) -> list[str]:
    """Say who is worse off by an evaluation, in plain words."""
    said = []
    currency, a_month = evaluation["currency"], evaluation["monthly_volume"] / evaluation["rows"]
    for segment in evaluation.get("segments", ()):
        who = f"{segment['column']} = {segment['category']}"
        if segment["less"] is not None:
            less, low, high = segment["less"]
            said.append(
                f"{who}: a decision earns {number(less)} {currency} less than one about the others "
                f"({INTERVAL}: {number(low)} to {number(high)}), which is "
                f"{less * segment['rows'] * a_month:,.0f} {currency} a month"
            )
        if segment["missed"] is not None:
            said.append(
                f"{who}: without the model a decision would earn {number(segment['missed'])} "
                f"{currency} more here, by the best policy for all"
            )
    return said


def _groups(part: Part, names: Sequence[str]) -> Iterator[tuple[str, str, Chosen]]:
    """Give column, category and rows of each segment, in the order of the alphabet."""
    for name in (name for name in names if name in part.rows):
        texts = np.array([_text(value) for value in part.rows[name]], dtype=object)
        categories, counts = np.unique(texts, return_counts=True)
        if len(categories) > MOST_CATEGORIES:
            rare = categories[np.argsort(-counts, kind="stable")[MOST_CATEGORIES - 1 :]]
            texts[np.isin(texts, rare)] = OTHERS
            categories = np.unique(texts)
        if len(categories) == 1:
            continue
        for category in categories:
            yield name, str(category), np.asarray(texts == category)


def _text(value: object) -> str:
    if value is None:
        return MISSING
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _segment(name: str, category: str, chosen: Chosen, judged: Judged, chance: float) -> Segment:
    """Look at one; `chance` is that of taking it for worse off where it is not."""
    groups, earned = judged.part.groups, judged.earned
    of_mine, of_others = (None if groups is None else groups[rows] for rows in (chosen, ~chosen))
    mine, others = by_entity(earned[chosen], of_mine), by_entity(earned[~chosen], of_others)
    weights = np.asarray(chosen, dtype=np.float64)
    figures = weighed_figures(judged.outputs, judged.part.actual, judged.rule)(weights)
    metric, figure = next(iter(figures.items()))
    found = Segment(
        column=name,
        category=category,
        rows=int(chosen.sum()),
        value=float(mine.mean()),
        low=None,
        high=None,
        metric=metric,
        figure=figure if np.isfinite(figure) else None,
        less=None,
        missed=None,
    )
    fewer = min(len(mine), len(others))
    if fewer < FEWEST_ENTITIES:
        return found
    off = student_limit(len(mine) - 1, TAIL) * _error(mine)
    found["low"], found["high"] = found["value"] - off, found["value"] + off
    apart = float(others.mean()) - found["value"]
    # The degrees of freedom are the smaller side's: the interval is never too narrow.
    error = float(np.hypot(_error(mine), _error(others)))
    if apart > student_limit(fewer - 1, chance) * error:
        off = student_limit(fewer - 1, TAIL) * error
        found["less"] = (apart, apart - off, apart + off)
    without = compare(
        judged.policy[chosen],
        earned[chosen],
        stake=judged.rule.stake,
        error_rate=chance,
        groups=of_mine,
    )
    if without.is_better:
        found["missed"] = without.gain
    return found


def _error(draws: Floats) -> float:
    return float(draws.std(ddof=1) / np.sqrt(len(draws)))
