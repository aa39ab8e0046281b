"""The API gives the model's own answers, refuses what the contract forbids, and logs."""

import json
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.answer.champion import REFRESH_SECONDS
from fourhats_runtime.contract import Contract
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.serve import create_app
from fourhats_runtime.tasks import answers

BOTH = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
"""Runs a test with a model of either kind."""


@BOTH
def test_the_answer_is_the_models_own(
    client: TestClient, record: dict[str, Any], ran: Project
) -> None:
    champion = Model.champion(ran)
    columns = {name: [value, value] for name, value in record.items()}
    answer = client.post("/predict", json=[record, record]).json()
    assert answer["model_version"] == champion.version
    given = answers(champion.rule, champion.predict(columns))
    for name, values in given.items():
        assert [prediction.pop(name) for prediction in answer["predictions"]] == values.tolist()
    assert answer["predictions"] == [{}, {}]


def test_a_request_id_is_made_or_taken_over(client: TestClient, record: dict[str, Any]) -> None:
    made = client.post("/predict", json=[record]).json()["request_id"]
    again = client.post("/predict", json=[record]).json()["request_id"]
    taken = client.post("/predict", json=[record], headers={"x-request-id": "mine"}).json()
    assert made != again
    assert taken["request_id"] == "mine"


def test_an_unknown_field_is_named(client: TestClient, record: dict[str, Any]) -> None:
    response = client.post("/predict", json=[record, record | {"nonsense": 1}])
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", 1, "nonsense"]


@BOTH
def test_an_invalid_value_is_named(
    client: TestClient, record: dict[str, Any], contract: Contract
) -> None:
    for column in contract.features:
        response = client.post("/predict", json=[record | {column.name: ["no value"]}])
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", 0, column.name]


def test_a_missing_field_is_named_unless_it_may_be_missing(
    client: TestClient, record: dict[str, Any], contract: Contract
) -> None:
    for column in contract.features:
        rest = {name: value for name, value in record.items() if name != column.name}
        response = client.post("/predict", json=[rest])
        if column.nullable:
            assert response.status_code == 200
        else:
            assert response.json()["detail"][0]["loc"] == ["body", 0, column.name]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'"text"', b"[1]", b"\xff"])
def test_a_body_that_is_no_list_of_records_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/predict", content=body).status_code == 422


@BOTH
def test_every_answer_is_in_the_prediction_log(
    client: TestClient, record: dict[str, Any], ran: Project
) -> None:
    answer = client.post("/predict", json=[record]).json()
    (file,) = (ran.artifacts / "predictions").glob("*.jsonl")
    entry = json.loads(file.read_text(encoding="utf-8").splitlines()[-1])
    assert entry["request_id"] == answer["request_id"]
    assert entry["predictions"] == answer["predictions"]
    assert {name: entry["records"][0][name] for name in record} == record


def test_the_prediction_log_goes_on_when_the_api_starts_again(
    record: dict[str, Any], ran: Project
) -> None:
    given = []
    for _ in range(2):
        with TestClient(create_app(ran)) as client:
            given.append(client.post("/predict", json=[record]).json()["request_id"])
    files = sorted((ran.artifacts / "predictions").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert [json.loads(line)["request_id"] for line in lines] == given


def test_a_new_champion_is_taken_over_while_requests_go_on(
    client: TestClient, record: dict[str, Any], ran: Project
) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    folder = registry.folder(champion)
    card = registry.card(champion) | {"note": "the next one"}
    graph = (folder / "model.onnx").read_bytes()
    following = registry.add(graph, (folder / "contract.toml").read_text(encoding="utf-8"), card)
    registry.point("champion", following)
    deadline = time.monotonic() + 20 * REFRESH_SECONDS
    versions = {champion}
    while following not in versions and time.monotonic() < deadline:
        response = client.post("/predict", json=[record])
        assert response.status_code == 200
        versions.add(response.json()["model_version"])
    assert versions == {champion, following}


def test_without_a_champion_it_is_alive_but_not_ready(fresh: Project) -> None:
    with TestClient(create_app(fresh)) as client:
        assert client.get("/health").json() == {"status": "alive", "version": ""}
        assert client.get("/ready").status_code == 503
        assert client.post("/predict", json=[{}]).status_code == 503
        assert "no champion yet" in client.get("/").text


def test_the_figures_count_requests_by_status(client: TestClient, record: dict[str, Any]) -> None:
    client.post("/predict", json=[record])
    client.post("/predict", json=[{}])
    figures = client.get("/metrics").text
    assert 'predict_requests_total{status="200"} 1.0' in figures
    assert 'predict_requests_total{status="422"} 1.0' in figures
    assert "predict_seconds_count 2.0" in figures


@BOTH
def test_the_example_of_the_description_is_answered(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/predict", json=content["example"]).status_code == 200
    assert content["schema"]["items"]["$ref"].split("/")[-1] in document["components"]["schemas"]


@BOTH
def test_the_page_answers_in_words(
    client: TestClient, record: dict[str, Any], contract: Contract
) -> None:
    form = {name: "" if value is None else str(value) for name, value in record.items()}
    page = client.get("/").text
    assert all(f'name="{column.name}"' in page for column in contract.features)
    answer = client.post("/", data=form)
    assert answer.status_code == 200
    assert "on average" in answer.text


def test_the_page_says_which_field_is_wrong_and_keeps_what_was_typed(
    client: TestClient, record: dict[str, Any], contract: Contract
) -> None:
    form = {name: "" if value is None else str(value) for name, value in record.items()}
    wrong = next((c for c in contract.features if c.is_number), contract.features[0]).name
    answer = client.post("/", data=form | {wrong: "<b>much</b>"})
    assert answer.status_code == 422
    assert f"{wrong}: " in answer.text
    assert "<b>much</b>" not in answer.text
