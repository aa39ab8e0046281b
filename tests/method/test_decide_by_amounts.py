"""Decisions by calibrated probabilities and the amounts of the moment, in worlds that know better.

A world knows the true probability of each case, and so what a decision on it is worth. The rule
that was there before, a threshold that earned the most on the validation rows, is kept here: what
takes its place may earn no less, beyond chance.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model.calibration import calibrate
from fourhats_runtime.tasks.classification.pairs import PairRule
from fourhats_runtime.tasks.classification.rule import Rule
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from tests.runtime.sample_project import payoff

Floats = NDArray[np.float64]

CASES = max(8, int(os.environ.get("METHOD_CASES", "1000")) // 100)
SEED = int(os.environ.get("METHOD_SEED", "14"))
MOST_LOST = 0.3
"""EUR a decision: about one in a hundred of what a decision earns in these worlds."""
TRAIN, VALIDATION, TEST = 900, 300, 10_000
PAYOFF = payoff("classification")
VALUE = ActionValue(
    currency="EUR", monthly_volume=1000, act_right=100, act_wrong=-20, missed=0, left_alone=0
)
DEAR = VALUE.model_copy(update={"act_wrong": -100.0})
PAIRS = VALUE.model_copy(
    update={"payoff": {"b": {"b": 300.0, "c": -100.0}, "leave": {"b": -200.0}}}
)
EARNS = np.array([[100, -20, -20], [-20, 300, -100], [-20, -20, 100], [0, -200, 0]])
"""By what is decided (as a, b or c, or left), and by what comes (a, b or c)."""
MODELS = {
    "linear": LogisticRegression(max_iter=500),
    "trees": HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0),
    "trees that are too sure": HistGradientBoostingClassifier(
        max_iter=150, min_samples_leaf=5, early_stopping=False, random_state=0
    ),
    "forest": RandomForestClassifier(60, min_samples_leaf=3, n_jobs=1, random_state=0),
}


class Sample(NamedTuple):
    """Cases, the true probability of each class, shape (rows, classes), and what came."""

    x: Floats
    true: Floats
    came: Floats


class World(NamedTuple):
    """What training is given, and many cases to judge by."""

    train: Sample
    validation: Sample
    test: Sample


def rule_of(classes: int, value: ActionValue = VALUE) -> Rule:
    """Give the rule on so many classes, the last of which is to be acted on where there are two."""
    names = tuple("abcdef"[:classes])
    target = Column(name="came", source="came", type="category", role="target", categories=names)
    feature = Column(name="x", source="x", type="number")
    positive = names[1] if classes == 2 else None
    return Rule(Contract(positive=positive, columns=(feature, target)), value, PAYOFF)


def world(seed: int, classes: int = 2) -> World:
    """Draw a world: six features, of which some act together, and one that none of them tells."""
    random = np.random.default_rng([SEED, seed])
    weights = random.normal(0, 0.8, (6, classes))
    crossed = random.normal(0, 0.8, classes)
    shift = np.append(1.3, np.zeros(classes - 1))

    def sample(rows: int) -> Sample:
        x = random.normal(size=(rows, 6))
        logits = x @ weights + np.outer(x[:, 0] * x[:, 1], crossed) + shift
        true = np.exp(logits - logits.max(axis=1, keepdims=True))
        true /= true.sum(axis=1, keepdims=True)
        came = (random.random((rows, 1)) > true.cumsum(axis=1)).sum(axis=1)
        return Sample(x, true, np.minimum(came, classes - 1).astype(np.float64))

    return World(sample(TRAIN), sample(VALIDATION), sample(TEST))


def said_by(model: BaseEstimator, found: World) -> tuple[Floats, Floats]:
    """Fit a model; gives what it says of the validation rows and of the cases to judge by."""
    with threadpool_limits(1):  # handing out so few rows takes longer than the work itself
        fitted = clone(model).fit(found.train.x, found.train.came)
        return fitted.predict_proba(found.validation.x), fitted.predict_proba(found.test.x)


def worth(rule: Rule, said: Floats, acts: NDArray[np.bool_], true: Floats) -> Floats:
    """Give what decisions are truly worth, shape (rows,): by the world's own probabilities."""
    place = np.full(len(said), 1) if rule.contract.positive else said.argmax(axis=1)
    right = true[np.arange(len(true)), place]
    value = rule.value
    acting = right * value.act_right + (1 - right) * value.act_wrong
    leaving = right * value.missed + (1 - right) * value.left_alone
    earned: Floats = np.where(acts, acting, leaving)
    return earned


def fitted_threshold(rule: Rule, said: Floats, came: Floats) -> float:
    """Give the threshold that earns the most on these rows, as it was fitted before."""
    certainty = rule.certainty(said)
    seen = np.unique(np.quantile(certainty, np.linspace(0, 1, 200)))
    chances = [seen[0] / 2, *((seen[1:] + seen[:-1]) / 2).tolist(), seen[-1] + 1]
    return float(max(chances, key=lambda each: rule.earned(certainty >= each, said, came).sum()))


def gains(name: str, classes: int, value: ActionValue, later: ActionValue) -> Floats:
    """Give, world by world, what the closed form is worth more, in the currency a decision.

    The threshold is fitted by `value`; both decisions earn by the amounts of `later`.
    """
    found = []
    for seed in range(CASES):
        drawn = world(seed, classes)
        known, said = said_by(MODELS[name], drawn)
        before, now = rule_of(classes, value), rule_of(classes, later)
        threshold = fitted_threshold(before, known, drawn.validation.came)
        fitted = worth(now, said, now.certainty(said) >= threshold, drawn.test.true)
        true = calibrate(known, drawn.validation.came)(said)
        closed = worth(now, true, now.decide(true), drawn.test.true)
        found.append(closed.mean() - fitted.mean())
    print(
        f"{name}, {classes} classes: {np.mean(found):+.3f} ± {_error(found):.3f} EUR a decision "
        f"in {CASES} worlds (METHOD_SEED={SEED})"
    )
    return np.array(found)


@pytest.mark.parametrize(("classes", "value"), [(2, VALUE), (3, DEAR)])
@pytest.mark.parametrize("name", MODELS)
def test_the_closed_form_earns_no_less_than_a_fitted_threshold(
    name: str, classes: int, value: ActionValue
) -> None:
    found = gains(name, classes, value, value)
    assert found.mean() >= -2 * _error(found)
    assert found.mean() >= -MOST_LOST


def test_where_amounts_have_changed_the_closed_form_earns_more() -> None:
    """Seen: 514 of 1,176 decisions to act were expected to lose money."""
    found = gains("trees", 2, VALUE, VALUE.model_copy(update={"act_wrong": -200.0}))
    assert found.mean() > 5
    assert (found > 0).all()


def test_what_is_expected_of_decisions_is_what_they_are_worth() -> None:
    """A model that is too sure expects too much; calibrated on rows of its own, it does not."""
    rule = rule_of(2)
    raw: list[float] = []
    calibrated: list[float] = []
    for seed in range(CASES):
        drawn = world(seed)
        known, said = said_by(MODELS["trees that are too sure"], drawn)
        true = calibrate(known, drawn.validation.came)(said)
        for outputs, off in ((said, raw), (true, calibrated)):
            earned = worth(rule, outputs, rule.decide(outputs), drawn.test.true)
            off.append(float(rule.expected(outputs).mean() - earned.mean()))
    print(f"expected too much: {np.mean(raw):+.2f}, calibrated: {np.mean(calibrated):+.2f} EUR")
    assert abs(np.mean(calibrated)) < 3 * _error(calibrated)
    assert abs(np.mean(calibrated)) < abs(np.mean(raw))


def test_true_probabilities_make_the_best_decisions_there_are() -> None:
    drawn = world(0)
    for amount in (-1.0, -20.0, -200.0):
        rule = rule_of(2, VALUE.model_copy(update={"act_wrong": amount}))
        best = worth(rule, drawn.test.true, rule.decide(drawn.test.true), drawn.test.true)
        turned = replace(rule, value=VALUE).decide(drawn.test.true)
        other = worth(rule, drawn.test.true, turned, drawn.test.true)
        for acts in (np.zeros(TEST, dtype=bool), np.ones(TEST, dtype=bool)):
            assert best.mean() >= worth(rule, drawn.test.true, acts, drawn.test.true).mean()
        assert best.mean() >= other.mean()


@pytest.mark.parametrize("name", ["linear", "trees"])
def test_by_pairs_decisions_are_worth_more_than_those_on_the_likeliest_class(name: str) -> None:
    gained, best, of_best, off = [], [], [], []
    for seed in range(CASES):
        drawn = world(seed, 3)
        plain = rule_of(3)
        rule = PairRule(plain.contract, PAIRS, PAYOFF)
        known, said = said_by(MODELS[name], drawn)
        outputs, true = calibrate(known, drawn.validation.came)(said), drawn.test.true
        rows, likeliest = np.arange(len(said)), outputs.argmax(axis=1)
        earns = true @ EARNS.T  # what each decision is truly worth
        ours = earns[rows, rule.choose(outputs)].mean()
        theirs = earns[rows, np.where(plain.decide(outputs), likeliest, 3)].mean()
        gained.append(ours - theirs)
        best.append(earns.max(axis=1).mean())
        of_best.append(ours / best[-1])
        off.append(rule.expected(outputs).mean() - ours)
    print(
        f"{name}, by pairs: {np.mean(gained):+.2f} ± {_error(gained):.2f} EUR a decision, "
        f"{np.mean(of_best):.0%} of the best possible; expected {np.mean(off):+.2f} too much "
        f"in {CASES} worlds (METHOD_SEED={SEED})"
    )
    assert np.mean(gained) > 2 * _error(gained)
    assert np.mean(of_best) > 0.8
    assert abs(np.mean(off)) < 0.05 * np.mean(best)


def _error(found: Floats | list[float]) -> float:
    return float(np.std(found, ddof=1) / len(found) ** 0.5)
