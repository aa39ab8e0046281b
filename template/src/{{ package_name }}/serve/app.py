"""The HTTP service: POST /predict, GET /health, /ready, /metrics, /docs and the page at /."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)

from .. import PROJECT
from ..settings import Settings
from .openapi import describe
from .page import render
from .prediction_log import PredictionLog
from .predictor import Predictor
from .records import RecordError

REFRESH_SECONDS = 1.0
NO_MODEL = "there is no champion yet: train and promote a model first"

logger = logging.getLogger(__name__)


class Metrics:
    """What operations watch; one set a service."""

    def __init__(self) -> None:
        """Register the figures."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "predict_requests", "Requests to /predict.", ["status"], registry=self.registry
        )
        self.seconds = Histogram(
            "predict_seconds", "Seconds to answer /predict.", registry=self.registry
        )


def create_app(settings: Settings) -> FastAPI:
    """Make the service of a project."""
    log = PredictionLog(settings.artifacts / "predictions")
    predictor = Predictor(settings, log)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(_watch(predictor))
        yield
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        log.close()

    app = FastAPI(title=PROJECT, lifespan=lifespan)

    async def predict(request: Request) -> Response:
        started = time.perf_counter()
        response = _predict(await request.body(), _request_id(request), predictor)
        metrics.requests.labels(response.status_code).inc()
        metrics.seconds.observe(time.perf_counter() - started)
        return response

    # A plain route: msgspec decodes the records several times faster than the framework would.
    app.add_route("/predict", predict, methods=["POST"], include_in_schema=False)
    describe(app, predictor)

    _add_probes(app, predictor, metrics)
    _add_page(app, predictor)
    return app


def _add_probes(app: FastAPI, predictor: Predictor, metrics: Metrics) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the process is alive."""
        return {"status": "alive"}

    @app.get("/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Tell whether a champion is loaded, and which."""
        if predictor.loaded is None:
            response.status_code = 503
            return {"status": NO_MODEL}
        return {"status": "ready", "model_version": predictor.loaded.model.version}

    @app.get("/metrics", response_class=Response)
    async def figures() -> Response:
        """Give the figures in Prometheus' format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_page(app: FastAPI, predictor: Predictor) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        """Show a form made from the contract."""
        return render(predictor, {})

    @app.post("/", response_class=HTMLResponse, include_in_schema=False)
    async def answer(request: Request) -> HTMLResponse:
        """Answer the form in plain words."""
        given = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if predictor.loaded is None:
            return HTMLResponse(render(predictor, given), status_code=503)
        try:
            record = predictor.loaded.records.convert(given)
        except RecordError as error:
            return HTMLResponse(render(predictor, given, error=error), status_code=422)
        result = predictor.predict(predictor.loaded, [record], _request_id(request))
        return HTMLResponse(render(predictor, given, answer=result["predictions"][0]))


def _predict(body: bytes, request_id: str, predictor: Predictor) -> Response:
    loaded = predictor.loaded
    if loaded is None:
        return _json({"detail": NO_MODEL}, 503)
    try:
        records = loaded.records.decode(body)
    except RecordError as error:
        return _json({"detail": [{"loc": error.loc, "msg": str(error)}]}, 422)
    return _json(predictor.predict(loaded, records, request_id), 200)


def _json(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _request_id(request: Request) -> str:
    return request.headers.get("x-request-id") or secrets.token_hex(8)


async def _watch(predictor: Predictor) -> None:
    """Look for a new champion; a broken one is logged, and the old one goes on answering."""
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            await asyncio.to_thread(predictor.refresh)
        except Exception:
            logger.exception("the new champion cannot be loaded")
