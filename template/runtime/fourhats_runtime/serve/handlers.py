"""What answers a POST of the API's own."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import asdict

from fourhats_runtime.answer.champion import NO_MODEL
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.predictor import Given, Loaded, Predictor, Question
from fourhats_runtime.answer.records import RecordError
from fourhats_runtime.business import Business
from fourhats_runtime.project import Project
from fourhats_runtime.serve import csv_file
from fourhats_runtime.serve.explain import MOST_EXPLAINED, explain, reasons
from fourhats_runtime.serve.messages import CSV, HTML, Answer, Asked, Handler, refusal
from fourhats_runtime.serve.outcomes import Outcomes
from fourhats_runtime.serve.page import SECURITY_POLICY, render
from fourhats_runtime.serve.together import MOST_BYTES, Together

PATHS = ("/predict", "/explain", "/outcomes", "/", "/file")
LONGEST_FORM = 256 * 1024  # a person's record; taking a longer one apart would hold up the others
LARGE_BODY = 1024 * 1024
TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
LONG_BODY = MOST_BYTES  # from here on, a thread answers, and nobody waits for so many records


@contextmanager
def opened(project: Project) -> Iterator["Handlers"]:
    """Open the logs and load the champion, and close all of it in the end.

    Raises:
        ProjectError: a folder cannot be written, or the champion not be loaded.

    """
    with ExitStack() as stack:
        log = Journal.of(project, "predictions")
        try:
            predictor = Predictor(project, log, with_page=True)
        except BaseException:
            log.close()
            raise
        stack.callback(predictor.close)
        outcomes = stack.enter_context(closing(Journal.of(project, "outcomes")))
        threads = stack.enter_context(ThreadPoolExecutor(os.cpu_count(), "long-bodies"))
        yield Handlers(predictor, outcomes, threads)


class Handlers:
    """The handlers of a service that has started."""

    def __init__(
        self, predictor: Predictor, outcomes: Journal, threads: ThreadPoolExecutor
    ) -> None:
        """Answer by the champion that `predictor` has; long bodies in `threads`."""
        self.predictor = predictor
        self._predictions = Together(partial(predict_all, predictor=predictor))
        self._outcomes = outcomes
        self._threads = threads

    def by_path(self) -> dict[str, Handler]:
        """Give the handler of each of `PATHS`."""
        handlers: tuple[Handler, ...] = (
            self._predict,
            self._explain,
            self._take_outcomes,
            self._answer_form,
            self._score_file,
        )
        return dict(zip(PATHS, handlers, strict=True))

    async def _predict(self, asked: Asked) -> Answer:
        if len(asked.body) < LONG_BODY:
            return await self._predictions.answer(asked)
        return await self._in_thread(predict, asked)

    async def _explain(self, asked: Asked) -> Answer:
        # In a thread: it asks the model a thousand times.
        return await self._in_thread(explain_records, asked)

    async def _take_outcomes(self, asked: Asked) -> Answer:
        # In a thread: it waits for the disk.
        return await self._in_thread(take_outcomes, asked, self._outcomes)

    async def _answer_form(self, asked: Asked) -> Answer:
        # In a thread: its reasons ask the model a thousand times.
        return await self._in_thread(answer_form, asked)

    async def _score_file(self, asked: Asked) -> Answer:
        # In a thread: even a short file may hold thousands of rows.
        return await self._in_thread(score_file, asked)

    async def _in_thread(self, work: Callable[..., Answer], asked: Asked, *about: object) -> Answer:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(asked.deadline):
            call = partial(work, asked, self.predictor, *about)
            return await loop.run_in_executor(self._threads, _worked, call, len(asked.body))


def _worked(call: Callable[[], Answer], body_bytes: int) -> Answer:
    try:
        return call()
    finally:
        if body_bytes > LARGE_BODY:
            give_back_memory()


def give_back_memory() -> None:
    """Give what was freed back to the system: glibc keeps what a thread has held once, for good."""
    if TRIM is not None:
        TRIM(0)


def predict(asked: Asked, predictor: Predictor) -> Answer:
    """Answer a list of records."""
    (answer,) = predict_all([asked], predictor)
    if isinstance(answer, Exception):
        raise answer
    return answer


def predict_all(asked: Sequence[Asked], predictor: Predictor) -> list[Answer | Exception]:
    """Answer lists of records, all of them by one question to the model."""
    loaded = predictor.loaded
    if loaded is None:
        return [refusal(503, NO_MODEL) for _ in asked]
    read = [_question(one, loaded) for one in asked]
    questions = [one for one in read if isinstance(one, Question)]
    given = iter(predictor.predict_all(loaded, questions))
    return [_told(one, next(given)) if isinstance(one, Question) else one for one in read]


def _question(asked: Asked, loaded: Loaded) -> Question | Answer:
    try:
        records = loaded.records.decode(asked.body)
    except RecordError as error:
        return refusal(422, [{"loc": error.loc, "msg": str(error)}])
    return Question(asked.request_id, records, asked.trial)


def _told(question: Question, given: Given | Exception) -> Answer | Exception:
    if isinstance(given, Exception):
        return given
    told = {
        "request_id": question.request_id,
        "model_version": given.model_version,
        "predictions": msgspec.Raw(given.encoded),
    }
    records = len(question.records)
    body = msgspec.json.encode(told)
    return Answer(200, body, model_version=given.model_version, records=records)


def explain_records(asked: Asked, predictor: Predictor) -> Answer:
    """Explain what a list of records is, or would be, answered."""
    loaded = predictor.loaded
    if loaded is None:
        return refusal(503, NO_MODEL)
    try:
        records = loaded.records.decode(asked.body, MOST_EXPLAINED)
    except RecordError as error:
        return refusal(422, [{"loc": error.loc, "msg": str(error)}])
    model, _ = predictor.chosen(loaded, asked.request_id)
    answer = {
        "request_id": asked.request_id,
        "model_version": model.version,
        "explanations": explain(model, loaded.records.columns(records)),
    }
    return Answer(200, msgspec.json.encode(answer), model_version=model.version)


def take_outcomes(asked: Asked, predictor: Predictor, journal: Journal) -> Answer:
    """Keep what came of predictions."""
    loaded = predictor.loaded
    if loaded is None:
        return refusal(503, NO_MODEL)
    try:
        # Made anew: that takes less than the disk, which is waited for below.
        outcomes = Outcomes(loaded.model.contract).decode(asked.body)
    except RecordError as error:
        return refusal(422, [{"loc": error.loc, "msg": str(error)}])
    received = {"received_at": datetime.now(UTC), "request_id": asked.request_id}
    journal.append(b"\n".join(msgspec.json.encode(received | one) for one in outcomes), sync=True)
    counts = {
        "request_id": asked.request_id,
        "outcomes": len(outcomes),
        "predictions": len({outcome["prediction_id"] for outcome in outcomes}),
    }
    return Answer(200, msgspec.json.encode(counts), records=len(outcomes))


def answer_form(asked: Asked, predictor: Predictor) -> Answer:
    """Answer the page's form in plain words."""
    if len(asked.body) > LONGEST_FORM:
        return refusal(413, f"the form is longer than {LONGEST_FORM:,} bytes")
    try:
        text = asked.body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
        given = dict(pairs)
    except ValueError:
        return refusal(422, "this is no form in UTF-8")
    loaded = predictor.loaded
    if loaded is None:
        return _page(503, render(predictor, given))
    try:
        record = loaded.records.convert(given)
    except RecordError as error:
        return _page(422, render(predictor, given, error=error))
    trial = _is_trial(asked, predictor)
    result = predictor.predict(loaded, Question(asked.request_id, [record], trial))
    model, _ = predictor.chosen(loaded, asked.request_id)
    why = reasons(model, loaded.records.columns([record]))
    answer = asdict(result.predictions[0])
    shown = _page(200, render(predictor, given, answer=answer, reasons=why))
    return shown._replace(model_version=result.model_version, records=1)


def score_file(asked: Asked, predictor: Predictor) -> Answer:
    """Give an uploaded file back with its predictions."""
    loaded = predictor.loaded
    if loaded is None:
        return _page(503, render(predictor, {}))
    try:
        file = csv_file.uploaded(asked.body, asked.content_type)
        table = csv_file.parse(file, loaded.records)
        records = csv_file.records(table, loaded.records)
    except csv_file.FileError as error:
        return _page(422, render(predictor, {}, problems=error.problems))
    trial = _is_trial(asked, predictor)
    given = predictor.predict(loaded, Question(asked.request_id, records, trial))
    scored = csv_file.with_predictions(table, given.predictions, given.model_version)
    name = (b"content-disposition", b'attachment; filename="scored.csv"')
    return Answer(200, scored, CSV, (name,), given.model_version, len(records))


def _is_trial(asked: Asked, predictor: Predictor) -> bool:
    """Tell whether nobody decides by the page's answer: so it is until the project is live."""
    today = datetime.now(UTC).date()
    return asked.trial or not predictor.project.settings(Business).is_live(today)


def _page(status: int, html: str) -> Answer:
    policy = (b"content-security-policy", SECURITY_POLICY.encode())
    return Answer(status, html.encode(), HTML, headers=(policy,))
