"""The worker answers each record once, says why it does not answer one, and waits out what passes.

The broker is one in memory that keeps to the same rules: what is read and not settled comes again.
"""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any, Literal

import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer import predictor as predictor_module
from fourhats_runtime.answer.journal import Journal, NotWrittenError
from fourhats_runtime.answer.predictor import Prediction, Predictor, predictions
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.predictions import collect
from fourhats_runtime.stream import metrics as metrics_module
from fourhats_runtime.stream.messages import (
    AwayError,
    Lag,
    Message,
    Outcome,
    Reply,
    keyed,
    on_trial,
)
from fourhats_runtime.stream.metrics import Metrics, served
from fourhats_runtime.stream.worker import NoChampionError, Worker, run
from fourhats_runtime.tasks import answers

from tests.runtime.configured import configured

BOTH = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
"""Runs a test with a model of either kind."""


class Memory:
    """A broker that forgets everything in the end."""

    def __init__(self) -> None:
        """Begin empty, and within reach."""
        self.waiting: list[Message] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.dead: dict[str, str] = {}
        self.away = False

    def send(self, record: object, key: bytes | None = None, trial: bytes | None = None) -> str:
        """Take a message in; gives its key."""
        place = f"{len(self.waiting) + len(self.answers) + len(self.dead)}"
        body = record if isinstance(record, bytes) else json.dumps(record).encode()
        name, fault = keyed(key, place)
        marked, unclear = on_trial(trial)
        message = Message(place, name, body, fault=fault or unclear, trial=marked)
        self.waiting.append(message)
        return name

    def read(self) -> list[Message]:
        """Give all that is not settled."""
        return [one._replace(answered=one.key in self.answers) for one in self.waiting]

    def settle(self, replies: Sequence[Reply]) -> list[Outcome]:
        """Keep what is sent."""
        if self.away:
            raise AwayError("the broker is away")
        outcomes: list[Outcome] = []
        for reply in replies:
            self.waiting = [one for one in self.waiting if one.id != reply.message.id]
            if reply.answer:
                assert reply.message.key not in self.answers
                self.answers[reply.message.key] = json.loads(reply.answer)
            elif reply.reason:
                self.dead[reply.message.id] = reply.reason
            outcomes.append("answered" if reply.answer else "dead" if reply.reason else "duplicate")
        return outcomes

    def lag(self) -> Lag:
        """Count what waits."""
        if self.away:
            raise AwayError("the broker is away")
        return Lag(len(self.waiting), 7.0)

    def close(self) -> None:
        """Do nothing: nothing is open."""


@pytest.fixture
def broker() -> Memory:
    """Give an empty broker."""
    return Memory()


@pytest.fixture
def metrics(broker: Memory) -> Metrics:
    """Give the figures of a worker on that broker."""
    return Metrics(broker.lag)


@pytest.fixture
def worker(ran: Project, broker: Memory, metrics: Metrics) -> Iterator[Worker]:
    """Give a worker of the project that has run."""
    with_log = Journal(ran.artifacts / "predictions", 1, 1_000_000)
    yield Worker(Predictor(ran, with_log), broker, metrics)
    with_log.close()


def entries(ran: Project) -> list[dict[str, Any]]:
    paths = sorted((ran.artifacts / "predictions").glob("*.jsonl"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [json.loads(line) for text in texts for line in text.splitlines()]


@BOTH
def test_the_answer_is_the_models_own(
    worker: Worker, broker: Memory, record: dict[str, Any], ran: Project
) -> None:
    broker.send(record, b"mine")
    broker.send(record)
    worker.step()
    champion = Model.champion(ran)
    columns = {name: [value] for name, value in record.items()}
    given = answers(champion.rule, champion.predict(columns))
    prediction = {name: values.item() for name, values in given.items()}
    for key in ("mine", "1"):
        answer = broker.answers[key]
        assert answer.pop("given_at")
        assert answer == prediction | {
            "key": key,
            "prediction_id": f"{key}-0",
            "model_version": champion.version,
        }
    assert not broker.waiting


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[{}]", b'"text"', b"1", b"null", b"\xff", b"[" * 100_000]
)
def test_what_is_no_record_is_a_dead_letter_and_stops_no_other(
    worker: Worker, broker: Memory, record: dict[str, Any], body: bytes
) -> None:
    place = broker.send(body)
    broker.send(record, b"mine")
    worker.step()
    assert set(broker.answers) == {"mine"}
    assert broker.dead[place]


def test_a_dead_letter_names_the_field(
    worker: Worker, broker: Memory, record: dict[str, Any], contract: Contract
) -> None:
    unknown = broker.send(record | {"nonsense": 1})
    wrong = {broker.send(record | {one.name: ["no"]}): one.name for one in contract.features}
    worker.step()
    assert broker.dead[unknown].startswith("nonsense: ")
    for place, name in wrong.items():
        assert broker.dead[place].startswith(f"{name}: ")


@pytest.mark.parametrize("key", [b"", b"\xff", b"a\nb", b"x" * 201])
def test_a_key_that_cannot_be_one_is_said(
    worker: Worker, broker: Memory, record: dict[str, Any], key: bytes
) -> None:
    place = broker.send(record, key)
    worker.step()
    assert "key" in broker.dead[place]


def test_a_trial_is_answered_and_logged_as_one(
    worker: Worker, broker: Memory, record: dict[str, Any], ran: Project
) -> None:
    for key, mark in ((b"plain", None), (b"said", b"true"), (b"denied", b"false")):
        broker.send(record, key, mark)
    unclear = broker.send(record, b"unclear", b"maybe")
    worker.step()
    assert set(broker.answers) == {"plain", "said", "denied"}
    assert list(broker.dead.values()) == ["message: trial is true or false"]
    assert unclear == "unclear"
    marked = {entry["request_id"]: entry.get("trial", False) for entry in entries(ran)}
    assert marked == {"plain": False, "said": True, "denied": False}


def test_a_key_is_answered_once(
    worker: Worker, broker: Memory, record: dict[str, Any], metrics: Metrics, ran: Project
) -> None:
    for _ in range(2):
        broker.send(record, b"mine")
        broker.send(record, b"mine")
        worker.step()
    assert set(broker.answers) == {"mine"}
    assert not broker.waiting
    assert len(entries(ran)) == 1
    assert metrics.registry.get_sample_value("stream_messages_total", {"outcome": "duplicate"}) == 3


def test_what_could_not_be_settled_is_answered_again_and_counted_once(
    worker: Worker, broker: Memory, record: dict[str, Any], ran: Project, contract: Contract
) -> None:
    broker.send(record, b"mine")
    broker.away = True
    with pytest.raises(AwayError):
        worker.step()
    assert not broker.answers
    broker.away = False
    worker.step()
    assert set(broker.answers) == {"mine"}
    assert len(entries(ran)) == 2
    with connect(ran) as connection:
        collect(connection, ran, contract)
        rows = connection.execute(
            "SELECT prediction_id FROM predictions WHERE prediction_id = 'mine-0'"
        ).fetchall()
    assert rows == [("mine-0",)]


def test_without_room_for_the_log_nothing_is_answered_and_nothing_lost(
    worker: Worker, broker: Memory, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.send(record, b"mine")
    broker.send(b"{")

    def full(*_: object) -> None:
        raise NotWrittenError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        with pytest.raises(NotWrittenError):
            worker.step()
    assert not broker.answers
    assert not broker.dead
    worker.step()
    assert set(broker.answers) == {"mine"}
    assert len(broker.dead) == 1


def test_a_record_that_the_model_fails_on_stops_no_other(
    worker: Worker, broker: Memory, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[int]()

    def fails(model: Model, columns: dict[str, list[Any]]) -> list[Prediction]:
        asked.append(len(next(iter(columns.values()))))
        if asked[-1] > 1 or len(asked) == len(["all", "first", "second"]):
            raise ValueError("no such number")
        return predictions(model, columns)

    monkeypatch.setattr(predictor_module, "predictions", fails)
    for key in (b"first", b"second", b"third"):
        broker.send(record, key)
    worker.step()
    assert set(broker.answers) == {"first", "third"}
    assert list(broker.dead.values()) == ["the model cannot answer it: no such number"]
    assert asked == [3, 1, 1, 1]


def test_a_challenger_answers_its_share_of_the_keys(
    ran: Project, broker: Memory, metrics: Metrics, record: dict[str, Any]
) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    folder = registry.folder(champion)
    card = registry.card(champion) | {"note": "on trial"}
    contract = (folder / "contract.toml").read_text(encoding="utf-8")
    challenger = registry.add((folder / "model.onnx").read_bytes(), contract, card)
    trial = configured(ran, serve={"challenger_share": 0.3, "shadow": True})
    journal = Journal(ran.artifacts / "predictions", 1, 10_000_000)
    for number in range(300):
        broker.send(record, b"key %d" % number)
    Worker(Predictor(trial, journal), broker, metrics).step()
    journal.close()
    answered = Counter(answer["model_version"] for answer in broker.answers.values())
    assert set(answered) == {champion, challenger}
    assert 0.2 < answered[challenger] / 300 < 0.4
    for entry in entries(ran):
        assert entry["model_version"] == broker.answers[entry["request_id"]]["model_version"]
        assert {entry["model_version"], entry["shadow"]["model_version"]} == set(answered)
        assert len(entry["shadow"]["predictions"]) == 1


def test_the_worker_looks_for_a_new_champion_once_a_second(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, looks = worker._refreshed_at, list[float]()  # noqa: SLF001
    for seconds in (0.5, 0.9, 1.1, 1.9, 2.2):
        monkeypatch.setattr(time, "monotonic", partial(float, began + seconds))
        monkeypatch.setattr(worker._answerer, "refresh", partial(looks.append, seconds))  # noqa: SLF001
        worker._refresh()  # noqa: SLF001
    assert looks == [1.1, 2.2]


def test_without_a_champion_nothing_is_read(
    fresh: Project, broker: Memory, metrics: Metrics
) -> None:
    broker.send(b"{")
    journal = Journal(fresh.artifacts / "predictions", 1, 1_000_000)
    worker = Worker(Predictor(fresh, journal), broker, metrics)
    with pytest.raises(NoChampionError, match="no champion yet"):
        worker.step()
    journal.close()
    assert len(broker.waiting) == 1


def test_what_is_waited_for_is_told_until_it_has_passed(
    worker: Worker, broker: Memory, record: dict[str, Any], metrics: Metrics
) -> None:
    stop, told = Event(), list[str]()

    class Patient(Event):
        """Stops where the worker would wait for the third time."""

        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            told.append(metrics.state)
            broker.away = len(told) < len(["twice", "waited"])
            return False

        def is_set(self) -> bool:
            return not broker.waiting

    broker.send(record, b"mine")
    broker.away = True
    worker.run(Patient())
    assert told == ["the broker is away"] * 2
    assert metrics.state == ""
    assert set(broker.answers) == {"mine"}
    stop.set()
    worker.run(stop)


def test_figures_and_readiness_are_told_over_http(
    worker: Worker, broker: Memory, record: dict[str, Any], metrics: Metrics, ran: Project
) -> None:
    broker.send(record)
    broker.send(b"{")
    worker.step()
    broker.send(record)
    with served(metrics, "127.0.0.1", 0) as port:
        figures = ask(port, "/metrics")[1]
        metrics.step("the disk is full")
        assert ask(port, "/ready") == (503, "the disk is full\n")
        metrics.step()
        assert ask(port, "/ready") == (200, "ready\n")
        assert ask(port, "/nonsense")[0] == 404
        broker.away = True
        assert "stream_messages_behind" not in ask(port, "/metrics")[1]
    version = Model.champion(ran).version
    assert 'stream_messages_total{outcome="answered"} 1.0' in figures
    assert 'stream_messages_total{outcome="dead"} 1.0' in figures
    assert f'stream_predictions_total{{model_version="{version}"}} 1.0' in figures
    assert f'stream_champion_info{{model_version="{version}"}} 1.0' in figures
    assert "stream_messages_behind 1.0" in figures
    assert "stream_oldest_seconds 7.0" in figures


def test_a_worker_that_waits_is_alive_and_one_that_is_stuck_is_not(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(metrics, "127.0.0.1", 0) as port:
        metrics.step("the broker is away")
        assert ask(port, "/health") == (200, "alive\n")
        assert ask(port, "/ready")[0] == 503
        metrics.step()
        monkeypatch.setattr(metrics_module, "LONGEST_STEP", -1.0)
        assert [ask(port, path)[0] for path in ("/health", "/ready")] == [503, 503]


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_port_that_is_taken_is_named(metrics: Metrics) -> None:
    with (
        served(metrics, "127.0.0.1", 0) as port,
        pytest.raises(ProjectError, match=f"{port} cannot be listened on"),
        served(metrics, "127.0.0.1", port),
    ):
        pass


@pytest.mark.parametrize(
    ("broker", "variable"), [("redis", "REDIS_URL"), ("kafka", "KAFKA_BOOTSTRAP_SERVERS")]
)
def test_without_an_address_one_line_says_what_is_missing(
    fresh: Project,
    broker: Literal["redis", "kafka"],
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ProjectError, match=f"{variable} is not set"):
        run(replace(fresh, broker=broker))


@pytest.mark.parametrize("broker", ["redis", "kafka"])
def test_one_name_for_two_streams_is_refused(
    fresh: Project, broker: Literal["redis", "kafka"]
) -> None:
    project = configured(fresh, stream={"input": "same", "output": "same"})
    with pytest.raises(ProjectError, match="have to differ"):
        run(replace(project, broker=broker))
