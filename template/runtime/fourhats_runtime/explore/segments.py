"""Segments: the groups of rows in which the outcome comes more or less often than elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import (
    FEWEST_ENTITIES,
    INTERVAL,
    TAIL,
    Groups,
    entities,
    half_width,
    limit,
)
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.explore.plots import intervals
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.explore.sample import Rows

MOST_SHOWN, MOST_COLUMNS, OF_EACH = 20, 60, 3


class Segment(NamedTuple):
    """Rows of one bin of one feature."""

    column: str
    bin: str
    rows: int
    level: float
    off: float
    """What the ends of the interval are away from it."""
    others: float
    """The level elsewhere."""


def differing(rows: Rows, order: list[str]) -> list[Segment]:
    """Find the segments that differ from all others beyond chance, what differs most first."""
    level, groups = rows.level, rows.known_groups
    looked_at = []
    for name in order[:MOST_COLUMNS]:
        codes = rows.codes[name].codes[rows.known]
        looked_at += [
            (name, label, chosen)
            for place, label in enumerate(rows.codes[name].labels)
            if _enough(chosen := codes == place, groups) and _enough(~chosen, groups)
        ]
    found = []
    for name, label, chosen in looked_at:
        here, there = level[chosen], level[~chosen]
        ours, theirs = (None if groups is None else groups[each] for each in (chosen, ~chosen))
        off = half_width(here, ours)
        errors = (off / limit(TAIL, ours), half_width(there, theirs) / limit(TAIL, theirs))
        # A rate of 0 in few rows has no spread of its own: it has at least that of all rows.
        least = float(level.std()) * (1 / len(here) + 1 / len(there)) ** 0.5 / 2
        error = max(float(np.hypot(*errors)), least)
        apart = abs(float(here.mean() - there.mean()))
        if apart > limit(TAIL / len(looked_at), ours, theirs) * error:
            means = float(here.mean()), off, float(there.mean())
            found.append(Segment(name, label, len(here), *means))
    return sorted(found, key=lambda each: -abs(each.level - each.others))


def section(rows: Rows, found: list[Segment]) -> Section:
    """Say where the outcome is otherwise."""
    title = "Where it is otherwise"
    measured = rows.measured if len(rows.actual) else "outcome"
    if not found:
        return Section(title, [f"In no group is the {measured} otherwise, beyond chance."])
    shown = _some_of_each(found)[:MOST_SHOWN]
    first = shown[0]
    words = [
        (
            f"Groups in which the {measured} is otherwise than in the rest, beyond chance: "
            f"{len(found)}; the most where {first.column} is {first.bin}: "
            f"{number(first.level, 3)} against {number(first.others, 3)} elsewhere."
        ),
        f"Each with the {INTERVAL}. A group that differs need not be the cause.",
    ]
    if len(found) > len(shown):
        words.append(
            f"Shown are the {len(shown)} that differ most, at most {OF_EACH} of each column."
        )
    cells = [
        [
            each.column,
            each.bin,
            f"{each.rows:,}",
            _with_ends(each),
            number(each.others, 3),
        ]
        for each in shown
    ]
    pictures = {}
    if len(shown) > 1:
        drawn = [
            (f"{each.column}: {each.bin}", each.level, each.level - each.off, each.level + each.off)
            for each in shown
        ]
        centre = float(rows.level.mean())
        pictures["Groups that differ"] = intervals(
            drawn, f"{measured} (grey: {INTERVAL}; line: all rows)", centre
        )
    return Section(
        title, words, Table(["Column", "Group", "Rows", measured, "Elsewhere"], cells), pictures
    )


def _some_of_each(found: list[Segment]) -> list[Segment]:
    """Give the first of each column."""
    seen = Counter[str]()
    shown = []
    for each in found:
        seen[each.column] += 1
        if seen[each.column] <= OF_EACH:
            shown.append(each)
    return shown


def _with_ends(each: Segment) -> str:
    low, high = (number(end, 3) for end in (each.level - each.off, each.level + each.off))
    return f"{number(each.level, 3)} ({low} to {high})"


def _enough(chosen: NDArray[np.bool_], groups: Groups | None) -> bool:
    there = int(chosen.sum())
    return entities(None if groups is None else groups[chosen], there) >= FEWEST_ENTITIES
