"""What every request passes: the key, the limits, the headers of the answer, a line in the log.

One layer of plain ASGI, as each layer costs a few percent of the requests per second. A POST of the
API's own is read here, whole and within limits, and answered by its handler; all else is the
application's, under the same guards.
"""

import asyncio
import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from fourhats_runtime.answer.journal import NotWrittenError
from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.serve.addresses import is_this_machine, names_this_machine
from fourhats_runtime.serve.callers import Callers
from fourhats_runtime.serve.messages import Answer, Asked, Handler, Header, refusal
from fourhats_runtime.serve.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TRIAL = {None: False, b"false": False, b"true": True}
"""What the header X-Trial says: whether nobody decides by the answer."""
WHOLE = "whole"
"""In the scope of a request whose body has arrived: nothing has to time out for it."""
OPEN = "open"
"""In the scope where everybody may ask, though nobody has a key: `serve --open`."""
ENDING = "ending"
"""In the scope of a request that came after the service was told to end."""
FORWARDED = frozenset(
    (
        *(b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip"),
        *(b"x-forwarded-" + name for name in (b"for", b"host", b"proto", b"port", b"server")),
        *(b"x-original-forwarded-for", b"x-envoy-external-address", b"cf-connecting-ip"),
    )
)
"""Headers that a proxy adds."""
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What a caller's own id may look like: it is echoed, logged, and part of prediction ids."""
SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Under a stricter one a browser does not say of the page's own form where it comes from.
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
QUIET = ("/health", "/ready", "/metrics")  # asked every few seconds: logged only when they fail
PAGES = ("/", "/file")  # for people: they are shown by GET, and a browser asks for the key
READING = ("GET", "HEAD", "OPTIONS")  # changes nothing, so that another site's page may ask for it
POLICY_VIOLATION = 1008  # of a websocket
LONGEST_PATH = 200  # in the log
GONE = 499  # nginx's number: the caller hung up
NO_KEY = (
    "an API key or a token is asked for: send it as `Authorization: Bearer …`, a key also as "
    "`X-API-Key: …`"
)
NOT_STARTED = (
    "the service has not started: its lifespan has not been entered (in a test: `with "
    "TestClient(app) as client`)"
)
NOT_LOGGED = "what cannot be logged is not answered, as nobody could account for it: {}"
WITHOUT_KEYS = (
    "without keys this answers who is on this machine, by its own names (localhost) and through no "
    "proxy, behind which others could be: set API_KEY_HASHES, or serve with --open"
)
NOT_READY = "the service was told to end"
RETRY: Header = (b"retry-after", b"1")

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """The body cannot be had; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(answer.status)
        self.answer = answer


class Arrival(NamedTuple):
    """What is known of a request when it is handed on."""

    headers: dict[bytes, bytes]
    request_id: bytes
    caller: str | None
    started: float


async def not_started(_asked: Asked) -> Answer:
    """Answer as long as there is nobody else to."""
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, NOT_STARTED)


class Front:
    """Stands before the application, and hands it what is no handler's."""

    def __init__(  # noqa: PLR0913 (each is something else to stand before)
        self,
        app: App,
        handled: Collection[str],
        callers: Callers,
        serve: Serve,
        metrics: Metrics,
        *,
        counted: str,
        own: Collection[str],
        is_public: Callable[[Scope], bool],
    ) -> None:
        """Put keys and limits in front of `app`.

        Args:
            app: answers what is no handler's.
            handled: the paths whose POST is a handler's.
            callers: who is let in.
            serve: the limits.
            metrics: counts.
            counted: the path whose requests are counted and timed.
            own: the paths of the service's own pages and probes, which no limit stops.
            is_public: whether what a scope asks for is open to everybody.

        """
        self._app = app
        self.callers = callers
        self._serve = serve
        self._metrics = metrics
        self._counted = counted
        self._own = frozenset(own)
        self._is_public = is_public
        self.handlers: dict[str, Handler] = dict.fromkeys(handled, not_started)
        """By path; the service puts them in when it starts."""
        self.in_flight = 0
        """Requests that are being answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._pass_socket(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        path = path_of(scope) if scope.get("root_path") else scope["path"]
        handler = self.handlers.get(path)
        caller = self.callers.name(headers)
        if handler is None or (path in PAGES and scope["method"] in ("GET", "HEAD")):
            arrival = Arrival(headers, request_id, caller, started)
            await self._pass_on(arrival, scope, receive, send)
            return
        answer = self._refuse(scope, path, headers, caller)
        if answer is None:
            answer = await self._ask(handler, scope, headers, receive, request_id.decode())
        if answer.status != GONE:
            await _send(answer, request_id, send)
        seconds = time.perf_counter() - started
        self._count(path, answer.status, seconds)
        facts: dict[str, object] = {"caller": caller} if caller else {}
        if answer.model_version:
            facts["model_version"] = answer.model_version
            self._metrics.records_by(answer.model_version).inc(answer.records)
        if answer.records:
            facts["records"] = answer.records
        _log(scope, request_id, answer.status, seconds, facts)

    def _refuse(
        self, scope: Scope, path: str, headers: dict[bytes, bytes], caller: str | None
    ) -> Answer | None:
        """Refuse what can be told from the head alone, before anything of the body is read."""
        if scope["method"] != "POST":
            return refusal(405, "this takes POST alone", (b"allow", b"POST"))
        if caller is None:
            return _no_key(b"Basic" if path in PAGES else b"Bearer")
        return self._foreign(headers) or _stranger(scope, headers, caller) or self._busy()

    def _refuse_other(
        self, scope: Scope, headers: dict[bytes, bytes], caller: str | None
    ) -> Answer | None:
        """Refuse, from the head alone, what is no handler's."""
        reading = scope["method"] in READING
        if caller is None and not self._is_public(scope):
            return _no_key(b"Basic" if reading else b"Bearer")
        if not reading and (answer := self._foreign(headers)):
            return answer
        if answer := _stranger(scope, headers, caller):
            return answer
        path = path_of(scope)
        if ENDING in scope and path == "/ready":
            return Answer(503, msgspec.json.encode({"status": NOT_READY}))
        return None if path in self._own else self._busy()

    def _foreign(self, headers: dict[bytes, bytes]) -> Answer | None:
        # A browser sends what it knows of the user along with another site's form.
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if site is not None:
            foreign = site not in (b"none", b"same-origin")
        else:  # an older browser, or a page that did not come by TLS
            named = (origin or b"").partition(b"://")[2]
            foreign = origin is not None and not (named and named == headers.get(b"host"))
        if foreign and (origin or b"").decode("latin-1") not in self._serve.allow_origins:
            return refusal(403, "pages of another site may not ask: see serve.allow_origins")
        return None

    def _busy(self) -> Answer | None:
        if self.in_flight >= self._serve.max_in_flight:
            return refusal(429, "too many requests at once: try again", RETRY)
        return None

    async def _ask(
        self,
        handler: Handler,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        request_id: str,
    ) -> Answer:
        trial = TRIAL.get(headers.get(b"x-trial"))
        if trial is None:  # what was meant as a trial must not count as a decision
            return refusal(422, "X-Trial is true or false")
        self.in_flight += 1
        deadline = asyncio.get_running_loop().time() + self._serve.timeout_seconds
        try:
            # All that arrived at the same moment are counted before the first is answered.
            await asyncio.sleep(0)
            if WHOLE in scope:
                body = await _read(receive, headers, self._serve.max_body_bytes)
            else:
                body = await self._in_time(receive, headers, deadline)
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            return await handler(Asked(request_id, body, deadline, content_type, trial))
        except RefusedError as error:
            return error.answer
        except TimeoutError:
            return refusal(503, "the answer took too long: send fewer records at once", RETRY)
        except NotWrittenError as error:
            self._metrics.log_failures.inc()
            return refusal(503, NOT_LOGGED.format(error), RETRY)
        except Exception:
            logger.exception("request %s failed", request_id)
            return refusal(500, "this is a fault of the service: its log says more")
        finally:
            self.in_flight -= 1

    async def _in_time(
        self, receive: Receive, headers: dict[bytes, bytes], deadline: float
    ) -> bytes:
        """Read a body whole.

        Raises:
            RefusedError: it is too long or late, or the caller went away.

        """
        try:
            async with asyncio.timeout_at(deadline):
                return await _read(receive, headers, self._serve.max_body_bytes)
        except TimeoutError:
            late = "the body did not come in time"
            raise RefusedError(refusal(408, late, (b"connection", b"close"))) from None

    async def _pass_on(self, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, if nothing speaks against it."""
        headers, request_id, caller, started = arrival
        given = scope
        if scope["method"] == "HEAD" and path_of(scope) in self._own:
            scope = {**scope, "method": "GET"}  # whose body the server leaves out
        answer = self._refuse_other(scope, headers, caller)
        if answer is None:
            # For routes of one's own, as `request.state.request_id` and `.caller`.
            state = scope.setdefault("state", {})
            state.update(request_id=request_id.decode(), caller=caller or "")
            counted = path_of(scope) not in self._own
            self.in_flight += counted
            try:
                status = await self._let_in(arrival, scope, receive, send)
            except RefusedError as error:
                answer = error.answer
            finally:
                self.in_flight -= counted
        if answer is not None:
            status = answer.status
            if status != GONE:
                await _send(answer, request_id, send)
        seconds = time.perf_counter() - started
        self._count(path_of(scope), status, seconds)
        if path_of(scope) not in QUIET or status >= HTTPStatus.BAD_REQUEST:
            facts: dict[str, object] = {"caller": caller} if caller else {}
            _log(given, request_id, status, seconds, facts)

    def _count(self, path: str, status: int, seconds: float) -> None:
        if path == self._counted:
            self._metrics.requests_by(status).inc()
            self._metrics.seconds.observe(seconds)

    async def _let_in(self, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> int:
        """Have the application answer; gives the status. How long it takes is its own affair.

        Raises:
            RefusedError: the body is too long or late, or the caller went away.

        """
        headers, request_id = arrival.headers, arrival.request_id
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                said = {name.lower() for name, _ in given}  # by the route itself, which counts
                ours = [header for header in SECURITY if header[0] not in said]
                message["headers"] = [*given, (b"x-request-id", request_id), *ours]
            await send(message)

        if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            deadline = asyncio.get_running_loop().time() + self._serve.timeout_seconds
            body = await self._in_time(receive, headers, deadline)
            receive = _with_body(body, receive)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # The application has answered 500 by now.
            logger.exception("request %s failed", request_id.decode())
        return status

    async def _pass_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a websocket in, or a word about the process's life, which is asked by the server."""
        if scope["type"] == "websocket":
            headers = dict(scope["headers"])
            caller = self.callers.name(headers)
            known = caller is not None or self._is_public(scope)
            if not known or self._foreign(headers) or _stranger(scope, headers, caller):
                await receive()
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return
        await self._app(scope, receive, send)


def path_of(scope: Scope) -> str:
    """Give the path of a request below where the application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and f"{path}/".startswith(f"{root}/") else path


def _stranger(scope: Scope, headers: dict[bytes, bytes], caller: str | None) -> Answer | None:
    """Refuse, where nobody has a key, who may not be on this machine."""
    if caller != "" or OPEN in scope:
        return None
    if FORWARDED.isdisjoint(headers):
        if names_this_machine(headers.get(b"host", b"")):
            return None
        at, _ = scope.get("server") or ("", None)
        if not is_this_machine(at):  # another server's doing, or a test's
            return None
    return refusal(403, WITHOUT_KEYS)


def _no_key(way: bytes) -> Answer:
    return refusal(401, NO_KEY, (b"www-authenticate", way + b' realm="API key"'))


async def _read(receive: Receive, headers: dict[bytes, bytes], most: int) -> bytes:
    """Read a body whole.

    Raises:
        RefusedError: it is longer than `most` bytes, or says so beforehand; the caller went away.

    """
    if int(headers.get(b"content-length", 0)) > most:
        raise RefusedError(_too_long(most))
    parts: list[bytes] = []
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(Answer(GONE, b""))
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most:
            raise RefusedError(_too_long(most))
        more = message.get("more_body", False)
    return b"".join(parts)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, and then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _too_long(most: int) -> Answer:
    return refusal(413, f"the body is longer than {most:,} bytes (serve.max_body_bytes)")


async def _send(answer: Answer, request_id: bytes, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", request_id),
        *SECURITY,
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _log(
    scope: Scope, request_id: bytes, status: int, seconds: float, facts: dict[str, object]
) -> None:
    """Write one line of JSON to the standard error: nothing of what was asked or answered."""
    entry = {
        "at": datetime.now(UTC),
        "level": "error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "info",
        "request_id": request_id.decode(),
        "method": scope["method"],
        "path": scope["path"][:LONGEST_PATH],
        "status": status,
        "ms": round(seconds * 1e3, 3),
        **facts,
    }
    with suppress(OSError):  # a log that nobody takes in is no reason not to answer
        os.write(2, msgspec.json.encode(entry) + b"\n")
