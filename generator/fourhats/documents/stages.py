"""The engagement in stages, with an exit after the first: read from the estimate's own draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fourhats.estimate.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from fourhats.estimate.catalogue import Package
    from fourhats.estimate.result import Estimate

EXIT, TRIAL, LED = "review", "trial", "steering"
"""Kinds of packages: what the client decides by, what the last stage begins with, what goes on
all along."""
MOMENT = 1e-6


@dataclass(frozen=True)
class Stage:
    """What is commissioned together."""

    packages: Sequence[Package]
    days: dict[int, float]
    """P50 and P80 of the days of work, to a tenth: what is written is what is reckoned with."""
    end: dict[int, date]
    """P50 and P80 of the day on which all of it is done."""


@dataclass(frozen=True)
class Span:
    """When one package is worked on."""

    package: Package
    begins: date
    ends: date
    """P80."""


def days(estimate: Estimate, percentile: int) -> float:
    """Give the days of the whole, to a tenth."""
    return round(estimate.effort[percentile], 1)


def cost(days_of_work: float, estimate: Estimate) -> float | None:
    """Give what days cost; None without a day rate."""
    rate = estimate.terms.day_rate
    return None if rate is None else days_of_work * rate


def stages(estimate: Estimate) -> list[Stage]:
    """Give the three stages, without those in which nothing is done.

    First what the review of the first findings waits for, last the trial and what waits for it.
    """
    packages = estimate.plan.packages
    first = _with(packages, EXIT, {each.name: each.after for each in packages})
    follows = {
        each.name: [other.name for other in packages if each.name in other.after]
        for each in packages
    }
    last = _with(packages, TRIAL, follows) - first
    led = {each.name for each in packages if each.kind == LED} - first - last
    rest = {each.name for each in packages} - first - last - led
    return [_stage(estimate, names) for names in (first, rest, last) if names]


def led(estimate: Estimate) -> Stage | None:
    """Give what goes on all along, if anything does."""
    names = {each.name for each in estimate.plan.packages if each.kind == LED}
    return _stage(estimate, names) if names else None


def spans(estimate: Estimate) -> list[Span]:
    """Give when each package is worked on, in the order of their beginnings."""
    dates, draws = Calendar(estimate.terms), estimate.draws
    begins, ends = np.median(draws.start, axis=0), np.percentile(draws.finish, 80, axis=0)
    found = []
    for each, begin, end in zip(estimate.plan.packages, begins, ends, strict=True):
        if each.kind == LED:
            found.append((0.0, Span(each, dates.day(0), estimate.ends[80])))
            continue
        # It begins on the day after so many working days are over.
        found.append((float(begin), Span(each, dates.day(begin + MOMENT), dates.day(end))))
    return [span for _, span in sorted(found, key=lambda pair: pair[0])]


def _with(packages: Sequence[Package], kind: str, nexts: Mapping[str, Sequence[str]]) -> set[str]:
    """Give the packages of a kind, and all that can be reached from them."""
    found, left = set[str](), [each.name for each in packages if each.kind == kind]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += nexts[name]
    return found


def _stage(estimate: Estimate, names: set[str]) -> Stage:
    draws, dates = estimate.draws, Calendar(estimate.terms)
    chosen = np.array([each.name in names for each in estimate.plan.packages])
    effort, finish = draws.effort[:, chosen].sum(axis=1), draws.finish[:, chosen].max(axis=1)
    return Stage(
        [each for each in estimate.plan.packages if each.name in names],
        {p: round(float(np.percentile(effort, p)), 1) for p in (50, 80)},
        {p: dates.day(float(np.percentile(finish, p))) for p in (50, 80)},
    )
