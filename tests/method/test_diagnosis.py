"""What is said before anything is built: no signal is never "go", and little money never is.

In worlds whose truth is known. `METHOD_CASES` says in how many; a sample is drawn in every run.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats.diagnose.first_point import perfect, rule_of
from fourhats.diagnose.learnt import Cases
from fourhats.diagnose.money import EVERYBODY, NOBODY, Cost, Stakes
from fourhats.diagnose.result import of_others, of_two_classes
from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.contract import Column, Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fourhats.diagnose.verdict import Verdict
    from numpy.typing import NDArray

CASES = max(40, int(os.environ.get("METHOD_CASES", "40")) // 10)
SEED = int(os.environ.get("METHOD_SEED", "14"))
MOST_ERRORS, MOST_SEEN = 0.05, 0.8
ROWS, COLUMNS, OF_ONE = 600, 5, 8
CONTRACT = Contract(
    positive="yes",
    columns=(
        Column(name="y", source="y", type="category", role="target", categories=("no", "yes")),
        Column(name="x", source="x", type="number"),
    ),
)
COST = Cost({50: 33.0, 80: 40.0}, horizon=24, day_rate=900.0)
"""36,000 at the most: 1,500 a month."""
MUCH, LITTLE = 100_000, 10
"""Decisions a month: so many that the cost is nothing, so few that nothing pays it."""


def amounts(volume: int, right: float = 100.0, wrong: float = -20.0) -> ActionValue:
    return ActionValue(
        currency="EUR",
        monthly_volume=volume,
        act_right=right,
        act_wrong=wrong,
        missed=0.0,
        left_alone=0.0,
    )


def calls(
    random: np.random.Generator, share: float | NDArray[np.float64], rows: int = ROWS
) -> NDArray[np.float64]:
    """Draw which cases call for action: 1, and 0 for the others."""
    return np.asarray(random.random(rows) < share, dtype=np.float64)


def noise(random: np.random.Generator) -> Cases:
    """Columns that have nothing to do with what comes."""
    return Cases(random.normal(size=(ROWS, COLUMNS)), calls(random, 0.2))


def rare_noise(random: np.random.Generator) -> Cases:
    """The same, where acting is seldom called for."""
    return replace(noise(random), actual=calls(random, 0.15))


def repeated(random: np.random.Generator) -> Cases:
    """Rows of one entity are alike, in columns and outcome: to know one of them is to know all."""
    of = np.repeat(np.arange(ROWS // OF_ONE), OF_ONE)
    inputs = random.normal(size=(ROWS // OF_ONE, COLUMNS))[of]
    return Cases(inputs, calls(random, 0.2, ROWS // OF_ONE)[of], groups=of)


def seasons(random: np.random.Generator) -> Cases:
    """Each month has a share of its own, which no month before it tells."""
    month = np.sort(random.integers(0, 24, ROWS))
    shares = random.choice([0.02, 0.45], 24)
    inputs = np.column_stack([month, random.normal(size=(ROWS, COLUMNS))])
    return Cases(inputs, calls(random, shares[month]), rank=month / 24)


NO_SIGNAL = (noise, rare_noise, repeated, seasons)


def telling(random: np.random.Generator) -> Cases:
    """Two of the columns tell much of what comes."""
    inputs = random.normal(size=(ROWS, COLUMNS))
    logit = 3 * inputs[:, 0] + 2 * inputs[:, 1] - 2
    return Cases(inputs, calls(random, 1 / (1 + np.exp(-logit))))


def verdict(cases: Cases, volume: int, cost: Cost = COST) -> Verdict:
    rule = rule_of(CONTRACT, amounts(volume))
    return of_two_classes(cases, float(cases.actual.mean()), rule, cost).verdict


def counted(
    worlds: tuple[Callable[[np.random.Generator], Cases], ...], volume: int, cases: int
) -> Counter[str]:
    """Count what is recommended in so many worlds, of each kind as many."""
    found: Counter[str] = Counter()
    for case in range(cases):
        kind = worlds[case % len(worlds)]
        each = verdict(kind(np.random.default_rng([SEED, case])), volume)
        found[f"{each.answer} by {each.by}"] += 1
    print(f"{', '.join(kind.__name__ for kind in worlds)}: {dict(found)} (METHOD_SEED={SEED})")
    return found


def test_where_nothing_tells_what_comes_it_is_never_go() -> None:
    found = counted(NO_SIGNAL, MUCH, CASES)
    assert found["go by money"] <= MOST_ERRORS * CASES, found
    assert found["no go by signal"] >= MOST_SEEN * CASES, found


def test_a_strong_signal_with_little_money_is_no_go_by_money() -> None:
    cases = max(10, CASES // 8)
    assert counted((telling,), LITTLE, cases) == {"no go by money": cases}


def test_a_strong_signal_with_money_is_go() -> None:
    cases = max(10, CASES // 8)
    assert counted((telling,), MUCH, cases)["go by money"] >= (1 - MOST_ERRORS) * cases


def test_without_a_day_rate_a_strong_signal_is_a_first_stage_and_names_the_rate_it_bears() -> None:
    cases = telling(np.random.default_rng(SEED))
    said = verdict(cases, MUCH, replace(COST, day_rate=None))
    assert (said.answer, said.by) == ("first stage", "cost")
    assert "as long as a day of work costs less than" in said.reason


def test_too_few_cases_are_never_go() -> None:
    cases = telling(np.random.default_rng(SEED))
    few = np.zeros(ROWS, dtype=bool)
    few[np.flatnonzero(cases.actual)[:12]] = True
    few[np.flatnonzero(cases.actual == 0)[:400]] = True
    rule = rule_of(CONTRACT, amounts(MUCH))
    found = of_two_classes(cases.where(few), 0.03, rule, COST, "only 12 cases of yes")
    assert (found.verdict.answer, found.verdict.by) == ("first stage", "data")
    assert "only 12 cases of yes" in found.verdict.reason


def test_what_is_earned_is_what_the_closed_forms_say() -> None:
    limits = Stakes(amounts(1000), 0.25).limits
    assert limits.policies == {
        NOBODY: 0.0,
        EVERYBODY: pytest.approx(1000 * (0.25 * 100 - 0.75 * 20)),
    }
    assert limits.perfect == pytest.approx(1000 * 0.25 * 100)
    assert limits.headroom == pytest.approx(15_000)
    # Of the cases that call for it, 60 % are acted on, and 75 of 100 acted on call for it:
    # 150 rightly, 50 in vain.
    assert Stakes(amounts(1000), 0.25).worth(0.6, 0.75) == pytest.approx(150 * 100 - 50 * 20)


def test_without_a_cost_the_precision_needed_is_the_threshold() -> None:
    # Of 15 in 100 nobody is acted on: it pays from 20 / (100 + 20) on, however many are found.
    stakes = Stakes(amounts(1000), 0.15)
    assert stakes.limits.best == NOBODY
    for recall in (0.1, 0.5, 1.0):
        assert stakes.precision_needed(recall, 0.0) == pytest.approx(20 / 120)


def test_the_precision_needed_earns_just_what_is_needed() -> None:
    random, met = np.random.default_rng(SEED), 0
    for _ in range(200):
        value = ActionValue(
            currency="EUR",
            monthly_volume=int(random.integers(10, 10_000)),
            act_right=random.uniform(10, 200),
            act_wrong=-random.uniform(1, 100),
            missed=-random.uniform(0, 100),
            left_alone=random.uniform(0, 5),
        )
        stakes = Stakes(value, random.uniform(0.02, 0.6))
        recall, added = random.uniform(0.05, 1), random.uniform(0, 0.5) * stakes.limits.headroom
        precision = stakes.precision_needed(recall, added)
        needed = stakes.limits.policies[stakes.limits.best] + added
        if precision is None:  # then even without a single one in vain it is too little
            assert stakes.worth(recall, 1.0) < needed
        else:
            met += 1
            assert stakes.worth(recall, precision) == pytest.approx(needed)
    assert met >= 50


def test_a_cost_is_paid_back_by_what_is_needed_in_just_the_months() -> None:
    cost = replace(COST, running=100.0)
    assert cost.needed(80) == pytest.approx(40 * 900 / 24 + 100)
    assert cost.pays_back(80, cost.needed(80)) == pytest.approx(24)
    assert cost.pays_back(80, 100.0) is None
    assert replace(cost, day_rate=None).bearable_rate(cost.needed(80)) == pytest.approx(900)


CLASSES = Contract(
    columns=(
        Column(
            name="y", source="y", type="category", role="target", categories=("a", "b", "c", "d")
        ),
        Column(name="x", source="x", type="number"),
    ),
)
NUMBERS = Contract(
    columns=(
        Column(name="y", source="y", type="number", role="target"),
        Column(name="x", source="x", type="number"),
    ),
)
SHARES = (0.5, 0.3, 0.17, 0.03)


def number_worth(volume: int) -> NumberValue:
    return NumberValue(currency="EUR", monthly_volume=volume, right=50.0, wrong=-50.0, tolerance=2)


def pairs(volume: int) -> ActionValue:
    """To take b for a costs more than to take c for a."""
    return amounts(volume).model_copy(update={"payoff": {"b": {"a": -60.0}, "leave": {"d": -10.0}}})


def classes_of_noise(random: np.random.Generator) -> Cases:
    """Four classes, one of them rare, that no column tells apart."""
    return replace(noise(random), actual=random.choice(4, ROWS, p=SHARES).astype(np.float64))


def classes_of_one(random: np.random.Generator) -> Cases:
    """The same, with rows of one entity alike."""
    cases = repeated(random)
    of_entities = random.choice(4, ROWS // OF_ONE, p=SHARES).astype(np.float64)
    return replace(cases, actual=of_entities[cases.groups])


def told_classes(random: np.random.Generator) -> Cases:
    """Two columns tell the class."""
    cases = noise(random)
    score = 3 * cases.inputs[:, 0] + cases.inputs[:, 1] + 0.5 * random.normal(size=ROWS)
    return replace(cases, actual=np.digitize(score, [-1.5, 1.0, 5.5]).astype(np.float64))


def numbers_of_noise(random: np.random.Generator) -> Cases:
    """Numbers that no column tells."""
    return replace(noise(random), actual=random.normal(size=ROWS))


def tails_of_noise(random: np.random.Generator) -> Cases:
    """The same, a half of them 0 and a few very large."""
    drawn = np.maximum(0.0, np.exp(1.5 * random.normal(size=ROWS)) - 1)
    return replace(noise(random), actual=drawn)


def numbers_of_one(random: np.random.Generator) -> Cases:
    """Rows of one entity are alike, in columns and number."""
    cases = repeated(random)
    return replace(cases, actual=random.normal(size=ROWS // OF_ONE)[cases.groups])


def numbers_of_seasons(random: np.random.Generator) -> Cases:
    """Each month has a level of its own, which no month before it tells."""
    cases = seasons(random)
    assert cases.rank is not None
    month = np.round(24 * cases.rank).astype(np.int64)
    levels = random.normal(scale=2, size=24)
    return replace(cases, actual=levels[month] + random.normal(size=ROWS))


def told_numbers(random: np.random.Generator) -> Cases:
    """Two columns tell most of the number."""
    cases = noise(random)
    told = 3 * cases.inputs[:, 0] + 2 * cases.inputs[:, 1]
    return replace(cases, actual=told + 0.3 * random.normal(size=ROWS))


OTHERS = {
    "classes": (CLASSES, amounts, (classes_of_noise, classes_of_one), told_classes),
    "pairs": (CLASSES, pairs, (classes_of_noise,), told_classes),
    "numbers": (
        NUMBERS,
        number_worth,
        (numbers_of_noise, tails_of_noise, numbers_of_one, numbers_of_seasons),
        told_numbers,
    ),
}


def verdicts_of_others(
    task: str, kinds: Sequence[Callable[[np.random.Generator], Cases]], volume: int, cases: int
) -> Counter[str]:
    contract, worth, _, _ = OTHERS[task]
    rule, found = rule_of(contract, worth(volume)), Counter[str]()
    for case in range(cases):
        drawn = kinds[case % len(kinds)](np.random.default_rng([SEED, case]))
        said = of_others(drawn, rule, COST).verdict
        found[f"{said.answer} by {said.by}"] += 1
    print(f"{task}: {dict(found)} (METHOD_SEED={SEED})")
    return found


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_of_no_task_is_it_go_where_nothing_tells_what_comes(task: str) -> None:
    cases = CASES // 2
    found = verdicts_of_others(task, OTHERS[task][2], MUCH, cases)
    assert found["go by money"] <= MOST_ERRORS * cases, found
    assert found["no go by signal"] >= MOST_SEEN * cases, found


@pytest.mark.parametrize("task", OTHERS)
def test_of_no_task_is_a_strong_signal_with_little_money_more_than_no_go(task: str) -> None:
    cases = max(4, CASES // 10)
    assert verdicts_of_others(task, OTHERS[task][3:], LITTLE, cases) == {"no go by money": cases}


@pytest.mark.parametrize("task", OTHERS)
def test_of_each_task_a_strong_signal_with_money_is_go(task: str) -> None:
    cases = max(4, CASES // 10)
    found = verdicts_of_others(task, OTHERS[task][3:], MUCH, cases)
    assert found["go by money"] >= (1 - MOST_ERRORS) * cases


def test_limits_of_other_tasks_are_the_closed_forms() -> None:
    actual = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3], dtype=np.float64)
    cases = Cases(np.zeros((10, 1)), actual)
    found = of_others(cases, rule_of(CLASSES, amounts(1000)), COST).limits
    assert found.policies == {
        "leave every case to a person": 0.0,
        "act as if all were 'a'": pytest.approx(1000 * (0.3 * 100 - 0.7 * 20)),
    }
    assert found.perfect == pytest.approx(1000 * 100)
    by_pairs = of_others(cases, rule_of(CLASSES, pairs(1000)), COST).limits
    of_b = 1000 * (0.2 * 100 - 0.3 * 60 - 0.5 * 20)
    assert by_pairs.policies["act as if all were 'b'"] == pytest.approx(of_b)
    assert by_pairs.policies["leave every case to a person"] == pytest.approx(1000 * 0.3 * -10)
    assert by_pairs.perfect == pytest.approx(1000 * 100)
    rule = rule_of(NUMBERS, number_worth(1000))
    limits = of_others(Cases(np.zeros((10, 1)), actual), rule, COST).limits
    assert limits.perfect == pytest.approx(1000 * 50)
    assert limits.policies["plan with nothing"] == 0
    # The best single number is 2: (3 * 0 + 2 * 25 + 2 * 50 + 3 * 25) / 10.
    assert max(limits.policies.values()) == pytest.approx(1000 * 22.5)
    assert perfect(rule, actual) == 50
