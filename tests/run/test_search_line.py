"""A search of the client's own documents: compared, asked over HTTP, judged, refreshed, watched."""

from __future__ import annotations

import csv
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.runtime.search import world
from tests.services.rendered import Project, champion, command, install, render, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWERS: dict[str, Any] = {
    "project_name": "Library",
    "task": "search",
    "files_path": "data/pages.csv",
    "orchestrator": "none",
    "ci": "none",
}
QUESTION = "automobile medic"
"""Of the page p0, in none of its words."""
TOLD = '[questions]\npath = "config/questions.csv"\n\n[[columns]]'
SECONDS = 20.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project of the made-up library that has run once, with models in its folder."""
    folder = tmp_path_factory.mktemp("search") / "library"
    project = render(folder, **ANSWERS)
    for name in ("data", "models"):
        (folder / name).mkdir()
    world.write_rows(folder, world.rows())
    world.models(folder / "models")
    config = folder / "config"
    with (config / "search.toml").open("a", encoding="utf-8") as file:
        file.write(world.search_toml(folder))
    contract = world.CONTRACT.replace("[[columns]]", TOLD, 1)
    (config / "contract.toml").write_text(contract, encoding="utf-8")
    with (config / "questions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "id"), *world.questions()])
    install(project)
    command(project, "run")
    return project


@pytest.fixture(scope="module")
def url(project: Project) -> Iterator[str]:
    with serve(project) as running:
        yield running


def ids(url: str, **asked: Any) -> list[str]:  # noqa: ANN401 - of the query
    answer = httpx.get(f"{url}/search", params={"q": QUESTION, **asked}, timeout=30)
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    return [each["id"] for each in result["answers"]]


def test_words_and_models_together_are_chosen_and_worth_something(project: Project) -> None:
    facts = json.loads(command(project, "evaluate", "--json").stdout)
    assert facts["made_up"] is False
    assert facts["weak"] is False
    assert facts["gain"]["low"] > 0
    card = json.loads(
        (
            project.folder / "artifacts/registry/versions" / champion(project) / "model.json"
        ).read_text(encoding="utf-8")
    )
    assert "bm25" in card["model"]
    assert " and " in card["model"]


def test_it_is_asked_over_http(url: str) -> None:
    assert ids(url)[0] == "p0"
    assert ids(url, filter="shelf:north")[0] != "p0"
    many = {"questions": [QUESTION, "code7"], "k": 1}
    results = httpx.post(f"{url}/search", json=many, timeout=30).json()["results"]
    assert [each["answers"][0]["id"] for each in results] == ["p0", "p7"]
    page = httpx.get(url, params={"q": QUESTION}, timeout=30).text
    assert "https://pages.example/0" in page
    assert httpx.get(f"{url}/owner", timeout=30).json()["owner"] == "Head of support"


def test_what_people_make_of_answers_is_watched(project: Project, url: str) -> None:
    for _ in range(25):
        (result,) = httpx.get(f"{url}/search", params={"q": QUESTION}).json()["results"]
        seen = [{"search_id": result["search_id"], "document": "p0", "sign": "right"}]
        assert httpx.post(f"{url}/outcomes", json=seen).json() == {"outcomes": 1}
    found = {each["incident"]: each for each in facts_of(project, "monitor")["findings"]}
    assert found["search:index"]["state"] == "fine"
    assert found["search:value"]["state"] == "fine"
    # Of the one question, asked again and again, everybody sees that it is another mix.
    assert found["search:questions"]["state"] in {"alert", "unknown"}
    figures = httpx.get(f"{url}/metrics").text
    assert 'predict_requests_total{status="200"}' in figures
    assert "predict_seconds_count" in figures


def facts_of(project: Project, step: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(command(project, step, "--json").stdout)
    return facts


def test_new_documents_are_found_no_request_is_dropped_and_back(project: Project, url: str) -> None:
    before, wrong, asked, done = champion(project), [], 0, threading.Event()

    def go_on_asking() -> None:
        nonlocal asked
        with httpx.Client(timeout=30) as client:
            while not done.is_set():
                answer = client.get(f"{url}/search", params={"q": QUESTION})
                asked += 1
                if answer.status_code != 200 or not answer.json()["results"][0]["answers"]:
                    wrong.append(answer.text)

    asking = threading.Thread(target=go_on_asking)
    asking.start()
    try:
        pages = world.rows()
        pages.append(pages[1] | {"page": "p99", "title": "about grove", "body": "a zeppelin"})
        world.write_rows(project.folder, pages)
        command(project, "run")
        assert champion(project) != before
        deadline = time.monotonic() + SECONDS
        while "p99" not in ids(url, q="zeppelin"):
            assert time.monotonic() < deadline, "the new champion is not taken over"
            time.sleep(0.1)
    finally:
        done.set()
        asking.join()
    assert asked > 20
    assert wrong == []
    command(project, "rollback", "--now")
    assert champion(project) == before
    deadline = time.monotonic() + SECONDS
    while "p99" in ids(url, q="zeppelin"):
        assert time.monotonic() < deadline, "the champion before is not taken over"
        time.sleep(0.1)


def test_a_table_of_questions_is_answered(project: Project) -> None:
    (project.folder / "data" / "batch.csv").write_text(f"text\n{QUESTION}\n", encoding="utf-8")
    command(project, "score")
    path = project.folder / "artifacts" / "scores" / "answers.csv"
    with path.open(encoding="utf-8") as file:
        first, *_ = csv.DictReader(file)
    assert (first["id"], first["rank"]) == ("p0", "1")


def test_the_client_accepts_it(project: Project) -> None:
    done = command(project, "accept", "--json", check=False)
    states = {each["name"]: each["state"] for each in json.loads(done.stdout)["criteria"]}
    for name in ("value", "latency", "available", "rows", "age"):
        assert states[name] == "met", done.stdout
    command(project, "status")
    status = (project.folder / "docs" / "status.md").read_text(encoding="utf-8")
    assert "| MRR |" in status
