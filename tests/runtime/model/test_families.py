"""Families of models stand beside each other: what they are given, their shares, who is chosen."""

from dataclasses import replace

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model import candidates as module
from fourhats_runtime.model.candidates import AnyTrial, Candidate
from fourhats_runtime.model.encoding import for_forests, for_linear
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.parts import Part, Split
from fourhats_runtime.model.tuning import _Budget, simplest_of_the_best
from fourhats_runtime.training import Training
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from tests.runtime.sample_project import estimator

TOLERANCE = 1e-4
FAMILIES = {
    ("sklearn",): ["linear", "trees", "forest"],
    ("lightgbm",): ["linear", "lightgbm"],
    ("pytorch",): ["linear", "pytorch"],
    ("tensorflow",): ["linear", "tensorflow"],
    ("lightgbm", "pytorch", "sklearn", "tensorflow"): [
        *("linear", "trees", "lightgbm", "forest", "pytorch", "tensorflow")
    ],
}


def rows(*, classes: bool, number: int = 600) -> tuple[Part, Contract]:
    """Make rows of a number with gaps and a category, which tell the outcome."""
    random = np.random.default_rng(0)
    size = random.normal(size=(number, 1)).astype(np.float32)
    colours = random.choice(["blue", "red"], size=(number, 1)).astype(object)
    actual = size.ravel() + 2.0 * (colours.ravel() == "red")
    size[::7] = np.nan
    target = Column(
        name="y",
        source="y",
        type="category" if classes else "number",
        role="target",
        categories=("no", "yes") if classes else (),
    )
    contract = Contract(
        columns=(
            Column(name="size", source="size", type="number", nullable=True),
            Column(name="colour", source="colour", type="category", categories=("blue", "red")),
            target,
        )
    )
    actual = (actual > 1).astype(np.float64) if classes else actual
    return Part({"size": size, "colour": colours}, actual), contract


@pytest.mark.parametrize("estimator", [RandomForestClassifier, RandomForestRegressor])
def test_the_graph_of_a_forest_is_the_trained_model_gaps_included(estimator: type) -> None:
    part, contract = rows(classes=estimator is RandomForestClassifier)
    forest = Candidate("forest", lambda _: estimator(20, random_state=0), for_forests)
    model = forest.fit(part, contract, {}).pipeline
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE


@pytest.mark.parametrize(("said", "taken"), [(None, 100), (50, 50)])
def test_a_tree_of_a_forest_grows_on_a_part_of_many_rows(
    said: int | None, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "A_TREE", 100)
    part, contract = rows(classes=False)
    forest = Candidate("f", lambda _: RandomForestRegressor(2, max_samples=said), for_forests)
    model = forest.fit(part, contract, {}).pipeline
    assert model[-1].max_samples == taken
    few = part.where(slice(0, 60))
    assert module.learnt(model, few, contract)[-1].max_samples == (said and taken)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("families", FAMILIES)
def test_what_a_project_that_chose_them_tries(task: str, families: tuple[str, ...]) -> None:
    tried = estimator(task, *families).candidates(0)
    assert [each.name for each in tried] == FAMILIES[families]
    assert [each.name for each in tried if each.is_tuned] == [
        each.name for each in tried if each.name not in ("linear", "forest")
    ]


def test_minutes_are_shared_by_those_that_are_tuned_and_trials_are_of_each() -> None:
    assert _Budget.of(Training(minutes=6), "trees", shares=3).seconds == 120
    assert _Budget.of(Training(minutes=6), "trees", shares=0).seconds == 360
    by_trials = _Budget.of(Training(trials=7), "trees", shares=3)
    assert (by_trials.trials, by_trials.seconds) == (7, None)


def test_the_chosen_one_tells_how_all_stood() -> None:
    part, contract = rows(classes=False)
    poor = Candidate("poor", lambda _: Ridge(alpha=1e9), for_linear).fit(part, contract, {})

    def deep(_: AnyTrial) -> DecisionTreeRegressor:
        return DecisionTreeRegressor(random_state=0)

    good = Candidate("good", deep, for_forests).fit(part, contract, {})
    parts = Split(part, part, part, sample={})
    chosen = simplest_of_the_best([poor, good, replace(good, name="later")], parts, contract)
    assert chosen.name == "good"
    assert [each.candidate for each in chosen.leaderboard] == ["poor", "good", "later"]
    first, *equals = chosen.leaderboard
    assert first.behind > first.chance > 0
    assert [(each.behind, each.chance) for each in equals] == [(0, 0), (0, 0)]
    assert first.loss == pytest.approx(first.behind + equals[0].loss)
