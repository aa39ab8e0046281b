"""A connection: each of its states has a clock, each answer is that of its request.

| state | ends in | after |
|---|---|---|
| nothing asked yet, or a request that is there by half | abort | `patience`, from its first byte |
| being answered | an answer | what `serve.timeout_seconds` or one's own route says |
| an answer that is not taken | abort | `patience` for each `LEAST_TAKEN_BYTES` |
| silent after an answer | close | `KEEP_ALIVE_SECONDS`, whatever comes that is no request |
| silent when the server ends | close | `LAST_SECONDS`: what is on its way still arrives |

No state has a timer of its own: the server has every connection look at its clock (`look`).
"""

import asyncio
import selectors
import socket
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fourhats_runtime.answer import log
from fourhats_runtime.serve.front import ENDING, OPEN, WHOLE

MOST_HEAD_BYTES = 64 * 1024
LEAST_TAKEN_BYTES = 256 * 1024
KEEP_ALIVE_SECONDS = 5.0
LAST_SECONDS = 1.0
NEVER = float("inf")
INVALID = "Invalid HTTP request received."


class Config(uvicorn.Config):
    """uvicorn's own, which every worker is given, and which makes its log one of JSON."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 (uvicorn's)
        *,
        patience: float,
        drain_seconds: float = 0.0,
        to_everybody: bool = False,
        **options: Any,  # noqa: ANN401 (uvicorn's)
    ) -> None:
        """Say how a connection is treated.

        Args:
            app: what takes requests, or where it is.
            patience: seconds for a request to be there whole, or for an answer to be taken.
            drain_seconds: how long new connections are taken after SIGTERM.
            to_everybody: whether who has no key may come from anywhere.
            options: uvicorn's.

        """
        super().__init__(
            app,
            http=ImpatientProtocol,
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            **options,
        )
        self.patience = patience
        self.drain_seconds = drain_seconds
        self.to_everybody = to_everybody
        self.ending = False
        """Whether each answer is the last of its connection."""

    def configure_logging(self) -> None:
        """Begin the log; uvicorn has each worker do so."""
        super().configure_logging()
        log.start()


class JoinedWrites:
    """A transport that sends what is written one after the other at once.

    uvicorn writes an answer's head, then its body: each would cost a system call and a packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Stand before `transport`."""
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.sent_bytes = 0
        """Handed to the transport so far, which may hold a part of them."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (the transport's)
        """Give all else that the transport has."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send this, with what is written until the loop comes round."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        """Send what is written, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._parts and not self._transport.is_closing():
            data = b"".join(self._parts)
            self.sent_bytes += len(data)
            self._transport.write(data)
        self._parts.clear()


def has_come(*sockets: socket.socket) -> bool:
    """Tell whether one of these has something that is not read, or accepted, yet."""
    with selectors.DefaultSelector() as arrived:
        for each in sockets:
            arrived.register(each, selectors.EVENT_READ)
        return bool(arrived.select(0))


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's own, which waits for nobody forever, and offers no other protocol than HTTP/1."""

    config: Config

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """Begin as uvicorn does."""
        super().__init__(config, *arguments, **options)
        self._joined = cast("JoinedWrites", None)
        self._patience = config.patience
        self._due = NEVER  # by the loop's clock: when this state has lasted too long
        self._in_request = False  # which has begun, and is not there whole
        self._in_head, self._head_bytes = True, 0
        self._segment_bytes = 0
        self._plain_head = b""
        self._taken_bytes, self._taken_at = 0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        self._joined = JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._joined))
        self._due = self.loop.time() + self._patience

    def data_received(self, data: bytes) -> None:
        """Read what came; an offer to change the protocol is not taken up."""
        self._segment_bytes = len(data)
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as pause:
                # The parser takes what follows for another protocol's: it reads it as a body
                # where the head does not offer one.
                data = self._plain_head + data[pause.args[0] :]
            except httptools.HttpParserError:
                self.logger.warning(INVALID)
                self.send_400_response(INVALID)
                return
            else:
                break
        if self._in_head:
            self._head_bytes += self._segment_bytes
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Wait for the whole request."""
        super().on_message_begin()
        self._plain_head = b""
        self._in_request = True
        self._count_head()
        self._due = self.loop.time() + self._patience

    def on_headers_complete(self) -> None:
        """Have it answered, and the connection closed after it where that is safer."""
        self._in_head = False
        if self.parser.should_upgrade():
            self._plain_head = self._without_upgrade()
            return
        super().on_headers_complete()
        if self.config.to_everybody:
            cast("dict[str, Any]", self.scope)[OPEN] = True
        if self.config.ending:
            cast("dict[str, Any]", self.scope)[ENDING] = True
            self.cycle.keep_alive = False
        if self.expect_100_continue:
            # Who is refused beforehand need not send the body: the next bytes could be anything.
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        """Count what comes unless it is a body: behind the last chunk are fields as in a head."""
        self._count_head()
        self.headers = []  # theirs, which no check of the request has seen, are nobody's

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body."""
        self._in_head = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more, unless it is refused already."""
        if self._plain_head:
            return
        self._in_request = self._in_head = False
        if self.cycle.response_complete:
            self._due = self.loop.time() + KEEP_ALIVE_SECONDS
        else:
            self._due = NEVER
            cast("dict[str, Any]", self.scope)[WHOLE] = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what was asked meanwhile, or wait for the next request.

        In place of uvicorn's own, which makes a timer for each answer.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._in_request:
            self._due = self.loop.time() + self._patience
        elif not self.pipeline:
            self._due = self.loop.time() + KEEP_ALIVE_SECONDS
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def send_400_response(self, msg: str) -> None:
        """Say so where the next answer is this request's; where it is another's, only close."""
        cycle = self.cycle
        if cycle is None:
            is_next = True
        elif cycle.more_body:  # what is wrong is its body
            is_next = not cycle.response_started and not self.pipeline
        else:
            is_next = cycle.response_complete
        if is_next:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def look(self, now: float) -> None:
        """End what has lasted too long; `now` is by the loop's clock."""
        waiting = self.transport.get_write_buffer_size()
        taken = self._joined.sent_bytes - waiting
        if not waiting or taken - self._taken_bytes >= LEAST_TAKEN_BYTES:
            self._taken_bytes, self._taken_at = taken, now
        elif now - self._taken_at > self._patience:
            self.transport.abort()
        if waiting or now < self._due or self.flow.read_paused:
            return
        if self._in_request or self.cycle is None:
            self.transport.abort()
        elif not has_come(self.transport.get_extra_info("socket")):
            self.transport.close()

    def shutdown(self) -> None:
        """End with the answer that is owed, or soon."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif not self._in_request:
            self._due = min(self._due, self.loop.time() + LAST_SECONDS)

    def _count_head(self) -> None:
        # What came in one segment with it may be another request's: it is added when it is read.
        self._in_head, self._head_bytes = True, -self._segment_bytes

    def _without_upgrade(self) -> bytes:
        """Give the head that was read, as it would be without the offer of another protocol.

        Raises:
            ValueError: it asks for a tunnel, which is answered 400.

        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise ValueError("no proxy")
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])
