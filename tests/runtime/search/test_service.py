"""The service of a search: what it answers, whom, and what it notes."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.search.answers import SNIPPET_WORDS, reply
from fourhats_runtime.search.log import searches
from fourhats_runtime.search.questions import by_people
from fourhats_runtime.search.version import load_version
from fourhats_runtime.serve import create_app

from tests.runtime.serve.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project


@pytest.fixture
def client(searched: Project) -> Iterator[TestClient]:
    with TestClient(create_app(searched)) as client:
        yield client


def test_a_question_is_answered_with_snippet_link_and_reason(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "automobile medic", "k": 2}).json()
    (result,) = answer["results"]
    first, _ = result["answers"]
    assert first["id"] == "p0"
    assert first["time"] == "2026-01-01T00:00:00"
    assert first["link"] == "https://pages.example/0"
    assert "a car with a doctor" in first["snippet"]
    assert first["reason"] == "is near in meaning"
    assert client.get("/ready").json()["model_version"] == answer["model_version"]


def test_a_word_that_is_shared_is_named(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "code7"}).json()
    first, *_ = answer["results"][0]["answers"]
    assert (first["id"], first["reason"].partition(",")[0]) == ("p7", "has the words code7")


@pytest.mark.parametrize(("place", "dots"), [(10, True), (65, False)])
def test_a_snippet_is_cut_around_what_was_asked(searched: Project, place: int, dots: bool) -> None:  # noqa: FBT001
    words = ["word"] * 70
    words[place] = "Automobile,"
    champion = Registry(searched.artifacts / "registry").require("champion")
    loaded = load_version(searched, champion)
    version = dataclasses.replace(loaded, passages={0: ("short", " ".join(words))})
    (given,) = reply(version, ["automobile medic"], 1)
    snippet = given.answers[0].snippet
    assert "Automobile," in snippet
    assert len(snippet.split()) <= SNIPPET_WORDS
    assert snippet.endswith("…") == dots
    assert given.answers[0].reason.startswith("has the words automobile")


def test_nothing_fits_a_question_of_unknown_words(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "quux"}).json()
    assert answer["results"][0]["answers"] == []


def test_filters_leave_other_documents_out(client: TestClient) -> None:
    asked = {"q": "automobile medic", "k": "10", "filter": "shelf:north"}
    found = client.get("/search", params=asked).json()["results"][0]["answers"]
    assert found
    assert all(int(answer["id"][1:]) % 2 for answer in found)


def test_many_questions_are_answered_in_their_order(client: TestClient) -> None:
    asked = {"questions": ["automobile medic", "quux", "code7"], "k": 1}
    results = client.post("/search", json=asked).json()["results"]
    ids = [[answer["id"] for answer in result["answers"]] for result in results]
    assert ids == [["p0"], [], ["p7"]]


@pytest.mark.parametrize(
    "asked", [{}, {"q": ""}, {"q": "car", "k": 0}, {"q": "car", "filter": "no:such"}]
)
def test_what_cannot_be_asked_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    answer = client.get("/search", params=asked)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_filter_that_is_not_there_is_named_beside_those_that_are(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "car", "filter": "no:such"})
    assert answer.json()["detail"] == "there is no filter 'no': there are shelf"


def test_clicks_and_judgements_are_in_the_log_trials_are_not(
    client: TestClient, searched: Project
) -> None:
    result = client.get("/search", params={"q": "automobile medic"}).json()["results"][0]
    client.get("/search", params={"q": "a trial"}, headers={"X-Trial": "true"})
    seen = {"search_id": result["search_id"], "document": "p0", "sign": "click"}
    assert client.post("/outcomes", json=[seen]).json() == {"outcomes": 1}
    (search,) = searches(searched, 10)
    assert (search.question, search.clicked, search.judged) == ("automobile medic", 1, None)
    assert client.post("/outcomes", json=[seen | {"sign": "wrong"}]).status_code == 200
    (search,) = searches(searched, 10)
    assert (search.clicked, search.judged) == (None, False)
    assert client.post("/outcomes", json=[seen | {"sign": "liked"}]).status_code == 422


def test_the_page_shows_answers_and_that_nothing_fits(client: TestClient) -> None:
    assert 'name="shelf"' in client.get("/").text
    page = client.get("/", params={"q": "automobile medic", "shelf": "south"}).text
    assert '<a href="https://pages.example/0">about car</a>' in page
    assert "Nothing fits." in client.get("/", params={"q": "quux"}).text
    assert "&lt;script&gt;" in client.get("/", params={"q": "<script>"}).text


def test_people_judge_answers_on_the_page(client: TestClient, searched: Project) -> None:
    page = client.get("/", params={"q": "automobile medic"}).text
    hidden = re.findall(r'name="(search_id|document|back)" value="([^"]*)"', page)
    form = dict(hidden[:3]) | {"sign": "right"}
    answer = client.post("/label", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "./?q=automobile+medic")
    (search,) = searches(searched, 10)
    assert (search.judged, search.signs) == (1, {"p0": "right"})
    assert client.post("/label", data=form | {"sign": "liked"}).status_code == 422


def on_label(client: TestClient, skip: int = 0) -> tuple[str, dict[str, str]]:
    """Give the page, and what its last form sends."""
    page = client.get("/label", params={"skip": skip}).text
    hidden = re.findall(r'name="(search_id|back)" value="([^"]*)"', page)
    return page, dict(hidden[-2:])


def test_what_others_asked_is_judged_on_a_page_of_its_own(
    client: TestClient, searched: Project
) -> None:
    assert "Every question that was asked is judged." in client.get("/label").text
    for question in ("automobile medic", "quux", "automobile medic", "code7", "quux", "quux"):
        client.get("/search", params={"q": question})
    page, form = on_label(client)
    assert "<h2>quux</h2>" in page
    assert "0 questions are judged" in page
    sent = client.post("/label", data=form | {"sign": "none"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "./label?skip=0")
    page, form = on_label(client)
    assert "<h2>automobile medic</h2>" in page
    assert page.count('value="right"') == 10
    assert "1 questions are judged" in page
    client.post("/label", data=form | {"sign": "right", "document": "p0"})
    page, _ = on_label(client)
    assert "<h2>code7</h2>" in page
    page, _ = on_label(client, skip=1)
    assert "These were all questions." in page
    found = {each.text: each.right for each in by_people(searched)}
    assert found == {"quux": frozenset(), "automobile medic": frozenset({"p0"})}
    assert len(searches(searched, 100)) == 6


def test_the_page_leads_nobody_elsewhere(client: TestClient) -> None:
    form = {"search_id": "s", "sign": "none", "back": "https://elsewhere.example"}
    assert client.post("/label", data=form, follow_redirects=False).status_code == 422
    form["back"] = "/elsewhere.example"
    assert client.post("/label", data=form, follow_redirects=False).status_code == 422


def test_who_has_no_key_sees_no_answer(searched: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY_HASHES", hashlib.sha256(b"the key").hexdigest())
    with TestClient(create_app(searched.at(searched.folder))) as client:
        for path in ("/search?q=car", "/?q=car", "/label"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"X-API-Key": "the key"}).status_code == 200
        assert client.get("/health").status_code == 200


def with_two_answers(project: Project) -> str:
    """Make a version champion that gives two answers; gives its name."""
    registry = Registry(project.artifacts / "registry")
    before = registry.require("champion")
    card = registry.card(before)
    files = {name: (registry.folder(before) / name).read_bytes() for name in card["files"]}
    contract = (registry.folder(before) / "contract.toml").read_text(encoding="utf-8")
    assert card["rule"]["answers"] != 2
    rule = card["rule"] | {"answers": 2}
    other = registry.add(b"", contract, card | {"rule": rule}, files)
    registry.make_champion(other, "promoted", "for the test")
    return other


def test_no_request_is_dropped_while_a_champion_is_swapped(searched: Project) -> None:
    before = Registry(searched.artifacts / "registry").require("champion")
    swapped = threading.Event()
    answered: list[tuple[int, str, int]] = []

    def ask(port: int) -> None:
        deadline = time.monotonic() + 60
        connection = http.client.HTTPConnection("127.0.0.1", port)
        seen, after = set[str](), 0
        while len(seen) < 2 or after < 5:
            assert time.monotonic() < deadline
            connection.request("GET", "/search?q=automobile+medic")
            answer = connection.getresponse()
            said = json.loads(answer.read())
            found = len(said["results"][0]["answers"])
            answered.append((answer.status, said["model_version"], found))
            seen.add(said["model_version"])
            after += said["model_version"] != before
            if len(answered) > 20:
                swapped.set()
        connection.close()

    with served(create_app(searched)) as there, ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask, there.port) for _ in range(4)]
        swapped.wait(60)
        other = with_two_answers(searched)
        for each in asking:
            each.result()
    assert {status for status, *_ in answered} == {200}
    assert {version for _, version, _ in answered} == {before, other}
    assert {found for _, version, found in answered if version == other} == {2}


def test_a_new_champion_is_taken_over_between_two_requests(
    client: TestClient, searched: Project
) -> None:
    service = client.app.predictor  # type: ignore[attr-defined]
    other = with_two_answers(searched)
    service.refresh()
    answer = client.get("/search", params={"q": "automobile medic"}).json()
    assert answer["model_version"] == other
    assert len(answer["results"][0]["answers"]) == 2


def test_a_damaged_champion_leaves_who_answers_at_work(
    client: TestClient, searched: Project
) -> None:
    service = client.app.predictor  # type: ignore[attr-defined]
    (searched.artifacts / "registry" / "champion").write_text("???", encoding="utf-8")
    service.refresh()
    assert client.get("/ready").status_code == 503
    assert client.get("/search", params={"q": "code7"}).status_code == 200


def test_the_description_names_the_routes(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/search", "/outcomes"} <= paths.keys()
    assert set(paths["/search"]) == {"get", "post"}


def test_what_is_asked_is_counted_and_timed(client: TestClient) -> None:
    client.post("/search", json={"questions": ["automobile medic", "quux"]})
    client.get("/search", params={"q": "car", "filter": "no:such"})
    client.get("/", params={"q": "car"})
    figures = client.get("/metrics").text
    assert 'predict_requests_total{status="200"} 1.0' in figures
    assert 'predict_requests_total{status="422"} 1.0' in figures
    assert "predict_seconds_count 2.0" in figures
    (records,) = re.findall(r"^predict_records_total\{.*\} (\S+)$", figures, re.MULTILINE)
    assert float(records) == 3, "two questions at once, and one on the page"
