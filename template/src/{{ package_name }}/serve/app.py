"""The HTTP service: its routes, and what stands in front of them."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse
from msgspec.structs import asdict
from prometheus_client import CONTENT_TYPE_LATEST

from .. import PROJECT
from ..settings import Settings
from . import csv_file
from .callers import Callers
from .explain import MOST_EXPLAINED, explain
from .front import App, Front
from .journal import Journal
from .messages import CSV, HTML, NOT_WRITTEN, Answer, Asked, Handler, refusal
from .metrics import Metrics
from .monitor import report
from .openapi import describe
from .outcomes import Outcomes
from .page import SECURITY_POLICY, render
from .predictor import NO_MODEL, REFRESH_SECONDS, Predictor
from .records import RecordError

LONGEST_FORM = 256 * 1024  # a person's record; taking a longer one apart would hold up the others
LONG_BODY = 32 * 1024  # from here on, a thread answers, and nobody waits for so many records

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> App:
    """Make the service of a project."""
    keep = settings.serve.log_days, settings.serve.max_log_bytes, settings.serve.instance
    predictions = Journal(settings.artifacts / "predictions", *keep)
    outcomes = Journal(settings.artifacts / "outcomes", *keep)
    predictor = Predictor(settings, predictions)
    callers = Callers(settings)
    metrics = Metrics()
    threads = ThreadPoolExecutor(os.cpu_count(), "long-bodies")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with _beside(_watch(predictor, callers), _count(front, metrics)):
            yield
        threads.shutdown()
        outcomes.close()
        predictor.close()

    async def in_turn(work: Callable[[Asked, Predictor], Answer], asked: Asked) -> Answer:
        if len(asked.body) < LONG_BODY:
            return work(asked, predictor)
        return await _in_thread(threads, work, asked, predictor)

    async def predict(asked: Asked) -> Answer:
        return await in_turn(_predict, asked)

    async def explain_records(asked: Asked) -> Answer:
        # In a thread: it asks the model a thousand times.
        return await _in_thread(threads, _explain, asked, predictor)

    async def take_outcomes(asked: Asked) -> Answer:
        # In a thread: it waits for the disk.
        return await _in_thread(threads, _take_outcomes, asked, predictor, outcomes)

    async def form(asked: Asked) -> Answer:
        return await in_turn(_answer_form, asked)

    async def file(asked: Asked) -> Answer:
        return await in_turn(_score_file, asked)

    app = FastAPI(title=PROJECT, lifespan=lifespan)
    describe(app, predictor)
    _add_probes(app, predictor, metrics, settings.serve.version)
    _add_page(app, predictor)
    # Not the application's own routes: its layers would cost a fifth of the requests per second.
    handlers: dict[str, Handler] = {
        "/predict": predict,
        "/explain": explain_records,
        "/outcomes": take_outcomes,
        "/": form,
        "/file": file,
    }
    front = Front(app, handlers, callers, settings.serve, metrics)
    if not settings.serve.allow_origins:
        return front
    return CORSMiddleware(
        front,
        allow_origins=settings.serve.allow_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"],
        expose_headers=["Retry-After", "X-Request-Id"],
    )


def _add_probes(app: FastAPI, predictor: Predictor, metrics: Metrics, version: str) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the process is alive, and of which version it is."""
        return {"status": "alive", "version": version}

    @app.get("/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Tell whether a champion is loaded, and which, and whether answers can be logged."""
        if predictor.loaded is None:
            response.status_code = 503
            return {"status": NO_MODEL}
        if predictor.log.fault:
            response.status_code = 503
            return {"status": f"{NOT_WRITTEN}: {predictor.log.fault}"}
        return {"status": "ready", "model_version": predictor.loaded.model.version}

    @app.get("/metrics", response_class=Response)
    async def figures() -> Response:
        """Give the figures in Prometheus' format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _add_page(app: FastAPI, predictor: Predictor) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def page(response: Response) -> str:
        """Show a form made from the contract."""
        response.headers["Content-Security-Policy"] = SECURITY_POLICY
        return render(predictor, {})

    @app.get("/monitor", response_class=HTMLResponse, include_in_schema=False)
    def monitor(response: Response) -> str:
        """Show what the last run of `monitor` found."""
        text, policy = report(predictor.settings.artifacts / "reports" / "monitor.html")
        response.headers["Content-Security-Policy"] = policy
        return text


async def _in_thread(
    threads: ThreadPoolExecutor, work: Callable[..., Answer], asked: Asked, *about: object
) -> Answer:
    async with asyncio.timeout_at(asked.deadline):
        return await asyncio.get_running_loop().run_in_executor(threads, work, asked, *about)


def _predict(asked: Asked, predictor: Predictor) -> Answer:
    loaded = predictor.loaded
    if loaded is None:
        return refusal(503, NO_MODEL)
    try:
        records = loaded.records.decode(asked.body)
    except RecordError as error:
        return refusal(422, [{"loc": error.loc, "msg": str(error)}])
    given = predictor.predict(loaded, records, asked.request_id)
    return Answer(200, given.body, model_version=given.model_version, records=len(records))


def _explain(asked: Asked, predictor: Predictor) -> Answer:
    loaded = predictor.loaded
    if loaded is None:
        return refusal(503, NO_MODEL)
    try:
        records = loaded.records.decode(asked.body)
    except RecordError as error:
        return refusal(422, [{"loc": error.loc, "msg": str(error)}])
    if len(records) > MOST_EXPLAINED:
        return refusal(422, f"at most {MOST_EXPLAINED} records are explained at once")
    model, _ = predictor.chosen(loaded, asked.request_id)
    answer = {
        "request_id": asked.request_id,
        "model_version": model.version,
        "explanations": explain(model, loaded.records.columns(records)),
    }
    return Answer(200, msgspec.json.encode(answer), model_version=model.version)


def _take_outcomes(asked: Asked, predictor: Predictor, journal: Journal) -> Answer:
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


def _answer_form(asked: Asked, predictor: Predictor) -> Answer:
    """Answer the page's form in plain words."""
    if len(asked.body) > LONGEST_FORM:
        return refusal(413, f"the form is longer than {LONGEST_FORM:,} bytes")
    try:
        given = dict(parse_qsl(asked.body.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        return refusal(422, "this is no form")
    loaded = predictor.loaded
    if loaded is None:
        return _page(503, render(predictor, given))
    try:
        record = loaded.records.convert(given)
    except RecordError as error:
        return _page(422, render(predictor, given, error=error))
    result = predictor.predict(loaded, [record], asked.request_id)
    shown = _page(200, render(predictor, given, answer=asdict(result.predictions[0])))
    return shown._replace(model_version=result.model_version, records=1)


def _score_file(asked: Asked, predictor: Predictor) -> Answer:
    """Give an uploaded file back with its predictions."""
    loaded = predictor.loaded
    if loaded is None:
        return _page(503, render(predictor, {}))
    try:
        table = csv_file.parse(csv_file.uploaded(asked.body, asked.content_type))
        records = csv_file.records(table, loaded.records)
    except csv_file.FileError as error:
        return _page(422, render(predictor, {}, problems=error.problems))
    given = predictor.predict(loaded, records, asked.request_id)
    scored = csv_file.with_predictions(table, given.predictions, given.model_version)
    name = (b"content-disposition", b'attachment; filename="scored.csv"')
    return Answer(200, scored, CSV, (name,), given.model_version, len(records))


def _page(status: int, html: str) -> Answer:
    policy = (b"content-security-policy", SECURITY_POLICY.encode())
    return Answer(status, html.encode(), HTML, headers=(policy,))


@asynccontextmanager
async def _beside(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have this done while the service answers."""
    tasks = [asyncio.create_task(each) for each in endless]
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _count(front: Front, metrics: Metrics) -> None:
    """Tell how much is going on; doing so at every request would cost a percent of them."""
    while True:
        metrics.in_flight.set(front.in_flight)
        await asyncio.sleep(REFRESH_SECONDS)


async def _watch(predictor: Predictor, callers: Callers) -> None:
    """Look for a new champion; a broken one is logged, and the old one goes on answering.

    Whose tokens are good is looked up as well.
    """
    while True:
        await asyncio.to_thread(callers.refresh)
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            await asyncio.to_thread(predictor.refresh)
        except Exception:
            logger.exception("the new champion cannot be loaded")
