"""A challenger on trial: it answers its share, or predicts in the shadow, and disturbs nobody."""

import json
from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.predictions import collect
from fourhats_runtime.serve import create_app

from tests.runtime.configured import configured


@pytest.fixture
def versions(ran: Project) -> tuple[str, str]:
    """Give the champion and a challenger that takes the same records."""
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    folder = registry.folder(champion)
    card = registry.card(champion) | {"note": "on trial"}
    contract = (folder / "contract.toml").read_text(encoding="utf-8")
    return champion, registry.add((folder / "model.onnx").read_bytes(), contract, card)


def serve_with(ran: Project, **trial: Any) -> TestClient:  # noqa: ANN401
    return TestClient(create_app(configured(ran, serve=trial)))


def entries(ran: Project) -> list[dict[str, Any]]:
    paths = sorted((ran.artifacts / "predictions").glob("*.jsonl"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def ask(client: TestClient, record: dict[str, Any], request_id: str) -> str:
    answer = client.post("/predict", json=[record], headers={"x-request-id": request_id})
    assert answer.status_code == 200
    return str(answer.json()["model_version"])


def test_without_a_word_the_champion_answers_alone(
    ran: Project, record: dict[str, Any], versions: tuple[str, str]
) -> None:
    with serve_with(ran) as client:
        assert {ask(client, record, f"r{number}") for number in range(20)} == {versions[0]}
    assert not any("shadow" in entry for entry in entries(ran))


def test_the_challenger_answers_its_share_and_the_log_says_so(
    ran: Project, record: dict[str, Any], versions: tuple[str, str]
) -> None:
    with serve_with(ran, challenger_share=0.3) as client:
        answered = Counter(ask(client, record, f"r{number}") for number in range(300))
        figures = client.get("/metrics").text
    assert set(answered) == set(versions)
    assert 0.2 < answered[versions[1]] / 300 < 0.4
    assert Counter(entry["model_version"] for entry in entries(ran)) == answered
    for version, count in answered.items():
        assert f'predict_records_total{{model_version="{version}"}} {count}.0' in figures


def test_the_same_id_meets_the_same_model(
    ran: Project, record: dict[str, Any], versions: tuple[str, str]
) -> None:
    with serve_with(ran, challenger_share=0.5) as client:
        for number in range(10):
            met = {ask(client, record, f"r{number}") for _ in range(3)}
            assert len(met) == 1
            assert met < set(versions)


def test_a_shadow_is_in_the_log_beside_the_answer(
    ran: Project, record: dict[str, Any], versions: tuple[str, str], contract: Contract
) -> None:
    with serve_with(ran, shadow=True) as client:
        assert ask(client, record, "mine") == versions[0]
    (entry,) = entries(ran)
    assert (entry["model_version"], entry["shadow"]["model_version"]) == versions
    assert entry["shadow"]["predictions"] == entry["predictions"]
    with connect(ran) as connection:
        collect(connection, ran, contract)
        rows = connection.execute(
            "SELECT prediction_id, model_version FROM predictions WHERE prediction_id = 'mine-0'"
        ).fetchall()
    assert rows == [("mine-0", versions[0])]


def test_a_challenger_that_cannot_be_loaded_stops_nobody(
    ran: Project, record: dict[str, Any], versions: tuple[str, str]
) -> None:
    folder = Registry(ran.artifacts / "registry").folder(versions[1])
    (folder / "model.onnx").write_bytes(b"no model")
    with serve_with(ran, challenger_share=1.0, shadow=True) as client:
        assert ask(client, record, "mine") == versions[0]


def test_a_challenger_that_takes_other_records_is_not_on_trial(
    ran: Project, record: dict[str, Any], versions: tuple[str, str], contract: Contract
) -> None:
    path = Registry(ran.artifacts / "registry").folder(versions[1]) / "contract.toml"
    name = f'name = "{contract.features[0].name}"'
    text = path.read_text(encoding="utf-8")
    assert name in text
    path.write_text(text.replace(name, 'name = "renamed_since"'), encoding="utf-8")
    with serve_with(ran, challenger_share=1.0) as client:
        assert ask(client, record, "mine") == versions[0]
