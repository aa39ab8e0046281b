"""Outcomes come in by POST /outcomes, as the contract says, and are kept."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.monitor.predictions import collect

BOTH = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
"""Runs a test with a model of either kind."""


@pytest.fixture
def outcomes(contract: Contract) -> list[dict[str, Any]]:
    """Give two outcomes of one prediction, and one of another."""
    values: tuple[str, ...] | tuple[float, float] = contract.classes
    if not values:
        low, high = contract.target.min, contract.target.max
        low = low if low is not None else (0 if high is None else high - 1)
        values = low, high if high is not None else low + 1
    given = [("r-0", values[0]), ("r-1", values[0]), ("r-0", values[1])]
    return [{"prediction_id": key, "actual": value} for key, value in given]


def entries(ran: Project) -> list[dict[str, Any]]:
    paths = sorted((ran.artifacts / "outcomes").glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


@BOTH
def test_outcomes_are_kept_in_order_and_counted(
    client: TestClient, outcomes: list[dict[str, Any]], ran: Project
) -> None:
    answer = client.post("/outcomes", json=outcomes, headers={"x-request-id": "told"})
    assert answer.json() == {"request_id": "told", "outcomes": 3, "predictions": 2}
    kept = entries(ran)
    assert all(entry.pop("received_at").endswith("Z") for entry in kept)
    assert kept == [{"request_id": "told", **outcome} for outcome in outcomes]


@BOTH
def test_monitoring_gives_each_prediction_the_last_of_its_outcomes(
    client: TestClient, outcomes: list[dict[str, Any]], record: dict[str, Any], ran: Project
) -> None:
    client.post("/predict", json=[record, record], headers={"x-request-id": "r"})
    client.post("/outcomes", json=outcomes)
    with connect(ran) as connection:
        collect(connection, ran, ran.contract)
        query = "SELECT prediction_id, actual FROM predictions WHERE prediction_id LIKE 'r-%'"
        found = sorted(connection.execute(query).fetchall())
    expected = [("r-0", outcomes[2]["actual"]), ("r-1", outcomes[1]["actual"])]
    assert [key for key, _ in found] == [key for key, _ in expected]
    for (_, told), (_, actual) in zip(found, expected, strict=True):
        assert told == actual if isinstance(actual, str) else float(told) == actual


@BOTH
def test_one_that_the_contract_forbids_keeps_the_whole_list_out(
    client: TestClient, outcomes: list[dict[str, Any]], ran: Project
) -> None:
    for wrong in ({"actual": "no such class"}, {"actual": None}, {"prediction_id": ""}, {"x": 1}):
        response = client.post("/outcomes", json=[outcomes[0], outcomes[1] | wrong])
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", 1, *wrong]
    assert entries(ran) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[1]", b"\xff"])
def test_a_body_that_is_no_list_of_outcomes_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/outcomes", content=body).status_code == 422


def test_the_example_of_the_description_is_taken_in(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/outcomes"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/outcomes", json=content["example"]).status_code == 200
