"""Rows of one entity count once in all that is watched after a model decides.

In worlds whose truth is known, every entity (a customer, a machine) has eight rows, which are
alike: its features are its own, and mostly its outcome. Counted one by one, they would seem to be
eight times as many as they are. Each test also counts that, and sees that it breaks the promise.

`METHOD_CASES` says how many cases are drawn, `METHOD_SEED` by which seed; both are printed.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from fourhats_runtime.lifecycle.distribution import baseline
from fourhats_runtime.monitor import calibration, performance
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.drift import shifts
from fourhats_runtime.monitor.joint import tell_apart
from fourhats_runtime.monitor.months import added, to_be_added

from tests.method.test_drift import STEADY, most_by_chance
from tests.runtime.judged import judged
from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project
    from fourhats_runtime.chance import Floats, Groups
    from fourhats_runtime.model.features import Feed

    from tests.method.worlds import Draw

CASES = int(os.environ.get("METHOD_CASES", "120"))
SEED = int(os.environ.get("METHOD_SEED", "14"))
ROWS = 8
"""Of an entity."""
ALIKE = 0.8
"""So many of its rows share its outcome."""
HOLDOUT, MONTH = 400, 100
"""Entities."""
RIGHT, IN_VAIN = 100.0, -20.0
BREAK_EVEN = -IN_VAIN / (RIGHT - IN_VAIN)
LEAST = 0.93
PROMISED = 0.01
"""Instead of one alarm in a thousand runs, which takes thousands of runs to count."""
LOST = 0.6
"""Of the value that was promised, where an alarm is due."""


class World(NamedTuple):
    """How likely cases are to call for action (a beta distribution), and what no model does."""

    likely: tuple[float, float]
    everybody: bool

    def draw(self, random: np.random.Generator, entities: int, earning: float = 1.0) -> Decisions:
        """Draw decisions about entities, and what came; of what is earned, a share is."""
        entity = np.repeat(np.arange(entities), ROWS)
        chance = random.beta(*self.likely, entities)[entity]
        shared = random.random(len(entity)) < ALIKE
        place = np.where(shared, random.random(entities)[entity], random.random(len(entity)))
        right = place < chance
        acting = np.where(right, RIGHT, IN_VAIN)
        earned = earning * np.where(chance >= BREAK_EVEN, acting, 0.0)
        more = earned - (acting if self.everybody else 0.0)
        at = np.full(len(entity), "2026-01-01", dtype="datetime64[us]")
        version = np.full(len(entity), "v1", dtype=object)
        return Decisions(at, version, chance, earned, right - chance, more, entity)


WORLDS = {
    "many are acted on": World((2.0, 3.0), everybody=True),
    "few are acted on": World((1.0, 9.0), everybody=False),
}


def one_by_one(decisions: Decisions) -> Decisions:
    """Give them as if no two were of one entity."""
    return replace(decisions, entity=np.arange(len(decisions)))


def randomness(name: str, case: int) -> np.random.Generator:
    """Give each case of each world numbers of its own."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode()), case])


@pytest.mark.parametrize("known", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", WORLDS)
def test_the_months_interval_holds_what_such_decisions_add(name: str, known: float) -> None:
    world = WORLDS[name]
    true = ROWS * MONTH * float(world.draw(np.random.default_rng(SEED), 300_000).added.mean())
    held = naive = 0
    for case in range(CASES):
        random = randomness(name, case)
        month, holdout = world.draw(random, MONTH), world.draw(random, HOLDOUT)
        # Of half of an entity's rows the outcome has come, of the other half not yet.
        come = np.tile(np.arange(ROWS) < known * ROWS, MONTH)
        found = added(month.where(come), RIGHT) + to_be_added(holdout, month.where(~come))
        held += found.low <= true <= found.high
        month, holdout = one_by_one(month), one_by_one(holdout)
        found = added(month.where(come), RIGHT) + to_be_added(holdout, month.where(~come))
        naive += found.low <= true <= found.high
    print(
        f"{name}, {known:.0%} known: {held} of {CASES} intervals hold {true:+,.0f} EUR, "
        f"{naive} where rows are counted one by one (METHOD_SEED={SEED})"
    )
    assert held >= LEAST * CASES
    assert naive < 0.85 * CASES


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project that alarms whenever chance does not explain what is seen."""
    monkeypatch.setenv("STATISTICS__FALSE_ALARMS", str(PROMISED))
    monkeypatch.setenv("PERFORMANCE__MIN_VALUE_SHARE", "1.0")
    monkeypatch.setenv("PERFORMANCE__MAX_CALIBRATION_ERROR", "1e-9")
    return sample_project(tmp_path / "project")


def alarms(
    project: Project, monkeypatch: pytest.MonkeyPatch, holdout: Decisions, now: Decisions
) -> set[str]:
    """Judge decisions of the same entities as wait for their outcomes; gives what alarms."""
    found = judged(monkeypatch, project, holdout, now)
    assert "unknown" not in {finding.state for finding in found.values()}
    return {incident for incident, finding in found.items() if finding.state == "alert"}


QUESTIONS = (performance.VALUE, performance.ESTIMATED, calibration.INCIDENT)


@pytest.mark.parametrize("name", WORLDS)
def test_performance_alarms_by_chance_as_seldom_as_promised(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world = WORLDS[name]
    raised, naive = dict.fromkeys(QUESTIONS, 0), dict.fromkeys(QUESTIONS, 0)
    for case in range(CASES):
        random = randomness(name, case)
        holdout, now = world.draw(random, HOLDOUT), world.draw(random, MONTH)
        for incident in alarms(project, monkeypatch, holdout, now):
            raised[incident] += 1
        for incident in alarms(project, monkeypatch, one_by_one(holdout), one_by_one(now)):
            naive[incident] += 1
    print(f"{name}: {raised} of {CASES}, one by one {naive} (METHOD_SEED={SEED})")
    most = most_by_chance(CASES, PROMISED)
    assert all(number <= most for number in raised.values())
    assert all(number > most for number in naive.values())


def test_a_loss_is_noticed_though_rows_count_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, found, number = WORLDS["many are acted on"], 0, CASES // 4
    for case in range(number):
        random = randomness("lost", case)
        holdout, now = world.draw(random, HOLDOUT), world.draw(random, 2 * MONTH, 1 - LOST)
        found += performance.VALUE in alarms(project, monkeypatch, holdout, now)
    print(f"a loss of {LOST:.0%}: noticed in {found} of {number} (METHOD_SEED={SEED})")
    assert found >= 0.9 * number


def repeated(
    draw: Draw, random: np.random.Generator, entities: int, alike: float
) -> tuple[Floats, Groups]:
    """Draw a column of which an entity's rows have the same value, so many of them."""
    groups = np.repeat(np.arange(entities), ROWS)
    rows = len(groups)
    mine, own = draw(random, entities)[groups], draw(random, rows)
    return np.where(random.random(rows) < alike, mine, own), groups


@pytest.mark.parametrize("alike", [1.0, 0.5])
@pytest.mark.parametrize("world", STEADY)
def test_chance_moves_a_column_no_more_often_than_promised(world: str, alike: float) -> None:
    number, moved, naive = CASES // 4, 0, 0
    for case in range(number):
        random = randomness(f"{world} {alike}", case)
        before, whose = repeated(STEADY[world], random, 300, alike)
        now, groups = repeated(STEADY[world], random, 60, alike)
        moved += has_moved(before, now, whose, groups)
        naive += has_moved(before, now, None, None)
    print(
        f"{world}, {alike:.0%} alike: {moved} alarms of {number}, one by one {naive} "
        f"(METHOD_SEED={SEED})"
    )
    assert moved <= most_by_chance(number, PROMISED)


def has_moved(before: Floats, now: Floats, whose: Groups | None, groups: Groups | None) -> bool:
    known = baseline({"a": before}, whose)
    found = shifts({"a": now}, known, warn_at=0.0, false_alarms=PROMISED, groups=groups)
    return found["a"].moved


@pytest.mark.parametrize("world", ["normal", "30 levels", "3,000 levels"])
def test_a_column_that_has_moved_is_found_though_rows_count_once(world: str) -> None:
    found, number = 0, 20
    for case in range(number):
        random = randomness(f"moved {world}", case)
        before, whose = repeated(STEADY[world], random, 300, 1.0)
        now, groups = repeated(STEADY[world], random, 120, 1.0)
        now[groups < 60] = now[0]  # of half of the entities, it is one value alone
        found += has_moved(before, now, whose, groups)
    print(f"{world}, half is one value: found in {found} of {number} (METHOD_SEED={SEED})")
    assert found == number


def test_rows_are_told_apart_by_chance_as_seldom_as_promised() -> None:
    promised, number, told, naive = 0.05, max(10, min(CASES // 15, 200)), 0, 0
    for case in range(number):
        random = randomness("joint", case)
        before, whose = columns(random, 100)
        now, groups = columns(random, 60)
        for known in (True, False):
            found = tell_apart(
                before,
                now,
                groups=(whose, groups) if known else (None, None),
                false_alarms=promised,
                seed=case,
            )
            if known:
                told += found.auc >= found.by_chance
            else:
                naive += found.auc >= found.by_chance
    print(f"joint: {told} alarms of {number}, one by one {naive} (METHOD_SEED={SEED})")
    assert told <= most_by_chance(number, promised)
    assert naive > most_by_chance(number, promised)


def columns(random: np.random.Generator, entities: int) -> tuple[Feed, Groups]:
    """Draw three numbers of each entity, which are a little off in each of its rows."""
    groups = np.repeat(np.arange(entities), ROWS)
    drawn: Feed = {}
    for name in ("a", "b", "c"):
        mine = random.normal(size=entities)[groups] + random.normal(0, 0.02, len(groups))
        drawn[name] = mine.astype(np.float32).reshape(-1, 1)
    return drawn, groups
