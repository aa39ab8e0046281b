"""A stream of questions: each is answered once, or said why not, and stands in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.answer.journal import NotWrittenError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.search.log import searches
from fourhats_runtime.search.searcher import Searcher
from fourhats_runtime.stream.messages import Message
from fourhats_runtime.stream.metrics import Metrics
from fourhats_runtime.stream.search_replies import reply
from fourhats_runtime.stream.worker import Worker

from tests.runtime.stream.test_worker import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project


@pytest.fixture
def searcher(searched: Project) -> Iterator[Searcher]:
    searcher = Searcher.of(searched)
    yield searcher
    searcher.close()


@pytest.fixture
def broker() -> Memory:
    return Memory()


@pytest.fixture
def worker(searcher: Searcher, broker: Memory) -> Worker:
    return Worker(searcher, broker, Metrics(broker.lag), reply)


def test_each_question_is_answered_once_by_the_champion(
    worker: Worker, broker: Memory, searched: Project
) -> None:
    broker.send({"question": "automobile medic", "k": 1}, b"one")
    broker.send({"question": "code7", "filters": {"shelf": "north"}, "k": 2}, b"two")
    broker.send({"question": "quux"}, b"three")
    broker.send({"question": "code3"}, b"one")
    worker.step()
    champion = Registry(searched.artifacts / "registry").require("champion")
    assert {answer["model_version"] for answer in broker.answers.values()} == {champion}
    ids = {
        key: [each["id"] for each in answer["answers"]] for key, answer in broker.answers.items()
    }
    assert ids["one"] == ["p0"]
    assert ids["two"][0] == "p7"
    assert all(int(name[1:]) % 2 for name in ids["two"])
    assert ids["three"] == []
    assert broker.answers["one"]["search_id"] == "one-0"
    assert not broker.waiting


def test_what_is_asked_by_a_stream_is_in_the_log_but_for_trials(
    worker: Worker, broker: Memory, searched: Project
) -> None:
    broker.send({"question": "automobile medic"}, b"one")
    broker.send({"question": "code7"}, b"two", trial=b"true")
    worker.step()
    assert [(each.id, each.question) for each in searches(searched, 10)] == [
        ("one-0", "automobile medic")
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"no JSON", "Invalid JSON"),
        ({"question": ""}, "question: "),
        ({"question": "car", "k": 0}, "k: "),
        ({"query": "car"}, "question: Field required"),
        ({"question": "car", "filters": {"no": "such"}}, "there is no filter 'no'"),
    ],
)
def test_what_is_no_question_goes_aside_with_its_reason(
    worker: Worker, broker: Memory, record: object, reason: str
) -> None:
    broker.send(record, b"bad")
    broker.send({"question": "code7"}, b"good")
    worker.step()
    (said,) = broker.dead.values()
    assert reason in said
    assert list(broker.answers) == ["good"]


def test_a_question_that_the_model_fails_on_stops_no_other(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = searcher.search

    def failing(name: str, *about: object, **more: bool) -> object:
        if name == "bad":
            raise RuntimeError("out of order")
        return search(name, *about, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(searcher, "search", failing)
    records = [Message(name, name, b'{"question": "code7"}') for name in ("bad", "good")]
    bad, good = reply(searcher, searcher.loaded, records)  # type: ignore[arg-type]
    assert bad.reason == "the model cannot answer it: out of order"
    assert json.loads(good.answer)["answers"][0]["id"] == "p7"


def test_what_cannot_be_logged_is_not_answered(
    worker: Worker, broker: Memory, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: bool) -> None:
        raise NotWrittenError("the disk is full")

    monkeypatch.setattr(searcher.log, "append", full)
    broker.send({"question": "code7"}, b"one")
    with pytest.raises(NotWrittenError):
        worker.step()
    assert len(broker.waiting) == 1
