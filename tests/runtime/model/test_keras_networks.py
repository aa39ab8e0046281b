"""Networks of TensorFlow: when they stop, what they hold, and that the graph is the trained one."""

import random
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from fourhats_runtime.model import tensorflow
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.tensorflow import KerasClassifier, KerasRegressor
from sklearn.base import clone

from tests.runtime.model.test_families import rows
from tests.runtime.sample_project import estimator

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def shape() -> partial[Any]:
    """Give the network of a new project, a small one."""
    return partial(estimator("classification", "tensorflow").network, width=16, dropout=0.1)


def candidate(made: KerasClassifier | KerasRegressor) -> Candidate:
    return Candidate("network", lambda _: clone(made), for_trees)


@pytest.mark.parametrize("kind", [KerasClassifier, KerasRegressor])
def test_its_graph_is_the_trained_network(
    kind: type[KerasClassifier] | type[KerasRegressor], shape: partial[Any]
) -> None:
    part, contract = rows(classes=kind is KerasClassifier)
    network = candidate(kind(shape, most_passes=30))
    chance, numpys = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    model = network.fit(part, contract, {}).pipeline
    assert random.getstate() == chance
    assert repr(np.random.get_state()) == numpys  # noqa: NPY002
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE
    assert model.score(part.frame, part.labels(contract)) > 0.8
    opened = onnx.load_from_string(graph)
    assert [each.name for each in opened.graph.input] == ["size", "colour"]
    domains = [opset.domain for opset in opened.opset_import]
    assert domains == sorted(set(domains))
    assert b"/tmp" not in graph
    assert convert(network.fit(part, contract, {}).pipeline, contract, part.kinds) == graph


def test_it_stops_when_nothing_is_gained_and_keeps_the_best(
    shape: partial[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, contract = rows(classes=False)
    states: list[list[Any]] = []
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.0])
    stop = keras.callbacks.EarlyStopping.on_epoch_end

    def judged(self: keras.callbacks.EarlyStopping, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
        states.append(self.model.get_weights())
        stop(self, epoch, {**logs, "val_loss": next(losses)})

    monkeypatch.setattr(keras.callbacks.EarlyStopping, "on_epoch_end", judged)
    network = candidate(KerasRegressor(shape, patience=3))
    whole = network.fit(part, contract, {}).pipeline[-1].whole_
    assert len(states) == 5
    held = whole.get_weights()
    assert all(np.array_equal(*pair) for pair in zip(held, states[1], strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(held, states[4], strict=True))


def test_it_keeps_the_best_where_it_is_not_stopped(
    shape: partial[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, contract = rows(classes=False)
    states: list[list[Any]] = []
    losses = iter([1.0, 2.0])
    stop = keras.callbacks.EarlyStopping.on_epoch_end

    def judged(self: keras.callbacks.EarlyStopping, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
        states.append(self.model.get_weights())
        stop(self, epoch, {**logs, "val_loss": next(losses)})

    monkeypatch.setattr(keras.callbacks.EarlyStopping, "on_epoch_end", judged)
    network = candidate(KerasRegressor(shape, most_passes=2))
    held = network.fit(part, contract, {}).pipeline[-1].whole_.get_weights()
    assert all(np.array_equal(*pair) for pair in zip(held, states[0], strict=True))


def test_rows_held_out_are_not_learnt_from_and_few_are_there_at_once(
    shape: partial[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, contract = rows(classes=False)
    groups = np.repeat(np.arange(60, dtype=np.uint64), 10)
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    sizes: list[int] = []
    given = tensorflow._Batches.__getitem__  # noqa: SLF001 (the one way to tensors)

    def noted(self: Any, number: int) -> Any:  # noqa: ANN401
        batch = self.batches[number]
        seen[self.chance is not None] |= set(groups[batch].tolist())
        sizes.append(len(batch))
        return given(self, number)

    monkeypatch.setattr(tensorflow._Batches, "__getitem__", noted)  # noqa: SLF001
    network = candidate(KerasRegressor(shape, batch_rows=30, most_passes=1))
    network.fit(replace(part, groups=groups), contract, {})
    assert len(seen[False]) == 9
    assert seen[True] == set(range(60)) - seen[False]
    assert set(sizes) == {30, 90}  # a batch, and those held out


def test_what_was_never_seen_says_nothing(shape: partial[Any]) -> None:
    part, contract = rows(classes=False)
    model = candidate(KerasRegressor(shape, most_passes=3)).fit(part, contract, {}).pipeline
    assert model[-1].leading_categories == 1
    (embedding,) = [each for each in model[-1].whole_.layers if "embedding" in each.name]
    weights = embedding.get_weights()[0]
    assert weights.shape[0] == 3
    assert not weights[0].any()
    assert weights[1:].any()
