"""A request on trial is answered and logged like any other, and marked: nobody decided by it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.business import Business
from fourhats_runtime.data.warehouse import scratch, values
from fourhats_runtime.monitor.predictions import collect, remember_outcomes
from fourhats_runtime.serve import create_app

from tests.runtime.handmade import EXAMPLE

TODAY = datetime.now(UTC).date()
FORM = {"signed_on": "2026-01-07T10:30", "fee": "3"}
FILE = {"file": ("some.csv", b"Signed on,Fee\n2026-01-07,3\n", "text/csv")}


def test_the_header_marks_a_request_and_changes_no_answer(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        given = [_ask(client, name, trial) for name, trial in _MARKS.items()]
    assert [answer.pop("request_id") for answer in given] == list(_MARKS)
    assert all(answer == given[0] for answer in given)
    assert _marked(made) == {"plain": False, "said": True, "denied": False}


@pytest.mark.parametrize("mark", ["", "1", "True", "yes", "true, true"])
def test_a_mark_that_is_neither_is_refused(made: Project, mark: str) -> None:
    with TestClient(create_app(made)) as client:
        answer = client.post("/predict", json=[EXAMPLE], headers={"x-trial": mark})
    assert answer.status_code == 422
    assert answer.json() == {"detail": "X-Trial is true or false"}
    assert _marked(made) == {}


@pytest.mark.parametrize(
    ("live_since", "is_live"),
    [("", False), (f"{TODAY + timedelta(days=2)}", False), (f"{TODAY - timedelta(days=1)}", True)],
)
def test_the_page_is_on_trial_until_the_project_is_live(
    made: Project, live_since: str, *, is_live: bool
) -> None:
    project = _live(made, live_since)
    with TestClient(create_app(project)) as client:
        page = client.get("/").text
        client.post("/", data=FORM, headers={"x-request-id": "form"})
        client.post("/file", files=FILE, headers={"x-request-id": "file"})
        client.post("/predict", json=[EXAMPLE], headers={"x-request-id": "system"})
        client.post("/", data=FORM, headers={"x-request-id": "tried", "x-trial": "true"})
    assert ("counts as no decision" in page) is not is_live
    assert _marked(project) == {
        "form": not is_live,
        "file": not is_live,
        "system": False,
        "tried": True,
    }


@pytest.mark.parametrize(("days", "is_live"), [(None, False), (1, False), (0, True), (-1, True)])
def test_a_project_is_live_from_its_day_on(days: int | None, *, is_live: bool) -> None:
    since = None if days is None else TODAY + timedelta(days=days)
    business = Business(problem="p", decision="d", owner="o", live_since=since)
    assert business.is_live(TODAY) is is_live


def test_what_was_on_trial_is_among_no_predictions(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        for name, trial in _MARKS.items():
            _ask(client, name, trial)
    with scratch(made) as connection:
        connection.execute('CREATE TABLE clean ("left" VARCHAR)')
        remember_outcomes(connection, made.contract)
        collect(connection, made, made.contract)
        counted = values(connection, "SELECT prediction_id FROM predictions")["prediction_id"]
        apart = values(connection, "SELECT prediction_id, reason FROM not_counted")
    assert sorted(counted) == ["denied-0", "plain-0"]
    assert apart == {"prediction_id": ["said-0"], "reason": ["trial"]}


def test_the_header_is_described(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        paths = client.get("/openapi.json").json()["paths"]
    (header,) = paths["/predict"]["post"]["parameters"]
    assert (header["name"], header["in"]) == ("X-Trial", "header")
    assert header["schema"]["enum"] == ["true", "false"]
    assert "counts neither as a decision" in header["description"]


_MARKS: dict[str, str | None] = {"plain": None, "said": "true", "denied": "false"}
"""What a request says in X-Trial, by its id."""


def _ask(client: TestClient, name: str, trial: str | None) -> dict[str, Any]:
    headers = {"x-request-id": name} | ({"x-trial": trial} if trial else {})
    answer: dict[str, Any] = client.post("/predict", json=[EXAMPLE], headers=headers).json()
    return answer


def _marked(project: Project) -> dict[str, bool]:
    """Tell of each request in the log whether it is marked as a trial."""
    lines = [
        json.loads(line)
        for file in (project.artifacts / "predictions").glob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return {line["request_id"]: line.get("trial", False) for line in lines}


def _live(project: Project, since: str) -> Project:
    """Say in config/business.toml since when people decide by the page."""
    file = project.folder / "config" / "business.toml"
    said = f"[business]\nlive_since = {since}" if since else "[business]"
    file.write_text(file.read_text(encoding="utf-8").replace("[business]", said), encoding="utf-8")
    return project.at(project.folder)
