"""The field's figures are those of scikit-learn, and their intervals those of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.tasks import Rule, weighed_figures
from fourhats_runtime.tasks.classification.rule import Rule as ActionRule
from fourhats_runtime.tasks.regression.rule import Rule as NumberRule
from numpy.typing import NDArray
from sklearn import metrics

from tests.runtime.sample_project import payoff

VALUE = ActionValue(
    currency="EUR", monthly_volume=10, act_right=100, act_wrong=-25, missed=0, left_alone=0
)
NUMBER = NumberValue(currency="EUR", monthly_volume=10, right=10, wrong=-10, tolerance=2)
FEATURE = Column(name="a", source="a", type="number")
Floats = NDArray[np.float64]


def _rule(classes: tuple[str, ...], positive: str | None) -> Rule:
    target = Column(name="b", source="b", type="category", role="target", categories=classes)
    contract = Contract(positive=positive, columns=(FEATURE, target))
    return ActionRule(contract, VALUE, payoff("classification"))


def _number_rule() -> Rule:
    target = Column(name="b", source="b", type="number", role="target")
    contract = Contract(columns=(FEATURE, target))
    return NumberRule(contract, NUMBER, payoff("regression"))


def _two(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    chance = random.integers(0, 21, rows) / 20  # with ties
    actual = (random.random(rows) < 0.2 + 0.6 * chance).astype(np.float64)
    return np.column_stack([1 - chance, chance]).clip(0.01, 0.99), actual


def test_two_classes_have_the_figures_of_scikit_learn() -> None:
    outputs, actual = _two(400)
    rule = _rule(("no", "yes"), "yes")
    assert isinstance(rule, ActionRule)
    found = weighed_figures(outputs, actual, rule)(np.ones(400))
    acts = rule.decide(outputs)
    assert found["AUC"] == pytest.approx(metrics.roc_auc_score(actual, outputs[:, 1]))
    assert found["average precision"] == pytest.approx(
        metrics.average_precision_score(actual, outputs[:, 1])
    )
    assert found["log-loss"] == pytest.approx(metrics.log_loss(actual, outputs))
    assert found["F1 of the decisions"] == pytest.approx(metrics.f1_score(actual, acts))
    assert found["lift among those acted on"] == pytest.approx(actual[acts].mean() / actual.mean())


def test_several_classes_have_the_mean_of_each() -> None:
    random = np.random.default_rng(1)
    actual = random.integers(0, 3, 300).astype(np.float64)
    outputs = random.dirichlet(np.ones(3), 300)
    outputs[np.arange(300), actual.astype(int)] += 0.3
    outputs /= outputs.sum(axis=1, keepdims=True)
    found = weighed_figures(outputs, actual, _rule(("a", "b", "c"), None))(np.ones(300))
    assert found["AUC"] == pytest.approx(metrics.roc_auc_score(actual, outputs, multi_class="ovr"))
    assert found["F1 (mean over the classes)"] == pytest.approx(
        metrics.f1_score(actual, outputs.argmax(axis=1), average="macro")
    )
    assert found["log-loss"] == pytest.approx(metrics.log_loss(actual, outputs))


def test_numbers_have_the_figures_of_scikit_learn() -> None:
    random = np.random.default_rng(2)
    actual = random.normal(10, 3, 200)
    outputs = actual + random.normal(0, 1, 200)
    found = weighed_figures(outputs, actual, _number_rule())(np.ones(200))
    assert list(found.values()) == pytest.approx(
        [
            metrics.mean_absolute_error(actual, outputs),
            metrics.root_mean_squared_error(actual, outputs),
            metrics.r2_score(actual, outputs),
            100 * metrics.mean_absolute_percentage_error(actual, outputs),
        ]
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_weight_of_two_is_a_row_twice(task: str) -> None:
    outputs, actual = _two(100)
    rule = _rule(("no", "yes"), "yes")
    if task == "regression":
        outputs, rule = outputs[:, 1], _number_rule()
    times = np.random.default_rng(3).integers(0, 3, 100)
    weighed = weighed_figures(outputs, actual, rule)(times.astype(np.float64))
    repeated = weighed_figures(np.repeat(outputs, times, axis=0), np.repeat(actual, times), rule)
    assert weighed == pytest.approx(repeated(np.ones(times.sum())))


def test_what_is_undefined_is_none() -> None:
    outputs, _ = _two(50)
    found = figures(outputs, np.zeros(50), _rule(("no", "yes"), "yes"))
    assert found["AUC"] == {"figure": None, "low": None, "high": None}
    assert found["log-loss"]["low"] is not None


def test_repeated_rows_of_one_entity_make_no_interval_narrower() -> None:
    outputs, actual = _two(200)
    rule, names = _rule(("no", "yes"), "yes"), np.arange(200, dtype=np.uint64)
    once = figures(outputs, actual, rule, groups=names)["AUC"]
    often = figures(
        np.repeat(outputs, 8, axis=0), np.repeat(actual, 8), rule, groups=np.repeat(names, 8)
    )["AUC"]
    assert often == pytest.approx(once)


def test_the_interval_of_the_error_is_the_known_one() -> None:
    random = np.random.default_rng(4)
    off = random.exponential(1, 1000)
    found = figures(off, np.zeros(1000), _number_rule())["mean absolute error"]
    error = 1.96 * off.std() / 1000**0.5
    assert found["low"] == pytest.approx(off.mean() - error, abs=0.2 * error)
    assert found["high"] == pytest.approx(off.mean() + error, abs=0.2 * error)
