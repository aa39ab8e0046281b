"""Of several classes it may matter which is taken for which: then decisions go by each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.business import ActionValue, Business
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.tasks import answers
from fourhats_runtime.tasks.classification.pairs import PairRule
from fourhats_runtime.tasks.classification.plots import holdout_plots
from fourhats_runtime.tasks.classification.rule import Rule

from tests.runtime.sample_project import payoff

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAYOFF = payoff("classification")
PAIRS = {
    "brake": {"fine": -30.0, "brake": 200.0},
    "leave": {"brake": -500.0},
}
VALUE = ActionValue(
    currency="EUR",
    monthly_volume=10,
    act_right=50,
    act_wrong=-25,
    missed=0,
    left_alone=1,
    payoff=PAIRS,
)
EARNS = np.array(
    [
        # fine, brake, lamp: what came
        [50.0, -25.0, -25.0],  # acted on as fine
        [-30.0, 200.0, -25.0],  # as a brake
        [-25.0, -25.0, 50.0],  # as a lamp
        [1.0, -500.0, 1.0],  # left to a person
    ]
)
CLASSES = ("fine", "brake", "lamp")


def _contract(classes: tuple[str, ...] = CLASSES, positive: str | None = None) -> Contract:
    feature = Column(name="a", source="a", type="number")
    target = Column(name="b", source="fault", type="category", role="target", categories=classes)
    return Contract(positive=positive, columns=(feature, target))


@pytest.fixture
def rule() -> PairRule:
    return PairRule(_contract(), VALUE, PAYOFF)


@pytest.fixture
def outputs() -> NDArray[np.float64]:
    """Give the probabilities of many cases, of every kind."""
    return np.random.default_rng(1).dirichlet([0.6, 0.3, 0.6], 20_000)


def test_what_is_decided_is_what_is_expected_to_earn_the_most(
    rule: PairRule, outputs: NDArray[np.float64]
) -> None:
    by_hand = np.array([[case @ earns for earns in EARNS] for case in outputs[:500]])
    best = by_hand.argmax(axis=1)
    names = np.array(["act as fine", "act as brake", "act as lamp", "leave"])
    found = answers(rule, outputs[:500])
    assert found["decision"].tolist() == names[best].tolist()
    assert found["expected_value"] == pytest.approx(by_hand.max(axis=1))
    assert set(best.tolist()) >= {0, 1, 2}
    likeliest = np.array(CLASSES)[outputs[:500].argmax(axis=1)]
    assert found["prediction"].tolist() == likeliest.tolist()
    assert (found["decision"] != "act as " + likeliest.astype(object)).any()


def test_what_is_expected_is_what_comes_on_average(
    rule: PairRule, outputs: NDArray[np.float64]
) -> None:
    random = np.random.default_rng(2)
    actual = (random.random((len(outputs), 1)) > outputs.cumsum(axis=1)).sum(axis=1).clip(max=2.0)
    earned = rule.realised(outputs, actual.astype(np.float64))
    error = 4 * earned.std() / len(earned) ** 0.5
    assert rule.expected(outputs).mean() == pytest.approx(earned.mean(), abs=error)


def test_each_pair_earns_its_own_and_the_others_what_the_four_amounts_say(rule: PairRule) -> None:
    outputs, came = np.full((12, 3), 1 / 3), np.tile([0.0, 1.0, 2.0], 4)
    decisions = np.repeat(["act as fine", "act as brake", "act as lamp", "leave"], 3).tolist()
    assert rule.realised(outputs, came, decisions).reshape(4, 3).tolist() == EARNS.tolist()
    assert rule.stake == 700  # a brake that was left, and one that was mended


def test_decisions_of_before_count_as_they_were_taken(rule: PairRule) -> None:
    """By the four amounts, "act" is on the likeliest class; and a pair's class is known to both."""
    outputs, came = np.array([[0.2, 0.7, 0.1]] * 3), np.array([1.0, 2.0, 0.0])
    decisions = ["act", "act as lamp", "leave"]
    assert rule.realised(outputs, came, decisions).tolist() == [200, 50, 1]
    plain = Rule(_contract(), VALUE.model_copy(update={"payoff": {}}), PAYOFF)
    assert plain.realised(outputs, came, decisions).tolist() == [50, 50, 1]
    assert plain.realised(outputs, came[::-1], decisions[::-1]).tolist() == [1, 50, 50]


def test_the_policies_are_to_leave_all_or_to_act_as_if_all_were_of_any_class(
    rule: PairRule,
) -> None:
    came = np.array([0.0, 1.0, 2.0])
    found = {each.name: rule.by_policy(each, came).tolist() for each in rule.policies(came)}
    assert found == {
        "leave every case to a person": EARNS[3].tolist(),
        "act as if all were 'fine'": EARNS[0].tolist(),
        "act as if all were 'brake'": EARNS[1].tolist(),
        "act as if all were 'lamp'": EARNS[2].tolist(),
    }


def test_it_is_explained_with_the_class_that_it_is_decided_for(rule: PairRule) -> None:
    given = answers(rule, np.array([[0.6, 0.4, 0.0]]))
    answer = {name: values[0] for name, values in given.items()}
    business = Business(problem="It stands", decision="Mend it", owner="The garage")
    assert rule.explain(answer, business) == [
        "Decision: Mend it, as if fault = brake",
        "fault = fine is the likeliest (60%); decided is what earns the most on average.",
        "This decision is worth 62.00 EUR on average.",
    ]


def test_its_plots_show_each_pair(rule: PairRule, outputs: NDArray[np.float64]) -> None:
    actual = outputs.argmax(axis=1).astype(np.float64)
    plots = holdout_plots(outputs, actual, rule.contract, rule, None)
    (axes,) = plots["What the decisions led to, in cases and money"].axes
    assert [each.get_text() for each in axes.get_yticklabels()] == [
        "as fine",
        "as brake",
        "as lamp",
        "left",
    ]
    assert len(axes.texts) == 12
    assert "Who is found, and at what price" not in plots


@pytest.mark.parametrize(
    ("contract", "pairs", "words"),
    [
        (_contract(), {"brakes": {"fine": 1.0}}, "'brakes' is no class of the target.*fine, brake"),
        (_contract(), {"brake": {"ok": 1.0}}, "payoff.brake: 'ok' is no class of the target"),
        (_contract(("no", "yes"), "yes"), {"yes": {"no": 1.0}}, "target without `positive`"),
        (_contract(("go", "leave"), None), {"go": {"go": 1.0}}, "no class 'leave'"),
    ],
)
def test_pairs_that_do_not_fit_the_target_are_named(
    contract: Contract, pairs: dict[str, dict[str, float]], words: str
) -> None:
    value = VALUE.model_copy(update={"payoff": pairs})
    with pytest.raises(ProjectError, match=words):
        _ = PairRule(contract, value, PAYOFF).stake
