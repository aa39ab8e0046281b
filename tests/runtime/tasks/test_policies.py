"""What is to be had without a model is what a person would work out by hand."""

import json

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.tasks import ActionValue, NumberValue, Rule, rule_of
from fourhats_runtime.tasks.regression import rule as regression
from fourhats_runtime.tasks.rule import Policy
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def test_of_two_classes_one_acts_on_nobody_or_on_everybody(fresh: Project) -> None:
    rule = rule_of(fresh, fresh.contract, {})
    positive = float(fresh.contract.classes.index(fresh.contract.positive or ""))
    actual = np.array([positive, 1 - positive, 1 - positive])
    found = _earned(rule, np.zeros(1), actual)
    value = fresh.value
    assert isinstance(value, ActionValue)
    assert found["act on everybody"].tolist() == [
        value.act_right,
        value.act_wrong,
        value.act_wrong,
    ]
    assert found["act on nobody"].tolist() == [value.missed, value.left_alone, value.left_alone]


def test_of_more_classes_one_acts_as_if_all_were_of_the_most_frequent(fresh: Project) -> None:
    target = fresh.contract.target
    columns = tuple(
        column.model_copy(update={"categories": ("a", "b", "c")}) if column == target else column
        for column in fresh.contract.columns
    )
    contract = fresh.contract.model_copy(update={"columns": columns, "positive": None})
    rule, value = rule_of(fresh, contract, {}), fresh.value
    assert isinstance(value, ActionValue)
    found = _earned(rule, np.array([0.0, 2.0, 2.0]), np.array([2.0, 1.0]))
    assert found["act as if all were 'c'"].tolist() == [value.act_right, value.act_wrong]
    assert "leave every case to a person" in found


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_a_number_is_planned_with_nothing_or_with_the_one_that_would_have_earned_the_most(
    fresh: Project,
) -> None:
    assert isinstance(fresh.value, NumberValue)
    value = fresh.value.model_copy(update={"right": 10.0, "tolerance": 2.0, "wrong": -10.0})
    rule = regression.Rule(fresh.contract, value, fresh.payoff)
    found = _earned(rule, np.array([5.0, 5.0, 5.0, 50.0]), np.array([5.0, 6.0, 50.0]))
    assert found["plan with nothing"].tolist() == [0.0, 0.0, 0.0]
    assert found["always plan with 5"].tolist() == [10.0, 5.0, -10.0]


def _earned(rule: Rule, learnt: Floats, actual: Floats) -> dict[str, Floats]:
    """Give what each policy would have earned, as it is replayed from what is kept of it."""
    kept = [policy._asdict() for policy in rule.policies(learnt)]
    replayed = [Policy(**facts) for facts in json.loads(json.dumps(kept))]
    return {policy.name: rule.by_policy(policy, actual) for policy in replayed}
