"""A graph is held against its model by the size of what is predicted."""

from __future__ import annotations

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.candidates import Candidate, Fitted
from fourhats_runtime.model.encoding import for_linear
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.parts import Part
from sklearn.linear_model import Ridge

CONTRACT = Contract(
    columns=(
        Column(name="x", source="x", type="number"),
        Column(name="y", source="y", type="number", role="target"),
    )
)
LINEAR = Candidate("linear", lambda _: Ridge(), for_linear)


def fitted(size: float) -> tuple[Fitted, Part]:
    """Fit a line that crosses 0; gives it, and rows at and beside the crossing."""
    x = np.linspace(0, 2, 101, dtype=np.float32).reshape(-1, 1)
    part = Part({"x": x}, size * (x.ravel().astype(np.float64) - 1))
    return LINEAR.fit(part, CONTRACT, {}), part


def test_a_sum_of_large_terms_that_is_nearly_0_is_as_exact_as_they_are() -> None:
    model, part = fitted(size=1e7)
    graph = convert(model.pipeline, CONTRACT, part.kinds)
    assert check_parity(graph, model.pipeline, part, CONTRACT, 1e-5) < 1e-5


@pytest.mark.parametrize("size", [1e-6, 1e7])
def test_a_graph_of_another_model_is_refused_whatever_the_size(size: float) -> None:
    model, part = fitted(size)
    other, _ = fitted(size * 1.01)
    graph = convert(other.pipeline, CONTRACT, part.kinds)
    with pytest.raises(ProjectError, match=r"differs from the trained one by 0\.01"):
        check_parity(graph, model.pipeline, part, CONTRACT, 1e-4)
