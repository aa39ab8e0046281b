"""The interval of what a month's decisions add holds the truth as often as it says.

In worlds whose truth is known: of some decisions the outcome has come, the others are estimated by
what such decisions added on the holdout.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import pytest
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.months import added, to_be_added
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CASES = int(os.environ.get("METHOD_CASES", "1000"))
SEED = int(os.environ.get("METHOD_SEED", "14"))
HOLDOUT = 1500
RIGHT, IN_VAIN, BREAK_EVEN = 100.0, -20.0, 1 / 6
STAKE = RIGHT
LEAST = 0.93
"""Of 1,000 intervals, chance leaves so many where 95 % hold."""


class World(NamedTuple):
    """How likely cases are to call for action (a beta distribution), and what no model does."""

    likely: tuple[float, float]
    everybody: bool

    def draw(self, random: np.random.Generator, rows: int) -> Decisions:
        """Draw decisions, and what came."""
        chance = random.beta(*self.likely, rows)
        right = random.random(rows) < chance
        acting = np.where(right, RIGHT, IN_VAIN)
        earned = np.where(chance >= BREAK_EVEN, acting, 0.0)
        more = earned - (acting if self.everybody else 0.0)
        at = np.full(rows, "2026-01-01", dtype="datetime64[us]")
        version = np.full(rows, "v1", dtype=object)
        return Decisions(at, version, chance, earned, right - chance, more, np.arange(rows))


WORLDS = {
    "many are acted on": World((2.0, 3.0), everybody=True),
    "few are acted on": World((1.0, 9.0), everybody=False),
    "rare cases": World((0.3, 9.0), everybody=False),
}


@pytest.mark.parametrize("known", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", WORLDS)
def test_the_interval_holds_what_such_decisions_add(name: str, known: float) -> None:
    world, rows = WORLDS[name], 400
    true = float(world.draw(np.random.default_rng(SEED), 2_000_000).added.mean())
    held, totals = 0, []
    for case in range(CASES):
        random = np.random.default_rng([SEED, case])
        month, holdout = world.draw(random, rows), world.draw(random, HOLDOUT)
        come = np.arange(rows) < known * rows
        found = added(month.where(come), STAKE) + to_be_added(holdout, month.where(~come))
        held += found.low <= rows * true <= found.high
        totals.append(found.total)
    error = np.std(totals) / CASES**0.5
    print(
        f"{name}, {known:.0%} known: {held} of {CASES} intervals hold {rows * true:+,.0f} EUR, "
        f"{np.mean(totals):+,.0f} on average (METHOD_SEED={SEED})"
    )
    assert held >= LEAST * CASES
    assert np.mean(totals) == pytest.approx(rows * true, abs=4 * error)
