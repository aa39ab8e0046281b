"""Networks: what they are told of rows, when they stop, and that their graph is the trained one."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from fourhats_runtime.model import pytorch
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.monotone import keeps
from fourhats_runtime.model.networks import Inputs, batches, held_out
from fourhats_runtime.model.pytorch import TorchClassifier, TorchRegressor
from sklearn.base import clone

from tests.runtime.model.test_families import rows
from tests.runtime.sample_project import estimator

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def shape() -> partial[Any]:
    """Give the network of a new project, a small one."""
    return partial(estimator("classification", "pytorch").Network, width=16, dropout=0.1)


def candidate(made: TorchClassifier | TorchRegressor) -> Candidate:
    return Candidate("network", lambda _: clone(made), for_trees)


def test_inputs_are_what_the_rows_that_are_learnt_from_hold() -> None:
    nan = np.nan
    table = np.array(
        [[0, 1, 5, nan, 1], [2, 2, 5, nan, 1], [-1, 3, 5, nan, 1], [1, nan, 9, nan, 1.0]]
    )
    found = Inputs.of(table, categories=1)
    assert found.sizes == (4,)  # never seen, 0, 1, 2
    assert found.centres.tolist() == [2, 5, 0, 1]
    assert found.spreads.tolist() == [1, 1, 1, 1]
    assert found.gaps == (0, 2)
    assert found.numbers == 6
    wide = Inputs.of(np.array([[0.0]] * 9 + [[10.0]]), categories=0)
    assert wide.spreads.tolist() == [3]  # whose quartiles are the same: the standard deviation


def test_rows_of_one_entity_are_held_out_together() -> None:
    groups = np.repeat(np.arange(200, dtype=np.uint64), 5)
    held = held_out(1000, groups, seed=1)
    assert held.sum() == 150
    assert {held[groups == group].sum() for group in groups} == {0, 5}
    assert (held_out(1000, groups, seed=1) == held).all()
    assert (held_out(1000, groups, seed=2) != held).any()
    assert held_out(100, None, seed=1).sum() == 15


def test_batches_hold_each_row_once() -> None:
    places = np.arange(10)
    found = list(batches(places, 4, np.random.default_rng(0)))
    assert [len(batch) for batch in found] == [4, 4, 2]
    assert np.concatenate(found).tolist() != places.tolist()
    assert sorted(np.concatenate(found).tolist()) == places.tolist()
    assert np.concatenate(list(batches(places, 4))).tolist() == places.tolist()


@pytest.mark.parametrize("kind", [TorchClassifier, TorchRegressor])
def test_its_graph_is_the_trained_network(
    kind: type[TorchClassifier] | type[TorchRegressor], shape: partial[Any]
) -> None:
    part, contract = rows(classes=kind is TorchClassifier)
    network = candidate(kind(shape))
    before = torch.random.get_rng_state()
    model = network.fit(part, contract, {}).pipeline
    assert torch.equal(before, torch.random.get_rng_state())
    graph = convert(model, contract, part.kinds)
    assert check_parity(graph, model, part, contract, TOLERANCE) < TOLERANCE
    assert model.score(part.frame, part.labels(contract)) > 0.8
    opened = onnx.load_from_string(graph)
    assert [each.name for each in opened.graph.input] == ["size", "colour"]
    assert not any(node.metadata_props for node in opened.graph.node)  # nor whose machine it was
    assert convert(network.fit(part, contract, {}).pipeline, contract, part.kinds) == graph


def test_it_stops_when_nothing_is_gained_and_keeps_the_best(
    shape: partial[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, contract = rows(classes=False)
    states: list[dict[str, Any]] = []
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.0])

    def judged(self: TorchRegressor, *_: object) -> float:
        states.append(self._state())
        return next(losses)

    monkeypatch.setattr(TorchRegressor, "_judged", judged)
    network = candidate(TorchRegressor(shape, patience=3))
    whole = network.fit(part, contract, {}).pipeline[-1].whole_
    assert len(states) == 5
    kept = whole.state_dict()
    assert all(torch.equal(kept[name], states[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], states[4][name]) for name in kept)


def test_rows_held_out_are_not_learnt_from(
    shape: partial[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, contract = rows(classes=False)
    groups = np.repeat(np.arange(60, dtype=np.uint64), 10)
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    lost = TorchRegressor._lost  # noqa: SLF001 (which rows it is of is not told otherwise)

    def noted(self: TorchRegressor, table: Any, wanted: Any, places: Any, device: Any) -> Any:  # noqa: ANN401
        seen[self.whole_.training] |= set(groups[places].tolist())
        return lost(self, table, wanted, places, device)

    monkeypatch.setattr(TorchRegressor, "_lost", noted)
    network = candidate(TorchRegressor(shape, most_passes=1))
    network.fit(replace(part, groups=groups), contract, {})
    assert len(seen[False]) == 9
    assert seen[True] == set(range(60)) - seen[False]


def test_few_rows_are_tensors_at_once(shape: partial[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    part, contract = rows(classes=False)
    sizes: list[int] = []
    tensor = pytorch._tensor  # noqa: SLF001 (the one way to tensors)

    def noted(batch: Any) -> Any:  # noqa: ANN401 (a table, as a tensor)
        sizes.append(len(batch))
        return tensor(batch)

    monkeypatch.setattr(pytorch, "_tensor", noted)
    monkeypatch.setattr(pytorch, "AT_ONCE", 50)
    candidate(TorchRegressor(shape, most_passes=1)).fit(part, contract, {})
    assert sizes[:2] == [64, 64]  # where nothing is said
    sizes.clear()
    network = candidate(TorchRegressor(shape, batch_rows=30, most_passes=1))
    model = network.fit(part, contract, {})
    assert max(sizes[:10]) == 30
    assert len(model.predict(part, contract)) == len(part)
    assert max(sizes) == 50


def test_it_is_told_which_columns_are_categories(shape: partial[Any]) -> None:
    part, contract = rows(classes=False)
    model = candidate(TorchRegressor(shape, most_passes=1)).fit(part, contract, {}).pipeline
    assert model[-1].leading_categories == 1
    (embedding,) = model[-1].whole_.network.embeddings
    assert embedding.num_embeddings == 3
    assert not embedding.weight[0].any()  # of one never seen


def test_it_cannot_be_held_to_a_direction(shape: partial[Any]) -> None:
    part, contract = rows(classes=False)
    model = candidate(TorchRegressor(shape, most_passes=1)).fit(part, contract, {}).pipeline
    size = contract.columns[0].model_copy(update={"monotone": 1})
    assert keeps(model, contract)
    assert not keeps(model, contract.model_copy(update={"columns": (size, *contract.columns[1:])}))
