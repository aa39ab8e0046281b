"""New amounts in config/business.toml change decisions at once, wherever they are taken."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.answer.predictor import predictions
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.monitor.decisions import taken
from fourhats_runtime.monitor.predictions import collect
from fourhats_runtime.pipeline import run_step
from fourhats_runtime.serve import create_app

BREAK_EVEN = 200 / 300
"""From this probability on acting pays, where it earns 100 rightly and -200 in vain."""


@pytest.fixture
def dear(ran: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project that has run, in which acting in vain has become ten times as dear."""
    monkeypatch.setenv("VALUE__ACT_WRONG", "-200")
    return ran.at(ran.folder)


def test_batch_api_and_stream_decide_by_the_amounts_of_the_moment(
    ran: Project, dear: Project, record: dict[str, Any]
) -> None:
    before = _scores(ran)
    run_step("score", dear)
    after = _scores(dear)
    assert after["probability"] == before["probability"]
    assert after["decision"] != before["decision"]
    for chance, decision, worth in zip(
        after["probability"], after["decision"], after["expected_value"], strict=True
    ):
        assert decision == ("act" if chance >= BREAK_EVEN else "leave")
        assert worth == pytest.approx(max(0.0, 100 * chance - 200 * (1 - chance)))
    champion = Model.champion(dear)
    columns = {name: after[name] for name in record}
    (one,) = predictions(champion, {name: [value] for name, value in record.items()})
    streamed = predictions(champion, columns)
    assert [each.decision for each in streamed] == after["decision"]
    assert [each.expected_value for each in streamed] == pytest.approx(after["expected_value"])
    with TestClient(create_app(dear)) as client:
        (answered,) = client.post("/predict", json=[record]).json()["predictions"]
    assert answered["decision"] == one.decision
    assert answered["expected_value"] == pytest.approx(one.expected_value)


def test_what_was_decided_stays_so_and_is_valued_anew(
    ran: Project, dear: Project, contract: Contract
) -> None:
    scores = _scores(ran)
    with connect(dear) as connection:
        collect(connection, dear, contract)
        connection.execute("UPDATE predictions SET actual = 'no'")
        found = taken(connection, dear, contract)
    assert scores["decision"].count("act") > 0
    assert found.earned.sum() == -200 * scores["decision"].count("act")


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_a_number_is_expected_to_earn_the_same_wherever_it_is_asked_for(
    ran: Project, record: dict[str, Any], client: TestClient
) -> None:
    scores, champion = _scores(ran), Model.champion(ran)
    assert len(set(scores["expected_value"])) > 1
    streamed = predictions(champion, {name: scores[name] for name in record})
    assert [each.expected_value for each in streamed] == scores["expected_value"]
    (one,) = predictions(champion, {name: [value] for name, value in record.items()})
    (answered,) = client.post("/predict", json=[record]).json()["predictions"]
    assert answered["expected_value"] == one.expected_value


def _scores(project: Project) -> dict[str, list[Any]]:
    with connect(project) as connection:
        return values(connection, "SELECT * FROM scores ORDER BY _source, _row")
