"""Decisions are judged in money."""

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.tasks import answers
from fourhats_runtime.tasks.classification.rule import Rule
from numpy.typing import NDArray

from tests.runtime.sample_project import payoff

PAYOFF = payoff("classification")

VALUE = ActionValue(
    currency="EUR", monthly_volume=10, act_right=100, act_wrong=-25, missed=-5, left_alone=1
)


def _contract(classes: tuple[str, ...], positive: str | None) -> Contract:
    feature = Column(name="a", source="a", type="number")
    target = Column(name="b", source="b", type="category", role="target", categories=classes)
    return Contract(positive=positive, columns=(feature, target))


TWO = _contract(("no", "yes"), "yes")
THREE = _contract(("a", "b", "c"), None)


def test_each_of_the_four_outcomes_earns_its_own_value() -> None:
    outputs = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    actual = np.array([1.0, 0.0, 1.0, 0.0])
    assert Rule(TWO, VALUE, PAYOFF).realised(outputs, actual).tolist() == [100, -25, -5, 1]


def test_the_positive_class_may_come_first() -> None:
    rule = Rule(_contract(("leaves", "stays"), "leaves"), VALUE, PAYOFF)
    assert rule.decide(np.array([[0.8, 0.2], [0.1, 0.9]])).tolist() == [True, False]


def test_acting_pays_from_where_both_are_expected_to_earn_the_same() -> None:
    rule = Rule(TWO, VALUE, PAYOFF)
    # Acting pays where 100 p - 25 (1 - p) is above -5 p + 1 (1 - p).
    assert rule.threshold == pytest.approx(26 / 131)
    chance = np.array([26 / 131 - 1e-9, 26 / 131 + 1e-9])
    assert rule.decide(np.column_stack([1 - chance, chance])).tolist() == [False, True]


@pytest.mark.parametrize("seed", range(20))
def test_no_decision_is_expected_to_earn_less_than_the_other_one(seed: int) -> None:
    """Seen: act_wrong from -20 to -200 left 514 of 1,176 decisions to act with a loss expected."""
    random = np.random.default_rng(seed)
    names = ("act_right", "act_wrong", "missed", "left_alone")
    amounts = dict(zip(names, random.normal(0, 50, 4).tolist(), strict=True))
    chance = random.random(200)
    outputs = np.column_stack([1 - chance, chance])
    rule = Rule(TWO, VALUE.model_copy(update=amounts), PAYOFF)
    acting = chance * amounts["act_right"] + (1 - chance) * amounts["act_wrong"]
    leaving = chance * amounts["missed"] + (1 - chance) * amounts["left_alone"]
    assert rule.expected(outputs) == pytest.approx(np.maximum(acting, leaving))


def test_the_decision_follows_a_payoff_of_ones_own() -> None:
    """A customer who is called in vain is never worth it, whatever the amounts say."""

    def own(
        acted: NDArray[np.bool_], right: NDArray[np.bool_], value: ActionValue
    ) -> NDArray[np.float64]:
        return np.where(acted & ~right, -10 * value.act_right, 0.0)

    rule = Rule(TWO, VALUE, own)
    assert rule.decide(np.array([[0.1, 0.9], [0.0, 1.0]])).tolist() == [False, True]
    assert Rule(TWO, VALUE, lambda acted, *_: 1.0 * acted).threshold == 0
    assert Rule(TWO, VALUE, lambda acted, *_: -1.0 * acted).threshold > 1


def test_what_is_expected_is_what_comes_on_average() -> None:
    random = np.random.default_rng(1)
    chance = random.uniform(size=20_000)
    outputs = np.column_stack([1 - chance, chance])
    actual = (random.uniform(size=20_000) < chance).astype(float)
    rule = Rule(TWO, VALUE, PAYOFF)
    assert rule.expected(outputs).mean() == pytest.approx(
        rule.realised(outputs, actual).mean(), abs=1.5
    )


def test_what_was_decided_before_is_valued_as_it_was_decided() -> None:
    outputs, actual = np.array([[0.5, 0.5]]), np.array([1.0])
    rule = Rule(TWO, VALUE, PAYOFF)
    assert rule.realised(outputs, actual).tolist() == [100]
    assert rule.realised(outputs, actual, ["leave"]).tolist() == [-5]


def test_of_several_classes_an_unsure_case_is_left_to_a_person() -> None:
    rule = Rule(THREE, VALUE.model_copy(update={"act_wrong": -150.0}), PAYOFF)
    outputs = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])
    answers = rule.answers(outputs)
    assert answers["prediction"].tolist() == ["a", "a"]
    assert answers["decision"].tolist() == ["act", "leave"]
    assert rule.realised(outputs, np.array([0.0, 1.0])).tolist() == [100, 1]


def test_an_answer_carries_probability_decision_and_value() -> None:
    answers = Rule(TWO, VALUE, PAYOFF).answers(np.array([[0.2, 0.8]]))
    assert {name: values.tolist() for name, values in answers.items()} == {
        "prediction": ["yes"],
        "probability": [0.8],
        "decision": ["act"],
        "expected_value": [pytest.approx(0.8 * 100 - 0.2 * 25)],
    }


@pytest.mark.parametrize(
    ("contract", "outputs", "predicted", "whose"),
    [
        (TWO, [[0.58, 0.42]], "no", "yes"),
        (THREE, [[0.2, 0.5, 0.3]], "b", "b"),
        (_contract(("no", "yes"), None), [[0.58, 0.42]], "no", "no"),
    ],
)
def test_an_answer_names_whose_probability_it_gives(
    contract: Contract, outputs: list[list[float]], predicted: str, whose: str
) -> None:
    found = answers(Rule(contract, VALUE, PAYOFF), np.array(outputs))
    assert list(found)[:3] == ["prediction", "probability", "probability_of"]
    assert (found["prediction"][0], found["probability_of"][0]) == (predicted, whose)


@pytest.mark.parametrize(
    ("contract", "predicted", "outputs"),
    [(TWO, "no", [0.7, 0.3]), (THREE, "b", [0.35, 0.3, 0.35])],
)
def test_what_was_answered_gives_the_probabilities_that_decisions_rest_on(
    contract: Contract, predicted: str, outputs: list[float]
) -> None:
    rule = Rule(contract, VALUE, PAYOFF)
    assert rule.recall([predicted], [0.3])[0].tolist() == pytest.approx(outputs)
