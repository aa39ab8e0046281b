"""What a number is expected to earn is what it does, in worlds whose errors are known.

The larger the number, the further off a model may be: by how much, the world knows.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import pytest
from fourhats_runtime.business import NumberValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.tasks.regression.rule import Rule
from numpy.typing import NDArray

from tests.runtime.sample_project import payoff

Floats = NDArray[np.float64]

CASES = max(20, int(os.environ.get("METHOD_CASES", "1000")) // 20)
SEED = int(os.environ.get("METHOD_SEED", "14"))
CASES_OF_A_WORLD = 2000
DRAWS = 200
CONTRACT = Contract(
    columns=(
        Column(name="x", source="x", type="number"),
        Column(name="y", source="y", type="number", role="target"),
    )
)
VALUE = NumberValue(currency="EUR", monthly_volume=10, right=10, wrong=-10, tolerance=20)
PAYOFF = payoff("regression")


class World(NamedTuple):
    """Predictions, and how far off they are: on average, and by chance (a standard deviation)."""

    outputs: Floats
    bias: float
    spread: Floats

    def came(self, random: np.random.Generator) -> Floats:
        """Draw what comes."""
        off: Floats = self.bias + random.normal(size=len(self.outputs)) * self.spread
        return self.outputs + off

    def true(self, value: NumberValue, random: np.random.Generator) -> Floats:
        """Give what planning with each number is truly worth, shape (rows,)."""
        earned = [PAYOFF(np.abs(self.came(random) - self.outputs), value) for _ in range(DRAWS)]
        mean: Floats = np.mean(earned, axis=0)
        return mean


def world(random: np.random.Generator, rows: int, growth: float) -> World:
    """Draw a world in which the error grows with the number by so much."""
    outputs = random.gamma(4, 10, rows)
    return World(outputs, 1.0, 2.0 + growth * outputs)


def missed(rows: int, growth: float, value: NumberValue = VALUE) -> tuple[Floats, Floats, Floats]:
    """Learn from so many rows; gives how far what is expected is off.

    On average in each third of the cases, shape (worlds, 3); by case; and by case, were one
    constant expected of all.
    """
    thirds, by_case, by_constant = [], [], []
    for case in range(CASES):
        random = np.random.default_rng([SEED, case])
        learnt = world(random, rows, growth)
        came = learnt.came(random)
        made = Rule.fit(learnt.outputs, came, CONTRACT, VALUE, PAYOFF)
        rule = Rule(CONTRACT, value, PAYOFF, **made.kept)
        judged = world(random, CASES_OF_A_WORLD, growth)
        true = judged.true(value, random)
        off = rule.expected(judged.outputs) - true
        order = np.argsort(judged.outputs)
        thirds.append([part.mean() for part in np.array_split(off[order], 3)])
        by_case.append(np.abs(off).mean())
        by_constant.append(np.abs(rule.realised(learnt.outputs, came).mean() - true).mean())
    print(
        f"{rows} rows, growth {growth}: off by {np.mean(by_case):.2f} a case, a constant by "
        f"{np.mean(by_constant):.2f} EUR (METHOD_SEED={SEED})"
    )
    return np.array(thirds), np.array(by_case), np.array(by_constant)


@pytest.mark.parametrize("right", [10.0, 40.0])
def test_small_and_large_numbers_are_expected_to_earn_what_they_do(right: float) -> None:
    value = VALUE.model_copy(update={"right": right})
    thirds, by_case, by_constant = missed(1000, 0.3, value)
    error = thirds.std(axis=0, ddof=1) / CASES**0.5
    assert (np.abs(thirds.mean(axis=0)) < 3 * error + 0.03 * right).all()
    assert by_case.mean() < by_constant.mean() / 2


def test_where_all_numbers_are_as_good_as_each_other_bins_invent_little() -> None:
    _, by_case, by_constant = missed(1000, 0.0)
    assert by_case.mean() < by_constant.mean() + 0.5


def test_few_rows_are_one_bin_and_right_on_average() -> None:
    thirds, by_case, by_constant = missed(150, 0.3)
    assert by_case.mean() == pytest.approx(by_constant.mean(), rel=0.01)
    whole = thirds.mean(axis=1)
    assert abs(whole.mean()) < 3 * whole.std(ddof=1) / CASES**0.5
