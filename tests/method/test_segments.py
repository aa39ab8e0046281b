"""Groups that are no worse off are seldom said to be, in simulated worlds whose truth is known.

`METHOD_CASES` says in how many worlds; a sample of them is drawn in every run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from fourhats_runtime.lifecycle.segments import Judged, segments
from fourhats_runtime.model.parts import Part
from fourhats_runtime.tasks import rule_of
from scipy.stats import binom  # type: ignore[import-untyped]

from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from pathlib import Path

CASES = 10 * int(os.environ.get("METHOD_CASES", "24"))
SEED = int(os.environ.get("METHOD_SEED", "0"))
ROWS = 600
PROMISED = 0.05
"""At most: a group has a chance of 0.025 shared among all, in one direction."""


def test_equal_groups_are_seldom_said_to_be_worse_off(tmp_path: Path) -> None:
    project = sample_project(tmp_path / "project")
    rule = rule_of(project, project.contract, {})
    outputs = np.tile([0.6, 0.4], (ROWS, 1))
    said = 0
    for seed in range(SEED, SEED + CASES):
        random = np.random.default_rng(seed)
        regions = random.choice(["east", "north", "south", "west"], ROWS, p=[0.4, 0.3, 0.2, 0.1])
        contracts = random.choice(["monthly", "one year", "two years"], ROWS)
        rows = {"region": regions.tolist(), "contract": contracts.tolist()}
        acted, right = random.random(ROWS) < 0.4, random.random(ROWS) < 0.5
        earned = np.where(acted, np.where(right, 100.0, -20.0), 0.0)
        actual = right.astype(np.float64)
        judged = Judged(Part({}, actual, rows=rows), rule, outputs, earned, np.zeros(ROWS))
        said += any(segment["less"] is not None for segment in segments(judged, project))
    print(f"said of equal groups: {said} of {CASES} (seeds from {SEED} on)")
    assert said <= binom.ppf(0.9999, CASES, PROMISED)
