"""A model goes the way that the contract says, and nothing is chosen that cannot be held to it."""

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.candidates import Candidate, Fitted
from fourhats_runtime.model.encoding import for_linear, for_trees
from fourhats_runtime.model.features import Feed
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.lightgbm import LGBMClassifier, LGBMRegressor
from fourhats_runtime.model.monotone import keeps
from fourhats_runtime.model.parts import Part, Split
from fourhats_runtime.model.tuning import simplest_of_the_best
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

ROWS = 600
FALLS = Candidate("trees", lambda _: HistGradientBoostingRegressor(max_iter=30), for_trees)


def _contract(
    monotone: int, classes: tuple[str, ...] = (), positive: str | None = None
) -> Contract:
    target = {"type": "category", "categories": classes} if classes else {"type": "number"}
    return Contract.model_validate(
        {
            "positive": positive,
            "columns": [
                {"name": "colour", "source": "c", "type": "category", "categories": ["b", "r"]},
                {"name": "note", "source": "n", "type": "text", "words": True},
                {"name": "other", "source": "o", "type": "number"},
                {"name": "age", "source": "a", "type": "number", "monotone": monotone},
                {"name": "y", "source": "y", "role": "target", **target},
            ],
        }
    )


def _inputs(age: NDArray[np.float64]) -> Feed:
    random = np.random.default_rng(1)
    rows = len(age)
    return {
        "colour": random.choice(["b", "r"], (rows, 1)).astype(object),
        "note": np.array([f"<text> word{place % 9}" for place in range(rows)], object)[:, None],
        "other": random.normal(size=(rows, 1)).astype(np.float32),
        "age": age.astype(np.float32)[:, None],
    }


def _part(contract: Contract) -> Part:
    """Draw rows of which the outcome first falls, and then rises with age."""
    random = np.random.default_rng(0)
    age = random.uniform(-1, 1, ROWS)
    actual = age**2 + 0.1 * random.normal(size=ROWS)
    if contract.classes:
        actual = (actual > 0.4).astype(np.float64)
    return Part(_inputs(age), actual, texts=frozenset({"note"}))


def _steps(model: Fitted, contract: Contract) -> NDArray[np.float64]:
    """Give how the output changes as age alone grows."""
    rows = 200
    one = Part(_inputs(np.ones(1)), np.zeros(1))
    inputs = one.where(np.zeros(rows, dtype=np.intp)).inputs
    inputs["age"] = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    part = Part(inputs, np.zeros(rows), texts=frozenset({"note"}))
    outputs = model.predict(part, contract)
    return np.diff(outputs[:, 1] if contract.classes else outputs)


@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        (HistGradientBoostingRegressor(max_iter=30), ()),
        (HistGradientBoostingClassifier(max_iter=30), ("no", "yes")),
        (LGBMRegressor(n_estimators=30, verbose=-1), ()),
        (LGBMClassifier(n_estimators=30, verbose=-1), ("no", "yes")),
    ],
)
def test_the_output_goes_one_way_in_the_graph_too(
    estimator: object, classes: tuple[str, ...]
) -> None:
    trees = Candidate("trees", lambda _: clone(estimator), for_trees)
    for monotone in (1, -1):
        contract = _contract(monotone, classes)
        part = _part(contract)
        model = trees.fit(part, contract, {})
        steps = _steps(model, contract) * monotone
        assert steps.min() >= 0
        assert steps.max() > 0
        graph = convert(model.pipeline, contract, part.kinds)
        assert check_parity(graph, model.pipeline, part, contract, 1e-4) < 1e-4
    free = _contract(0, classes)
    steps = _steps(trees.fit(_part(free), free, {}), free)
    assert steps.min() < 0 < steps.max()


def test_of_two_classes_it_is_the_positive_one_that_grows_likelier() -> None:
    contract = _contract(1, ("yes", "no"), positive="yes")
    trees = Candidate("trees", lambda _: HistGradientBoostingClassifier(max_iter=30), for_trees)
    steps = _steps(trees.fit(_part(contract), contract, {}), contract)
    assert steps.max() <= 0  # of the second class, which is "no"


def test_only_what_can_be_held_to_it_is_chosen() -> None:
    contract = _contract(1)
    part = _part(contract)
    linear = Candidate("linear", lambda _: Ridge(), for_linear).fit(part, contract, {})
    trees = FALLS.fit(part, contract, {})
    parts = Split(part, part, part, sample={})
    assert simplest_of_the_best([linear, trees], parts, contract).pipeline is trees.pipeline
    with pytest.raises(ProjectError, match=r"no candidate in estimator\.py can keep to .* of age"):
        simplest_of_the_best([linear], parts, contract)
    assert simplest_of_the_best([linear], parts, _contract(0)).name == "linear"
    logistic = Candidate("linear", lambda _: LogisticRegression(), for_linear)
    classes = _contract(-1, ("no", "yes"))
    assert not keeps(logistic.fit(_part(classes), classes, {}).pipeline, classes)


@pytest.mark.parametrize(
    ("column", "classes", "words"),
    [
        ({"type": "category"}, (), "monotone is of a feature that is a number"),
        ({"role": "ignore"}, (), "monotone is of a feature that is a number"),
        ({}, ("a", "b", "c"), "monotone takes a number to predict, or two classes"),
    ],
)
def test_where_it_means_nothing_it_is_refused(
    column: dict[str, str], classes: tuple[str, ...], words: str
) -> None:
    target = Column(name="y", source="y", type="category", role="target", categories=classes)
    with pytest.raises(ValueError, match=words):
        Contract(
            columns=(
                Column(name="x", source="x", type="number"),
                Column.model_validate(
                    {"name": "age", "source": "a", "type": "number", "monotone": 1} | column
                ),
                target,
            )
        )
