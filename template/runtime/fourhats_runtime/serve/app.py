"""The HTTP service: an ordinary FastAPI application, with what stands in front of its routes."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from typing import Any, ClassVar, TypeVar, cast

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.routing import RouteContext, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Mount, Route, WebSocketRoute

from fourhats_runtime.answer.champion import NO_MODEL, REFRESH_SECONDS, Champion
from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.answer.predictor import Predictor
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.serve import docs
from fourhats_runtime.serve.answering import Started
from fourhats_runtime.serve.callers import Callers
from fourhats_runtime.serve.front import (
    NOT_STARTED,
    App,
    Front,
    Message,
    Receive,
    Scope,
    Send,
    not_started,
    path_of,
)
from fourhats_runtime.serve.handlers import PATHS, opened
from fourhats_runtime.serve.messages import NOT_WRITTEN
from fourhats_runtime.serve.metrics import Metrics
from fourhats_runtime.serve.monitor import report
from fourhats_runtime.serve.openapi import described
from fourhats_runtime.serve.page import SECURITY_POLICY, render

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

PUBLIC = "is_public"
"""An attribute of endpoints that are open to everybody."""

logger = logging.getLogger(__name__)


def create_app(project: Project, **options: Any) -> FastAPI:  # noqa: ANN401 (FastAPI's)
    """Make the service of a project: a FastAPI application, to which routes of one's own are added.

    It answers `POST /predict`, `/explain` and `/outcomes`, shows its page at `/`, the page of
    monitoring at `/monitor`, its description at `/docs`, and to operations `/health`, `/ready` and
    `/metrics`. Routes of one's own are guarded like those: where keys or a provider of tokens are
    set up, by a key or a token, unless they are `public`; by the limits of `serve` on the length of
    a body and on requests at once; against pages of other sites. How long they take is their own
    affair. In them, `request.state.caller` names the key, and `request.state.request_id` the
    request. Figures of one's own are shown at `/metrics` where they are registered with
    `app.metrics.registry`.

    Nothing is read, opened or loaded here, but when the application starts.

    Args:
        project: whose champion answers.
        options: of FastAPI, such as `lifespan`, which is entered when the champion is loaded.

    """
    if project.task == "search":
        from fourhats_runtime.serve.searching import SearchService  # noqa: PLC0415 (few search)

        return SearchService(project, **options)
    return Service(project, **options)


def public(endpoint: Endpoint) -> Endpoint:
    """Open a route of one's own to everybody, whether or not keys are set up.

    @app.get("/owner")
    @public
    def owner() -> dict[str, str]: ...

    """
    setattr(endpoint, PUBLIC, True)
    return endpoint


class Service(FastAPI):
    """A FastAPI application, whose own POST routes are answered in front of it.

    They are no routes of FastAPI's: its layers would cost a fifth of the requests per second.
    """

    handled: ClassVar[Sequence[str]] = PATHS
    """Their paths."""
    counted: ClassVar[str] = "/predict"
    """The path whose requests are counted and timed."""

    def __init__(self, project: Project, **options: Any) -> None:  # noqa: ANN401 (FastAPI's)
        """Make the application; nothing is opened yet."""
        refusals = {RequestValidationError: _refuse, **options.pop("exception_handlers", {})}
        docs_url = options.pop("docs_url", "/docs")
        # FastAPI's own pages load their scripts from the internet.
        without = {"docs_url": None, "redoc_url": None, "swagger_ui_oauth2_redirect_url": None}
        given = {"title": project.name, **without, **options, "exception_handlers": refusals}
        super().__init__(**given)
        self.docs_url = docs_url
        self.project = project
        self.metrics = Metrics()
        self.predictor: Champion[Any] | None = None
        """Who answers, while the service runs."""
        self.fault: ProjectError | None = None
        """Why it could not start."""
        self._front: Front | None = None
        self._entrance: App | None = None
        beyond = self.router.lifespan_context
        self.router.lifespan_context = lambda app: self._life(beyond(app))
        documents = {
            self.openapi_url,
            self.redoc_url,
            self.swagger_ui_oauth2_redirect_url,
        }
        self._own = [
            route for route in self.routes if isinstance(route, Route) and route.path in documents
        ]
        for route in self._own:
            public(route.endpoint)
        before = len(self.routes)
        _add_probes(self)
        self._add_page()
        _add_pages(self)
        self._own += [route for route in self.routes[before:] if isinstance(route, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and end."""
        scope["app"] = self
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        entrance = self._entrance or self._enter()
        await entrance(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Describe the API, as the champion of the moment takes requests."""
        self.openapi_schema = None
        predictor = self.predictor
        loaded = predictor.loaded if isinstance(predictor, Predictor) else None
        guarded = [route for route in self._contexts() if not _is_public(route)]
        return described(super().openapi(), loaded, self.project, guarded)

    def build_middleware_stack(self) -> App:
        """Build FastAPI's layers but those that were added: these stand in front of all of it."""
        added, self.user_middleware = self.user_middleware, []
        try:
            return super().build_middleware_stack()
        finally:
            self.user_middleware = added

    def _enter(self) -> App:
        """Put together what a request passes, FastAPI's layers last.

        Raises:
            ProjectError: something is set up by half.

        """
        serve = self.project.settings(Serve)
        if self.middleware_stack is None:  # from here on, FastAPI takes no layer more
            self.middleware_stack = self.build_middleware_stack()
        app: App = Front(
            super().__call__,
            self.handled,
            Callers(self.project),
            serve,
            self.metrics,
            counted=self.counted,
            own=[str(route.path) for route in self._contexts() if self._is_own(route)],
            is_public=self._is_open,
        )
        self._front = cast("Front", app)
        if serve.allow_origins:
            app = CORSMiddleware(
                app,
                allow_origins=serve.allow_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "X-API-Key",
                    "X-Request-Id",
                    "X-Trial",
                ],
                expose_headers=["Retry-After", "X-Request-Id"],
            )
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        if self.user_middleware:
            app = ServerErrorMiddleware(app, debug=self.debug)
        self._entrance = app
        return app

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and end as the server asks; what the person can mend is said in one line."""

        async def in_a_line(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self.fault:
                message["message"] = str(self.fault)
            await send(message)

        try:
            entrance = self._entrance or self._enter()
        except ProjectError as error:
            self.fault = error
            await receive()
            await in_a_line({"type": "lifespan.startup.failed"})
            raise
        await entrance(scope, receive, in_a_line)

    @asynccontextmanager
    async def _life(self, beyond: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
        """Answer as long as this is open; `beyond` is the lifespan of one's own."""
        front = self._front
        assert front is not None  # noqa: S101 (for the type checker)
        async with AsyncExitStack() as stack:
            try:
                self._see_that_nothing_is_hidden()
                handlers = stack.enter_context(self._opened())
                stack.callback(self._end, front)
                front.handlers, self.predictor = handlers.by_path(), handlers.predictor
                # So that a good token is good from the first request on.
                await asyncio.to_thread(front.callers.refresh)
                watch = _watch(handlers.predictor, front.callers)
                await stack.enter_async_context(_beside(watch, _count(front, self.metrics)))
                state = await stack.enter_async_context(beyond)
            except ProjectError as error:
                self.fault = error
                raise
            self.fault = None
            yield state

    def _end(self, front: Front) -> None:
        front.handlers, self.predictor = dict.fromkeys(self.handled, not_started), None

    def _opened(self) -> AbstractContextManager[Started]:
        """Open what answers, until it is closed."""
        return opened(self.project)

    def _add_page(self) -> None:
        @self.get("/", response_class=HTMLResponse)
        @public
        async def page(response: Response) -> str:
            """Show a form made from the contract."""
            if not isinstance(self.predictor, Predictor):
                raise HTTPException(503, NOT_STARTED)
            response.headers["Content-Security-Policy"] = SECURITY_POLICY
            return render(self.predictor, {})

    def _see_that_nothing_is_hidden(self) -> None:
        """See that no route of one's own has a path that is answered before it.

        Raises:
            ProjectError: one has.

        """
        taken = {*self.handled, *(route.path for route in self._contexts() if self._is_own(route))}
        for route in self._contexts():
            if not self._is_own(route) and route.path in taken:
                raise ProjectError(
                    f"service.py: the service answers {route.path} itself: give the route "
                    f"{route.name} another path"
                )

    def _is_own(self, route: RouteContext) -> bool:
        """Tell whether a route is the service's own."""
        return any(route.original_route is own for own in self._own)

    def _is_open(self, scope: Scope) -> bool:
        """Tell whether the route that a request comes to is open to everybody."""
        path, by_socket = path_of(scope), scope["type"] == "websocket"
        for route in self._contexts():
            pattern = getattr(route, "path_regex", None)
            if pattern is None:
                return False  # another host's, maybe: who knows who would answer
            if not pattern.match(path):
                continue
            if isinstance(route.original_route, Mount):
                return _is_public(route)
            is_socket = isinstance(route.original_route, WebSocketRoute)
            if is_socket == by_socket and (is_socket or scope["method"] in (route.methods or ())):
                return _is_public(route)
        return False

    def _contexts(self) -> Iterator[RouteContext]:
        return iter_route_contexts(self.routes)


def _is_public(route: RouteContext) -> bool:
    answers = route.endpoint or getattr(route, "app", None)
    return bool(getattr(answers, PUBLIC, False))


async def _refuse(_request: Request, error: Exception) -> Response:
    """Say what a route of one's own cannot take, without what was given.

    That may be what JSON has no way to write, such as NaN or half a character.
    """
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    said = [{name: fault[name] for name in ("type", "loc", "msg")} for fault in faults]
    return Response(json.dumps({"detail": said}), 422, media_type="application/json")


def _add_probes(service: Service) -> None:
    @service.get("/health")
    @public
    async def health() -> dict[str, str]:
        """Tell that the process is alive, and of which version it is."""
        return {"status": "alive", "version": service.project.settings(Serve).version}

    @service.get("/ready")
    @public
    async def ready(response: Response) -> dict[str, str]:
        """Tell whether a champion is loaded, and which, and whether answers can be logged."""
        predictor = service.predictor
        fault = NOT_STARTED if predictor is None else _fault(predictor)
        if predictor is None or predictor.version is None or fault:
            response.status_code = 503
            return {"status": fault}
        return {"status": "ready", "model_version": predictor.version}

    @service.get("/metrics", response_class=Response)
    @public
    async def figures() -> Response:
        """Give the figures in Prometheus' format."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _fault(predictor: Champion[Any]) -> str:
    """Say why nothing can be answered, empty where it can."""
    if predictor.fault or predictor.version is None:
        return predictor.fault or NO_MODEL
    return f"{NOT_WRITTEN}: {predictor.log.fault}" if predictor.log.fault else ""


def _add_pages(service: Service) -> None:
    if service.docs_url and service.openapi_url:
        _add_docs(service, service.docs_url)

    @service.get("/monitor", response_class=HTMLResponse, include_in_schema=False)
    def monitor(response: Response) -> str:
        """Show what the last run of `monitor` found."""
        text, policy = report(service.project.artifacts / "reports" / "monitor.html")
        response.headers["Content-Security-Policy"] = policy
        return text


def _add_docs(service: Service, docs_url: str) -> None:
    @service.get(docs_url, include_in_schema=False)
    @public
    async def documentation() -> HTMLResponse:
        return docs.page(service, docs_url)

    @service.get(f"{docs_url}/{{name}}", include_in_schema=False)
    @public
    async def part_of_documentation(name: str) -> FileResponse:
        return docs.file(name)


@asynccontextmanager
async def _beside(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have this done while the service answers."""
    tasks = [asyncio.create_task(each) for each in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _count(front: Front, metrics: Metrics) -> None:
    """Tell how much is going on; doing so at every request would cost a percent of them."""
    while True:
        metrics.in_flight.set(front.in_flight)
        await asyncio.sleep(REFRESH_SECONDS)


async def _watch(predictor: Champion[Any], callers: Callers) -> None:
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
