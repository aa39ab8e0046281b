"""Decisions are judged in money."""

import json

import numpy as np
import pytest
from fourhats_runtime.business import NumberValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.tasks.regression.rule import Rule

from tests.runtime.sample_project import payoff

PAYOFF = payoff("regression")

VALUE = NumberValue(currency="EUR", monthly_volume=10, right=10, wrong=-4, tolerance=2)
CONTRACT = Contract(
    columns=(
        Column(name="a", source="a", type="number"),
        Column(name="b", source="b", type="number", role="target"),
    )
)


def test_the_value_shrinks_with_the_error_down_to_the_loss() -> None:
    rule = Rule(CONTRACT, VALUE, PAYOFF)
    outputs = np.array([5.0, 6.0, 7.0, 3.0, 99.0])
    assert rule.realised(outputs, np.full(5, 5.0)).tolist() == [10, 5, 0, 0, -4]


def test_what_is_expected_is_the_mean_of_what_came() -> None:
    outputs, actual = np.array([5.0, 6.0]), np.array([5.0, 5.0])
    rule = Rule.fit(outputs, actual, CONTRACT, VALUE, PAYOFF)
    assert rule.expected(outputs).tolist() == [7.5, 7.5]


def test_less_is_expected_where_the_model_is_further_off() -> None:
    outputs = np.linspace(0, 100, 400)
    rule = Rule.fit(outputs, outputs + outputs / 50, CONTRACT, VALUE, PAYOFF)
    expected = rule.expected(np.array([-5.0, 30.0, 60.0, 500.0]))
    assert (np.diff(expected) < 0).all()
    earned = rule.realised(outputs, outputs + outputs / 50)
    assert rule.expected(outputs).mean() == pytest.approx(earned.mean())


def test_what_is_expected_follows_the_amounts_of_the_moment() -> None:
    outputs = np.array([5.0, 6.0])
    rule = Rule.fit(outputs, np.array([5.0, 5.0]), CONTRACT, VALUE, PAYOFF)
    dear = VALUE.model_copy(update={"right": 20.0})
    assert Rule(CONTRACT, dear, PAYOFF, **rule.kept).expected(outputs).tolist() == [15.0, 15.0]


@pytest.mark.parametrize("values", [1, 2, 3, 40])
def test_each_bin_of_the_prediction_holds_rows(values: int) -> None:
    """A tree gives few values, each to many rows."""
    outputs = np.random.default_rng(values).integers(0, values, 1000).astype(float)
    rule = Rule.fit(outputs, outputs + 1, CONTRACT, VALUE, PAYOFF)
    assert len(rule.errors) == len(rule.edges) + 1 <= values
    assert rule.expected(outputs) == pytest.approx(5.0)


def test_many_errors_are_kept_as_a_small_table() -> None:
    random = np.random.default_rng(0)
    outputs, error = random.normal(size=5000), random.exponential(size=5000)
    rule = Rule.fit(outputs, outputs + error, CONTRACT, VALUE, PAYOFF)
    assert len(rule.errors) == 10
    assert {len(errors) for errors in rule.errors} == {100}
    assert np.mean(rule.errors) == pytest.approx(error.mean(), rel=0.01)
    assert rule.expected(outputs).mean() == pytest.approx(
        rule.realised(outputs, outputs + error).mean(), abs=0.02
    )
    assert json.loads(json.dumps(rule.kept)) == rule.kept


def test_an_answer_carries_number_decision_and_value() -> None:
    answers = Rule(CONTRACT, VALUE, PAYOFF, (), ((0.5,),)).answers(np.array([1234.5, 234_512.3]))
    assert {name: values.tolist() for name, values in answers.items()} == {
        "prediction": [1234.5, 234_512.3],
        "probability": [None, None],
        "decision": ["plan with 1,234", "plan with 234,512"],
        "expected_value": [7.5, 7.5],
    }
