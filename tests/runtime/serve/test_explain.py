"""What each feature adds to a prediction: Shapley's axioms, on figures known and on the model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.serve import explain
from numpy.typing import NDArray

Sets = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Share = Callable[[Callable[[Sets], Numbers], int], Numbers]

BOTH = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
"""Runs a test with a model of either kind."""


@pytest.fixture(params=["exact", "sampled"])
def values_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Share:
    """Give the way to share out a figure, in each of its two ways."""
    if request.param == "sampled":
        monkeypatch.setattr(explain, "MOST_FEATURES_EXACT", 0)
    return explain.shapley_values


def test_of_a_sum_each_feature_has_its_own_part(values_of: Share) -> None:
    parts = [3.0, -1.0, 0.0, 0.5]

    def figure(sets: Sets) -> Numbers:
        return np.asarray(sets @ np.array(parts), dtype=np.float64)

    assert values_of(figure, 4) == pytest.approx(parts)


def test_what_two_features_do_together_is_halved(values_of: Share) -> None:
    def figure(sets: Sets) -> Numbers:
        return np.asarray(6.0 * sets[:, 0] * sets[:, 2], dtype=np.float64)

    values = values_of(figure, 3)
    # Each order is taken forwards and backwards: of two features, either is the second in half.
    assert values == pytest.approx([3.0, 0.0, 3.0])


def test_exact_values_are_those_of_all_orders() -> None:
    def figure(sets: Sets) -> Numbers:
        known = sets[:, 0] * (1.0 + 2.0 * sets[:, 1]) * (1.0 + 4.0 * sets[:, 2])
        return np.asarray(known, dtype=np.float64)

    # By hand: 1 for itself, 2 and 4 shared by two, 8 by three.
    third = 8 / 3
    expected = [1 + 1 + 2 + third, 1 + third, 2 + third]
    assert explain.shapley_values(figure, 3) == pytest.approx(expected)


@BOTH
def test_contributions_add_up_and_what_is_typical_adds_nothing(
    client: TestClient, record: dict[str, Any], contract: Contract, ran: Project
) -> None:
    column = next((c for c in contract.features if c.is_number), contract.features[0])
    changed = record | {column.name: _another(record[column.name], column)}
    given = {"x-request-id": "why"}
    answer = client.post("/explain", json=[record, changed], headers=given).json()
    assert answer["request_id"] == "why"
    assert answer["model_version"] == Model.champion(ran).version
    typical, other = answer["explanations"]
    assert set(other["contributions"]) == {column.name for column in contract.features}
    assert set(typical["contributions"].values()) == {0.0}
    assert typical["value"] == typical["typical_value"] == other["typical_value"]
    difference = other["value"] - other["typical_value"]
    assert other["contributions"][column.name] == pytest.approx(difference, rel=1e-4, abs=1e-6)


def test_sampled_contributions_add_up_too(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "MOST_FEATURES_EXACT", 0)
    model = Model.champion(ran)
    columns = {column.name: [_some(column)] for column in model.contract.features}
    (found,) = explain.explain(model, columns)
    total = sum(found["contributions"].values())
    assert total == pytest.approx(found["value"] - found["typical_value"], rel=1e-4, abs=1e-6)


@BOTH
def test_what_is_explained_is_what_was_predicted(
    client: TestClient, record: dict[str, Any]
) -> None:
    (told,) = client.post("/explain", json=[record]).json()["explanations"]
    (given,) = client.post("/predict", json=[record]).json()["predictions"]
    predicted = given["prediction"] if given["probability"] is None else given["probability"]
    assert told["value"] == pytest.approx(predicted, rel=1e-5)


def test_as_many_as_would_take_long_are_refused(client: TestClient, record: dict[str, Any]) -> None:
    response = client.post("/explain", json=[record] * (explain.MOST_EXPLAINED + 1))
    assert response.status_code == 422
    assert client.post("/explain", json=[{"nonsense": 1}]).status_code == 422


def _some(column: Column) -> Any:  # noqa: ANN401
    """Give a value that the contract allows."""
    if column.is_time:
        return "2026-01-05"
    return 0.0 if column.is_number else (*column.categories, "?")[0]


def _another(value: Any, column: Column) -> Any:  # noqa: ANN401
    """Give another value that the contract allows."""
    limits = [limit for limit in (column.min, column.max) if limit is not None]
    others = [other for other in (*column.categories, *limits) if other != value]
    return others[0] if others else 1 - value if column.type == "boolean" else (value or 0) + 1


@BOTH
def test_the_page_says_what_an_answer_goes_by(client: TestClient, ran: Project) -> None:
    model = Model.champion(ran)
    typical = explain.reasons(model, {name: [value] for name, value in model.example.items()})
    assert typical == []  # nothing is other than usual
    moved = [c for c in model.contract.features if c.is_number or c.type == "category"]
    example: dict[str, Any] = model.example
    other = example | {c.name: _another(example[c.name], c) for c in moved}
    if model.contract.classes:  # a usual customer stays, whatever one thing is other than usual
        other |= {"support_calls": 9.0, "monthly_fee": 110.0, "contract": "monthly"}
    columns = {name: [value] for name, value in other.items()}
    said = explain.reasons(model, columns)
    (found,) = explain.explain(model, columns)
    parts = sorted(map(abs, found["contributions"].values()), reverse=True)
    assert 1 <= len(said) <= min(3, sum(part > 0 for part in parts))
    strongest = max(found["contributions"], key=lambda name: abs(found["contributions"][name]))
    assert said[0].startswith(strongest)
    way = "raises" if found["contributions"][strongest] > 0 else "lowers"
    assert f"that {way} the {found['of']} by " in said[0]
    form = {name: "" if value is None else str(value) for name, value in other.items()}
    page = client.post("/", data=form, headers={"Sec-Fetch-Site": "same-origin"}).text
    assert "What weighs the most:" in page
    assert page.count("<li>") >= len(said)
