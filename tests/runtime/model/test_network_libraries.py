"""What networks promise, whichever library they are of."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pytest
from fourhats_runtime.model import pytorch, tensorflow
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.networks import NetworkEstimator
from sklearn.base import clone

from tests.runtime.model.test_families import rows
from tests.runtime.sample_project import estimator

TOLERANCE = 1e-4


class Library(NamedTuple):
    """A library's estimators, and the network of a new project, a small one."""

    module: Any
    of_classes: type[Any]
    of_numbers: type[Any]
    shape: partial[Any]


@pytest.fixture(scope="module", params=["pytorch", "tensorflow"])
def library(request: pytest.FixtureRequest) -> Library:
    of_project = estimator("classification", request.param)
    if request.param == "pytorch":
        shape = partial(of_project.Network, width=16, dropout=0.1)
        return Library(pytorch, pytorch.TorchClassifier, pytorch.TorchRegressor, shape)
    shape = partial(of_project.network, width=16, dropout=0.1)
    return Library(tensorflow, tensorflow.KerasClassifier, tensorflow.KerasRegressor, shape)


def candidate(made: NetworkEstimator) -> Candidate:
    return Candidate("network", lambda _: clone(made), for_trees)


def test_a_class_that_no_row_has_is_never_predicted(library: Library) -> None:
    part, contract = rows(classes=True)
    target = contract.target.model_copy(update={"categories": ("maybe", "no", "yes")})
    columns = (*contract.columns[:-1], target)
    contract = contract.model_copy(update={"columns": columns})
    part = replace(part, actual=part.actual + 1)
    network = candidate(library.of_classes(library.shape, most_passes=1))
    model = network.fit(part, contract, {}).pipeline
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE


@pytest.mark.parametrize("kept", ["size", "colour"])
def test_a_table_of_numbers_alone_or_of_categories_alone(library: Library, kept: str) -> None:
    part, contract = rows(classes=False)
    columns = tuple(each for each in contract.columns if each.name in (kept, "y"))
    contract = contract.model_copy(update={"columns": columns})
    part = replace(part, inputs={kept: part.inputs[kept]})
    network = candidate(library.of_numbers(library.shape, most_passes=1))
    model = network.fit(part, contract, {}).pipeline
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE


def test_a_long_training_tells_how_far_it_is(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    part, contract = rows(classes=False)
    monkeypatch.setattr(library.module, "TELL_SECONDS", -1)
    caplog.set_level("INFO", logger=library.module.__name__)
    candidate(library.of_numbers(library.shape, most_passes=2)).fit(part, contract, {})
    assert "network: pass 2 of at most 2, loss" in caplog.text
