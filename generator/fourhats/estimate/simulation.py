"""Draws of an engagement: how many days each package takes, and when it ends.

Days and waits are PERT-distributed: Beta with the mean (a + 4m + b) / 6 (Malcolm, Roseboom, Clark
and Fazar, Operations Research 7, 1959). A risk that comes true multiplies all that it affects by
one drawn factor: what goes wrong together is late together, which adding up packages on their own
would hide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats.estimate.catalogue import Package, Risk, Three

Floats = NDArray[np.float64]
DRAWS = 10_000
WORKING_DAYS = 5
"""A week's, of who works full-time."""


@dataclass(frozen=True)
class Draws:
    """What was drawn. A row is a draw, a column a package, in the order of the packages."""

    effort: Floats
    """Days of work, shape (draws, packages)."""
    start: Floats
    """Working days from the beginning of the engagement, shape (draws, packages)."""
    finish: Floats
    """The same, of the end."""
    happened: dict[str, NDArray[np.bool_]]
    """Of each risk, shape (draws,)."""

    @property
    def total(self) -> Floats:
        """Days of work together, shape (draws,)."""
        return np.asarray(self.effort.sum(axis=1))

    @property
    def end(self) -> Floats:
        """Working days until all is done, shape (draws,)."""
        return np.asarray(self.finish.max(axis=1))


@dataclass(frozen=True)
class Plan:
    """What is to be done, what may happen, and who works on it."""

    packages: Sequence[Package]
    risks: Mapping[str, Risk]
    people: int = 1
    days_a_week: float = WORKING_DAYS
    factors: Mapping[str, float] = field(default_factory=dict)
    """What the days of a kind of package are multiplied by: one's own experience."""


def simulate(plan: Plan, seed: int, draws: int = DRAWS) -> Draws:
    """Draw the engagement; the same seed gives the same draws."""
    random = np.random.default_rng(seed)
    effort = _columns(random, [each.days for each in plan.packages], draws)
    waits = _columns(random, [each.waits for each in plan.packages], draws)
    effort *= np.array([plan.factors.get(each.kind, 1.0) for each in plan.packages])
    happened = {}
    for name, risk in plan.risks.items():
        comes = random.random(draws) < risk.likelihood
        slower, later = pert(random, risk.days, draws), pert(random, risk.waits, draws)
        hit = np.array([each.kind in risk.affects for each in plan.packages])
        happened[name] = comes
        effort[:, hit] *= np.where(comes, slower, 1.0)[:, None]
        waits[:, hit] *= np.where(comes, later, 1.0)[:, None]
    start, finish = _schedule(plan, effort, waits)
    return Draws(effort, start, finish, happened)


def pert(random: np.random.Generator, three: Three, draws: int) -> Floats:
    """Draw from a PERT distribution; where least and most are one, that is all there is."""
    least, likely, most = three
    if least == most:
        return np.full(draws, float(least))
    width = most - least
    shapes = 1 + 4 * (likely - least) / width, 1 + 4 * (most - likely) / width
    return np.asarray(least + width * random.beta(*shapes, draws))


def mean(three: Three) -> float:
    """Give the mean of a PERT distribution."""
    least, likely, most = three
    return (least + 4 * likely + most) / 6


def _columns(random: np.random.Generator, threes: Sequence[Three], draws: int) -> Floats:
    return np.column_stack([pert(random, three, draws) for three in threes])


def _schedule(plan: Plan, effort: Floats, waits: Floats) -> tuple[Floats, Floats]:
    """Give each package, in order, to whoever is free first; gives starts and ends.

    The client is asked for what a package needs once those before it are done; while that is
    awaited, other packages go on: of what could begin, the one that can begin first does.
    """
    draws = len(effort)
    place = {each.name: number for number, each in enumerate(plan.packages)}
    lasts = effort * WORKING_DAYS / plan.days_a_week
    start, finish = np.zeros_like(effort), np.zeros_like(effort)
    done = np.zeros(effort.shape, dtype=bool)
    free = np.zeros((draws, plan.people))
    rows = np.arange(draws)
    for _ in plan.packages:
        ready = np.full(effort.shape, np.inf)
        for number, each in enumerate(plan.packages):
            before = [place[name] for name in each.after]
            possible = ~done[:, number] & done[:, before].all(axis=1)
            earliest = finish[:, before].max(axis=1, initial=0.0) + waits[:, number]
            ready[possible, number] = earliest[possible]
        who = free.argmin(axis=1)
        begins = np.maximum(ready, free[rows, who][:, None])
        chosen = begins.argmin(axis=1)  # of several that could, the first of the catalogue
        start[rows, chosen] = begins[rows, chosen]
        finish[rows, chosen] = start[rows, chosen] + lasts[rows, chosen]
        free[rows, who] = finish[rows, chosen]
        done[rows, chosen] = True
    return start, finish
