"""The server in a thread of the tests', and raw connections to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fourhats_runtime.serve.ending import Server
from fourhats_runtime.serve.protocol import Config

SECONDS = 60.0  # for what comes at once, unless the machine has much else to do


@dataclass
class Client:
    """A connection, and what of the answers has been read but not taken."""

    socket: socket.socket
    rest: bytes = field(default=b"")

    def send(self, *segments: bytes) -> None:
        """Send each by itself; the server has read one before the next leaves."""
        for number, segment in enumerate(segments):
            if number:
                time.sleep(0.05)
            self.socket.sendall(segment)

    def answer(self, *, of_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Give the next answer: status, headers, body (none where it is a HEAD's)."""
        head, _, self.rest = self._until(lambda: b"\r\n\r\n" in self.rest).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (ln.partition(": ") for ln in lines)}
        length = 0 if of_head else int(headers["content-length"])
        self._until(lambda: len(self.rest) >= length)
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(first.split()[1]), headers, body

    def until_closed(self) -> bytes:
        """Give all that comes before the end, be it in order or not."""
        try:
            while more := self.socket.recv(1 << 16):
                self.rest += more
        except ConnectionError:
            pass
        taken, self.rest = self.rest, b""
        return taken

    def _until(self, there: Any) -> bytes:  # noqa: ANN401 (a function without arguments)
        while not there():
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError(f"closed behind {self.rest[:200]!r}")
            self.rest += more
        return self.rest


@dataclass
class Served:
    """A running server."""

    server: Server
    port: int

    @contextmanager
    def connected(self) -> Iterator[Client]:
        """Open a connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as opened:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield Client(opened)

    def open_connections(self) -> int:
        """Count the connections that the server holds."""
        return len(self.server.server_state.connections)


@contextmanager
def served(app: Any, **options: Any) -> Iterator[Served]:  # noqa: ANN401 (uvicorn's)
    """Have an application served as `serve` does, at a free port."""
    config = Config(app, **{"host": "127.0.0.1", "port": 0, "patience": SECONDS, **options})
    server = Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive())
        (listening,) = server.servers
        yield Served(server, listening.sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


def wait_for(is_true: Any, seconds: float = SECONDS) -> None:  # noqa: ANN401 (a function)
    """Wait until it is."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)
