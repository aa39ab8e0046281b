"""Where the client's rule of today is as good as can be, no model is promoted; a better one is.

Counted in worlds whose truth is known: each case has two signs of the truth, of which rules and
models look at one or at both.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.lifecycle.promote import Verdict, promote
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.today import NAME, Today

from tests.method.models import BOTH, EVEN, ONE, cases, holdout_of, project_of, registered

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

CASES = int(os.environ.get("METHOD_CASES", "1000")) // 10
SEED = int(os.environ.get("METHOD_SEED", "14"))
MOST_ERRORS, MOST_WITHOUT = 0.05, 0.9
ROWS = 3000
LOGIT = float(np.log(EVEN / (1 - EVEN)))
OF_ONE, OF_THE_OTHER = f"first >= {LOGIT}", f"second >= {LOGIT}"
"""What a model decides that looks at one sign."""
GAIN = re.compile(r"adds (\S+) EUR \(95 % interval: (\S+) to (\S+)\) a month to .*, to (.+), on")


def best_possible() -> str:
    """Give the rule that no model beats: act from that sum of both signs on at which it pays."""
    signs, came = cases(np.random.default_rng(SEED), 500_000)
    total = np.add(signs["first"], signs["second"])
    order = np.argsort(total)
    worth = np.where(np.array(came)[order] == "yes", 100.0, -20.0)
    # The acted on are those above: the cut with the greatest sum of what they earn.
    return f"first + second >= {total[order][np.argmax(worth[::-1].cumsum()[::-1])]}"


@pytest.fixture
def made(tmp_path: Path) -> Project:
    """Give a project of models made by hand."""
    return project_of(tmp_path / "project")


def verdicts(
    project: Project, monkeypatch: pytest.MonkeyPatch, weights: tuple[float, float], sql: str
) -> list[Verdict]:
    """Ask so many times whether a first model decides from now on, where this is today's rule."""
    monkeypatch.setenv("BUSINESS__TODAY", sql)
    ruled, registry = project.at(project.folder), Registry(project.artifacts / "registry")
    version = registered(ruled, weights, number=1)
    evaluation = registry.noted(version, "evaluation") or {}
    today = {"sql": sql, "silent": 0, "rows": ROWS} if sql else None
    registry.note(version, "evaluation", evaluation | {"today": today})
    found = []
    for case in range(CASES):
        (registry.root / "champion").unlink(missing_ok=True)
        registry.point("challenger", version)
        holdout = holdout_of(np.random.default_rng([SEED, case]), ROWS)
        found.append(promote(holdout, ruled.contract, ruled))
    promoted = sum(verdict.promoted for verdict in found)
    print(f"{weights} against {sql!r}: {promoted} of {CASES} promoted (METHOD_SEED={SEED})")
    return found


def chance(share: float) -> float:
    """Give what a share is off by at most, counted in so few cases."""
    return float(2 * (share * (1 - share) / CASES) ** 0.5)


@pytest.mark.parametrize(
    ("weights", "sql"), [(ONE, OF_THE_OTHER), (BOTH, best_possible)], ids=["as good", "best"]
)
def test_of_models_that_are_no_better_than_todays_rule_one_in_twenty_is_promoted(
    made: Project, monkeypatch: pytest.MonkeyPatch, weights: tuple[float, float], sql: str
) -> None:
    found = verdicts(made, monkeypatch, weights, sql if isinstance(sql, str) else sql())
    assert sum(verdict.promoted for verdict in found) / CASES <= MOST_ERRORS + chance(MOST_ERRORS)
    unruled = verdicts(made, monkeypatch, weights, "")
    assert sum(verdict.promoted for verdict in unruled) / CASES >= MOST_WITHOUT


def test_what_a_better_model_adds_is_what_it_adds_to_todays_rule(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = verdicts(made, monkeypatch, BOTH, OF_ONE)
    assert sum(verdict.promoted for verdict in found) / CASES >= 0.5
    gains = [GAIN.search(verdict.reason) for verdict in found]
    ends = np.array(
        [[float(each[n].replace(",", "")) for n in (1, 2, 3)] for each in gains if each]
    )
    assert len(ends) == CASES
    assert {each[4] for each in gains if each} == {NAME}
    true = 1000 * _true_gain(made)
    held = int(((ends[:, 1] <= true) & (true <= ends[:, 2])).sum())
    print(
        f"{held} of {CASES} intervals hold {true:+,.0f} EUR, {ends[:, 0].mean():+,.0f} on average"
    )
    assert held >= (0.95 - chance(0.05)) * CASES
    assert ends[:, 0].mean() == pytest.approx(true, abs=4 * ends[:, 0].std() / CASES**0.5)


def _true_gain(project: Project) -> float:
    """Give what the better model adds to the rule, in the currency a decision, in the long run."""
    registry = Registry(project.artifacts / "registry")
    model = Model.load(project, registry.require("challenger"))
    world = holdout_of(np.random.default_rng(SEED), 1_000_000)
    policy = Today(OF_ONE).on(world.rows, project.contract)
    earned = model.rule.realised(model.run(world.inputs), world.actual)
    return float((earned - model.rule.by_policy(policy, world.actual)).mean())
