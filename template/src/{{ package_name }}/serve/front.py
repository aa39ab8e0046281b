"""What every request passes: the key, the limits, the headers of the answer, a line in the log.

One layer of plain ASGI, as each layer costs a few percent of the requests per second. A POST is
read here, whole and within limits, and answered by its handler; all else is the application's.
"""

import asyncio
import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from ..settings import Serve
from .callers import Callers
from .journal import NotWrittenError
from .messages import Answer, Asked, Handler, Header, refusal
from .metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WHOLE = "whole"
"""In the scope of a request whose body has arrived: nothing has to time out for it."""
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What a caller's own id may look like: it is echoed, logged, and part of prediction ids."""
SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
GUARDED = ("/monitor",)  # pages that are shown to who has a key alone
QUIET = ("/health", "/ready", "/metrics")  # asked every few seconds: logged only when they fail
PAGES = ("/", "/file")  # for people: they are shown by GET, and a browser asks for the key
LONGEST_PATH = 200  # in the log
GONE = 499  # nginx's number: the caller hung up
NO_KEY = (
    "an API key or a token is asked for: send it as `Authorization: Bearer …`, a key also as "
    "`X-API-Key: …`"
)
NOT_LOGGED = "what cannot be logged is not answered, as nobody could account for it: {}"
RETRY: Header = (b"retry-after", b"1")

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """The body cannot be had; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(answer.status)
        self.answer = answer


class Front:
    """Stands before the application, and hands it what is no handler's."""

    def __init__(
        self,
        app: App,
        handlers: dict[str, Handler],
        callers: Callers,
        serve: Serve,
        metrics: Metrics,
    ) -> None:
        """Put `handlers`, by path, and the limits in front of `app`."""
        self._app = app
        self._handlers = handlers
        self._callers = callers
        self._serve = serve
        self._metrics = metrics
        self.in_flight = 0
        """Requests that are being answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        handler = self._handlers.get(scope["path"])
        if handler is None or (scope["path"] in PAGES and scope["method"] in ("GET", "HEAD")):
            if scope["path"] in GUARDED and self._callers.name(headers) is None:
                await _send(_no_key(b"Basic"), request_id, send)
                _log(scope, request_id, 401, time.perf_counter() - started, {})
                return
            await self._pass_on(scope, receive, send, request_id, started)
            return
        caller = self._callers.name(headers)
        answer = self._refuse(scope, headers, caller)
        if answer is None:
            answer = await self._ask(handler, scope, headers, receive, request_id.decode())
        if answer.status != GONE:
            await _send(answer, request_id, send)
        seconds = time.perf_counter() - started
        if scope["path"] == "/predict":
            self._metrics.requests_by(answer.status).inc()
            self._metrics.seconds.observe(seconds)
        facts: dict[str, object] = {"caller": caller} if caller else {}
        if answer.model_version:
            facts["model_version"] = answer.model_version
            self._metrics.records_by(answer.model_version).inc(answer.records)
        if answer.records:
            facts["records"] = answer.records
        _log(scope, request_id, answer.status, seconds, facts)

    def _refuse(
        self, scope: Scope, headers: dict[bytes, bytes], caller: str | None
    ) -> Answer | None:
        """Refuse what can be told from the head alone, before anything of the body is read."""
        if scope["method"] != "POST":
            return refusal(405, "this takes POST alone", (b"allow", b"POST"))
        if caller is None:
            return _no_key(b"Basic" if scope["path"] in PAGES else b"Bearer")
        # A browser sends what it knows of the user along with another site's form.
        foreign = headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if foreign and origin not in self._serve.allow_origins:
            return refusal(403, "pages of another site may not ask: see serve.allow_origins")
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
        body = None
        self.in_flight += 1
        deadline = asyncio.get_running_loop().time() + self._serve.timeout_seconds
        try:
            # All that arrived at the same moment are counted before the first is answered.
            await asyncio.sleep(0)
            reading = _read(receive, headers, self._serve.max_body_bytes)
            if WHOLE in scope:
                body = await reading
            else:
                async with asyncio.timeout_at(deadline):
                    body = await reading
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            return await handler(Asked(request_id, body, deadline, content_type))
        except RefusedError as error:
            return error.answer
        except TimeoutError:
            if body is None:
                return refusal(408, "the body did not come in time", (b"connection", b"close"))
            return refusal(503, "the answer took too long: send fewer records at once", RETRY)
        except NotWrittenError as error:
            self._metrics.log_failures.inc()
            return refusal(503, NOT_LOGGED.format(error), RETRY)
        except Exception:
            logger.exception("request %s failed", request_id)
            return refusal(500, "this is a fault of the service: its log says more")
        finally:
            self.in_flight -= 1

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, request_id: bytes, started: float
    ) -> None:
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id),
                    *SECURITY,
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # The application has answered 500 by now.
            logger.exception("request %s failed", request_id.decode())
        if scope["path"] not in QUIET or status >= HTTPStatus.BAD_REQUEST:
            _log(scope, request_id, status, time.perf_counter() - started, {})


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
