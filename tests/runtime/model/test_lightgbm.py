"""LightGBM's trees give in ONNX what they give when trained, for classes and for numbers."""

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.lightgbm import LGBMClassifier, LGBMRegressor
from fourhats_runtime.model.parts import Part

TOLERANCE = 1e-4


@pytest.mark.parametrize("estimator", [LGBMClassifier, LGBMRegressor])
def test_its_graph_is_the_trained_model(estimator: type) -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(600, 1)).astype(np.float32)
    colours = random.choice(["blue", "red"], size=(600, 1)).astype(object)
    actual = numbers.ravel() + (colours.ravel() == "red")
    classes: tuple[str, ...] = ()
    if estimator is LGBMClassifier:
        actual, classes = (actual > 0.5).astype(np.float64), ("no", "yes")
    target = Column(
        name="y",
        source="y",
        type="category" if classes else "number",
        role="target",
        categories=classes,
    )
    contract = Contract(
        columns=(
            Column(name="size", source="size", type="number"),
            Column(name="colour", source="colour", type="category", categories=("blue", "red")),
            target,
        )
    )
    part = Part({"size": numbers, "colour": colours}, actual)
    trees = Candidate("trees", lambda _: estimator(n_estimators=20, verbose=-1), for_trees)
    model = trees.fit(part, contract, {}).pipeline
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE
