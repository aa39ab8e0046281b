"""Requests that come at the same moment are one question to the model, and stay each one's own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer import predictor as predictor_module
from fourhats_runtime.answer.journal import Journal, NotWrittenError
from fourhats_runtime.answer.predictor import Prediction, predictions
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.serve.handlers import Handlers, opened
from fourhats_runtime.serve.messages import Answer, Asked
from fourhats_runtime.serve.together import MOST_BYTES, Together

from tests.runtime.configured import configured

LATE = 1e9


def asked(name: str, *records: object) -> Asked:
    return Asked(name, json.dumps(records).encode(), LATE)


def at_once(project: Project, *requests: Asked) -> list[Answer | BaseException]:
    """Have a service's own handler answer requests that come at the same moment."""

    async def ask(handlers: Handlers) -> list[Answer | BaseException]:
        handler = handlers.by_path()["/predict"]
        return await asyncio.gather(*map(handler, requests), return_exceptions=True)

    with opened(project) as handlers:
        return asyncio.run(ask(handlers))


def logged(project: Project) -> list[dict[str, Any]]:
    (log,) = (project.artifacts / "predictions").glob("*.jsonl")
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the number of rows of each question to the model; one about five or seven fails."""
    sizes: list[int] = []

    def counted(model: Model, columns: Mapping[str, Sequence[object]]) -> list[Prediction]:
        sizes.append(len(next(iter(columns.values()))))
        if sizes[-1] in (5, 7):
            raise ValueError("no such number")
        return predictions(model, columns)

    monkeypatch.setattr(predictor_module, "predictions", counted)
    return sizes


def test_they_are_answered_by_one_question_each_with_its_own_records(
    ran: Project, record: dict[str, Any], questions: list[int]
) -> None:
    other = {**record, "support_calls": 12, "tenure_months": 1}
    requests = [asked("a", record), asked("b", other, record), asked("c", other)]
    alone = [at_once(ran, request)[0] for request in requests]
    del questions[:]
    together = at_once(ran, *requests)
    assert questions == [4]
    assert together == alone
    told = [json.loads(answer.body) for answer in together if isinstance(answer, Answer)]
    assert [each["request_id"] for each in told] == ["a", "b", "c"]
    first, second = told[1]["predictions"]
    assert [first] == told[2]["predictions"]
    assert [second] == told[0]["predictions"]
    assert first != second
    for entry, each in zip(logged(ran)[-3:], told, strict=True):
        assert {name: entry[name] for name in each} == each
    assert [len(entry["records"]) for entry in logged(ran)[-3:]] == [1, 2, 1]


def test_one_that_is_refused_or_that_the_model_fails_on_stops_no_other(
    ran: Project, record: dict[str, Any], questions: list[int]
) -> None:
    fails = asked("fails", *[record] * 5)
    good, wrong, failed, fine = at_once(
        ran, asked("good", record), asked("wrong", {"no": 1}), fails, asked("fine", record)
    )
    assert questions == [7, 1, 5, 1]  # all at once, then each alone
    assert isinstance(failed, ValueError)
    answers = [each for each in (good, wrong, fine) if isinstance(each, Answer)]
    assert [answer.status for answer in answers] == [200, 422, 200]
    assert [entry["request_id"] for entry in logged(ran)] == ["good", "fine"]


def test_what_cannot_be_logged_is_answered_to_none(
    ran: Project, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotWrittenError("No space left on device")

    monkeypatch.setattr(Journal, "append", full)
    good, wrong, also = at_once(ran, asked("a", record), asked("b", {}), asked("c", record))
    assert {type(each) for each in (good, wrong, also)} == {NotWrittenError}


def test_each_meets_the_model_that_its_id_says_on_trial(
    ran: Project, record: dict[str, Any], questions: list[int]
) -> None:
    registry = Registry(ran.artifacts / "registry")
    folder = registry.folder(registry.require("champion"))
    card = registry.card(registry.require("champion")) | {"note": "on trial"}
    contract = (folder / "contract.toml").read_text(encoding="utf-8")
    registry.add((folder / "model.onnx").read_bytes(), contract, card)
    trial = configured(ran, serve={"challenger_share": 0.5, "shadow": True})
    requests = [asked(f"r{number}", record) for number in range(40)]
    alone = [at_once(trial, request)[0] for request in requests]
    del questions[:]
    assert at_once(trial, *requests) == alone
    assert len({answer.model_version for answer in alone if isinstance(answer, Answer)}) == 2
    assert len(questions) == 4  # of each model: its own, and the other's in the shadow
    shadows = [(entry["model_version"], entry["shadow"]) for entry in logged(trial)[-40:]]
    assert all(version != shadow["model_version"] for version, shadow in shadows)
    assert all(len(shadow["predictions"]) == 1 for _, shadow in shadows)


def gathered(bodies: Sequence[bytes], answer: Callable[[Asked], Answer | Exception]) -> list[int]:
    """Ask with bodies at the same moment; gives how many were answered at a time."""
    sizes: list[int] = []

    def answer_all(all_asked: Sequence[Asked]) -> list[Answer | Exception]:
        sizes.append(len(all_asked))
        return [answer(one) for one in all_asked]

    async def ask() -> None:
        together = Together(answer_all)
        asking: list[Awaitable[Answer]] = [
            together.answer(Asked(str(place), body, LATE)) for place, body in enumerate(bodies)
        ]
        answers = await asyncio.gather(*asking)
        assert [answer.body for answer in answers] == list(bodies)

    asyncio.run(ask())
    return sizes


def test_so_many_bytes_are_answered_at_a_time_and_a_longer_body_alone() -> None:
    half, long = b"x" * (MOST_BYTES // 2), b"x" * (MOST_BYTES + 1)
    bodies = [b"1", b"2", half, half, half, b"3", long, b"4"]
    assert gathered(bodies, lambda one: Answer(200, one.body)) == [3, 2, 1, 1, 1]


def test_who_went_away_is_passed_over() -> None:
    done: list[str] = []

    def answer_all(all_asked: Sequence[Asked]) -> list[Answer | Exception]:
        return [Answer(200, one.body) for one in all_asked]

    async def ask() -> None:
        together = Together(answer_all)
        gone, there = (
            asyncio.create_task(together.answer(Asked(name, name.encode(), LATE)))
            for name in ("gone", "there")
        )
        await asyncio.sleep(0)
        gone.cancel()
        done.append((await there).body.decode())
        with suppress(asyncio.CancelledError):
            await gone

    asyncio.run(ask())
    assert done == ["there"]
