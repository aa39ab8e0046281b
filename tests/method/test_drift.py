"""What has moved is found within one window; chance moves a column no more often than promised.

`METHOD_CASES` says how many windows are drawn of each world that stays as it was (`make nightly`:
thousands), `METHOD_SEED` by which seed. Both are printed with the rates.
"""

from __future__ import annotations

import math
import os
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.lifecycle.distribution import baseline
from fourhats_runtime.monitor.drift import shifts

from tests.method.worlds import (
    NEW_CODES,
    above,
    constant,
    count,
    flag,
    million,
    mixed,
    normal,
    skewed,
    texts,
    unequal_texts,
    whole,
)

if TYPE_CHECKING:
    from tests.method.worlds import Draw

CASES = int(os.environ.get("METHOD_CASES", "500"))
SEED = int(os.environ.get("METHOD_SEED", "11"))
WARN_AT, PROMISED = 0.2, 0.001
"""As config/monitoring.toml has them."""
TRAINING, WINDOW, COLUMNS = 2000, 500, 20
SURE = 1e-5
"""How often a test may fail though the promise is kept."""

ZERO, GAP, A, B = constant(0.0), constant(math.nan), texts(1), texts(2)

STEADY: dict[str, Draw] = {
    "normal": normal,
    "skewed, with gaps": mixed(0.03, GAP, skewed),
    "whole numbers": whole(18, 90),
    "few whole numbers": whole(0, 25),
    "counts": count(5),
    "rare counts": count(0.05),
    "zero-inflated": mixed(0.92, ZERO, skewed),
    "rare flag": flag(0.02),
    "very rare flag": flag(0.002),
    "3 levels": mixed(0.7, A, texts(3)),
    "30 levels": texts(30),
    "30 unequal levels": unequal_texts(30),
    "3,000 levels": texts(3000),
    "3,000 unequal levels": unequal_texts(3000),
}

MOVED: dict[str, tuple[Draw, Draw]] = {
    "flag, 5 % to 95 %": (flag(0.05), flag(0.95)),
    "flag, 2 % to 18 %": (flag(0.02), flag(0.18)),
    "flag, 3 % to 22 %": (flag(0.03), flag(0.22)),
    "flag, 5 % to 25 %": (flag(0.05), flag(0.25)),
    "flag, never to 10 %": (ZERO, flag(0.1)),
    "92 % zeros to none": (mixed(0.92, ZERO, skewed), skewed),
    "92 % zeros to 70 %": (mixed(0.92, ZERO, skewed), mixed(0.7, ZERO, skewed)),
    "counts, 0.05 to 5": (count(0.05), count(5)),
    "constant to normal": (ZERO, lambda random, rows: random.normal(5, 1, rows)),
    "top 8 % times a million": (skewed, above(0.08, million, skewed)),
    "top 8 % times a million, normal": (normal, above(0.08, million, normal)),
    "top 8 % times a million, of zeros": (
        mixed(0.92, ZERO, skewed),
        mixed(0.92, ZERO, lambda random, rows: million(skewed(random, rows))),
    ),
    "bottom 8 % below all before": (
        lambda random, rows: -skewed(random, rows),
        lambda random, rows: -above(0.08, million, skewed)(random, rows),
    ),
    "a default fills 12 %": (normal, mixed(0.12, constant(0.5), normal)),
    "gaps, none to 10 %": (normal, mixed(0.1, GAP, normal)),
    "a new level of 3": (texts(3), mixed(0.1, constant("new"), texts(3))),
    "a new level of 30": (texts(30), mixed(0.1, constant("new"), texts(30))),
    "a new level of 3,000": (texts(3000), mixed(0.1, constant("new"), texts(3000))),
    "one of 3,000 levels fills half": (texts(3000), mixed(0.5, A, texts(3000))),
    "all of 3,000 levels are new": (texts(3000), texts(3000, NEW_CODES)),
    "30 levels turned round": (unequal_texts(30), unequal_texts(30, turned=True)),
}


@pytest.mark.parametrize("world", MOVED)
def test_what_has_moved_is_found_within_one_window_of_500_rows(world: str) -> None:
    before, after = MOVED[world]
    random, windows = randomness(world), max(100, CASES // 10)
    found = sum(
        shifts(
            {"a": after(random, WINDOW)},
            baseline({"a": before(random, TRAINING)}),
            warn_at=WARN_AT,
            false_alarms=PROMISED / COLUMNS,
        )["a"].moved
        for _ in range(windows)
    )
    print(f"METHOD_SEED={SEED}: {world}: found in {found} of {windows} windows")
    assert found >= 0.98 * windows


@pytest.mark.parametrize(("training", "window"), [(2000, 100), (2000, 500), (200, 1000)])
@pytest.mark.parametrize("world", STEADY)
def test_chance_moves_a_column_no_more_often_than_promised(
    world: str, training: int, window: int
) -> None:
    random = randomness(f"{world} {training} {window}")
    draw = STEADY[world]
    alarms = 0
    for _ in range(CASES):
        known = baseline({"a": draw(random, training)})
        # By chance alone: what is worth no word would hide what chance does.
        found = shifts({"a": draw(random, window)}, known, warn_at=0.0, false_alarms=PROMISED)
        alarms += found["a"].moved
    print(
        f"METHOD_SEED={SEED}: {world}, {training} and {window} rows: "
        f"{alarms} alarms of {CASES} ({alarms / CASES:.3%})"
    )
    assert alarms <= most_by_chance(CASES, PROMISED)


def test_a_run_alerts_no_more_often_than_promised_whatever_its_columns() -> None:
    random, promised, runs = randomness("run"), 0.01, max(300, CASES // 5)
    alarms = 0
    for _ in range(runs):
        known = baseline({name: draw(random, TRAINING) for name, draw in STEADY.items()})
        columns = {name: draw(random, WINDOW) for name, draw in STEADY.items()}
        found = shifts(columns, known, warn_at=0.0, false_alarms=promised)
        alarms += any(shift.moved for shift in found.values())
    print(f"METHOD_SEED={SEED}: {alarms} of {runs} runs alert ({alarms / runs:.2%})")
    assert alarms <= most_by_chance(runs, promised)


def randomness(world: str) -> np.random.Generator:
    """Give each world numbers of its own, so that it can be run alone."""
    return np.random.default_rng([SEED, zlib.crc32(world.encode())])


def most_by_chance(cases: int, rate: float) -> int:
    """Give the number of events that are passed with the probability `SURE` (Poisson)."""
    expected, below, events = cases * rate, 0.0, -1
    while 1 - below > SURE:
        events += 1
        below += math.exp(events * math.log(expected) - expected - math.lgamma(events + 1))
    return events
