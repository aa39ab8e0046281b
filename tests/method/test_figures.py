"""The intervals of the field's figures hold the truth as often as promised, in simulated worlds.

`METHOD_CASES` says in how many worlds; a sample of them is drawn in every run.
"""

from __future__ import annotations

import os
from statistics import NormalDist

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.tasks.classification.rule import Rule
from scipy.stats import binom  # type: ignore[import-untyped]

from tests.runtime.sample_project import payoff

CASES = 4 * int(os.environ.get("METHOD_CASES", "24"))
SEED = int(os.environ.get("METHOD_SEED", "0"))
ROWS = 300
NEARLY = 0.91
"""Promised is 0.95, for many rows: of 300 draws, or of 100, it may fall this short."""
TRUE_AUC = NormalDist().cdf(1 / 2**0.5)
"""Of scores that lie one standard deviation apart."""
VALUE = ActionValue(
    currency="EUR", monthly_volume=10, act_right=100, act_wrong=-25, missed=0, left_alone=0
)
CONTRACT = Contract(
    positive="yes",
    columns=(
        Column(name="a", source="a", type="number"),
        Column(name="b", source="b", type="category", role="target", categories=("no", "yes")),
    ),
)


@pytest.mark.parametrize("rows_each", [1, 3])
def test_the_interval_of_the_auc_holds_the_truth(rows_each: int) -> None:
    """Rows of one entity have one outcome, and nearly one score."""
    rule, held = Rule(CONTRACT, VALUE, payoff("classification")), 0
    for seed in range(SEED, SEED + CASES):
        random = np.random.default_rng(seed)
        entities = ROWS // rows_each
        actual = (random.random(entities) < 0.4).astype(np.float64)
        score = random.normal(actual, 1)
        chance = np.repeat(1 / (1 + np.exp(-score)), rows_each)
        outputs = np.column_stack([1 - chance, chance])
        names = np.repeat(np.arange(entities, dtype=np.uint64), rows_each)
        found = figures(outputs, np.repeat(actual, rows_each), rule, groups=names)["AUC"]
        assert found["low"] is not None
        assert found["high"] is not None
        held += found["low"] <= TRUE_AUC <= found["high"]
    print(f"AUC's interval holds the truth: {held} of {CASES} (seeds from {SEED} on)")
    assert binom.ppf(0.0001, CASES, NEARLY) <= held
