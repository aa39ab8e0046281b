"""A value that lies on a threshold goes the same way in the trained model and in its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.parts import Part
from fourhats_runtime.model.thresholds import rounded_down
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

if TYPE_CHECKING:
    from fourhats_runtime.model.features import Feed
    from sklearn.base import BaseEstimator

NAMES = tuple(f"f{place}" for place in range(58))
CONTRACT = Contract(
    columns=(
        *(Column(name=name, source=name, type="number") for name in NAMES),
        Column(name="y", source="y", type="category", role="target", categories=("a", "b")),
    )
)
TOLERANCE = 1e-4


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=200, early_stopping=False, min_samples_leaf=5),
        make_pipeline(SimpleImputer(), RandomForestClassifier(50, random_state=0)),
        make_pipeline(SimpleImputer(), ExtraTreesClassifier(50, random_state=0)),
        make_pipeline(SimpleImputer(), GradientBoostingClassifier(random_state=0)),
        make_pipeline(SimpleImputer(), DecisionTreeClassifier(random_state=0)),
    ],
    ids=["histogram", "forest", "extra", "boosting", "tree"],
)
def test_two_decimals_are_sent_the_same_way(estimator: BaseEstimator) -> None:
    """Of two decimals, many lie exactly halfway between two others."""
    random = np.random.default_rng(0)
    values: Feed = {name: np.round(random.random((400, 1)), 2).astype(np.float32) for name in NAMES}
    part = Part(values, (random.random(400) < 0.4).astype(np.float64))
    learned, judged = part.where(slice(300)), part.where(slice(300, None))
    model = Candidate("trees", lambda _: estimator, for_trees).fit(learned, CONTRACT, {}).pipeline
    graph = convert(model, CONTRACT, part.kinds)
    assert check_parity(graph, model, judged, CONTRACT, TOLERANCE) < TOLERANCE


@given(st.floats(allow_nan=False), st.floats(width=32, allow_nan=False))
def test_no_single_number_changes_sides(threshold: float, value: float) -> None:
    (rounded,) = rounded_down(np.array([threshold])).tolist()
    assert (value <= threshold) == (value <= rounded)
    assert rounded == np.float32(rounded)
