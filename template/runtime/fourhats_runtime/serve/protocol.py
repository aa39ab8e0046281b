"""A connection that waits for no client forever, and sends an answer whole."""

import asyncio
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fourhats_runtime.answer import log
from fourhats_runtime.serve.front import WHOLE

MOST_HEAD_BYTES = 64 * 1024


class Config(uvicorn.Config):
    """uvicorn's own, which every worker is given, and which makes its log one of JSON."""

    def __init__(self, app: Any, *, patience: float, **options: Any) -> None:  # noqa: ANN401
        """Have a connection wait so many seconds for a request to be there whole."""
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
            self._transport.write(b"".join(self._parts))
        self._parts.clear()


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's own, which aborts where a request is not there whole in time."""

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """Begin as uvicorn does."""
        super().__init__(config, *arguments, **options)
        self._seconds = config.patience
        self._waits_since: float | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._in_head, self._head_bytes = True, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        joined = JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", joined))
        self._waits_since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the headers are complete."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Wait for the whole request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._waits_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait no more."""
        self._waits_since = None
        cast("dict[str, Any]", self.scope)[WHOLE] = True
        super().on_message_complete()

    def _look(self) -> None:
        # One clock for the connection: starting and stopping one for each request takes longer.
        now = self.loop.time()
        since = now if self._waits_since is None else self._waits_since
        left = self._seconds - (now - since)
        if left <= 0:
            self.transport.abort()
            return
        self._next_look = self.loop.call_later(left, self._look)
