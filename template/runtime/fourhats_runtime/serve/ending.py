"""How the server ends: nobody is cut off who asked, on a new connection or a kept one.

After SIGTERM it goes on as it is for `drain_seconds`, not ready and each answer the last of its
connection, so that what stands before it (a load balancer) finds another. Then it takes no new
connection, and each of the kept ones ends by its own clock. Ctrl-C, or a second word, is for now.
"""

import asyncio
import signal
import socket
import time
from contextlib import suppress
from multiprocessing.connection import wait
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from fourhats_runtime.serve.protocol import Config, ImpatientProtocol

LOOK_SECONDS = 0.5
"""Between two looks at the clocks of all connections."""


class Server(uvicorn.Server):
    """uvicorn's own, which ends as said above, and keeps the connections to their clocks."""

    config: Config

    def __init__(self, config: Config) -> None:
        """Nothing is asked to end."""
        super().__init__(config)
        self._takes_until = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to look at the clocks, too."""
        await super().startup(sockets)
        self._look()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Go on for a while at the first SIGTERM."""
        first = sig == signal.SIGTERM and not self.should_exit
        self._takes_until = time.monotonic() + self.config.drain_seconds if first else 0.0
        self.config.ending = True
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to take no new connection."""
        return await super().on_tick(counter) and time.monotonic() >= self._takes_until

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in the connections that are made already, then no more."""
        self.config.ending = True
        loop = asyncio.get_running_loop()
        for each in self._close_port(sockets or []):
            await loop.connect_accepted_socket(self._connection, each)
        await super().shutdown(sockets)

    def _close_port(self, shared: list[socket.socket]) -> list[socket.socket]:
        """Take no more connections; gives those that wait, which the system would cut off."""
        waiting: list[socket.socket] = []
        for server in self.servers:
            for each in server.sockets:
                with socket.fromfd(each.fileno(), each.family, each.type) as port:
                    port.settimeout(0)
                    with suppress(OSError):  # until there is none
                        while True:
                            waiting.append(port.accept()[0])
            server.close()
        for port in shared:
            port.close()
        for each in waiting:
            each.settimeout(0)
        return waiting

    def _connection(self) -> ImpatientProtocol:
        state = self.lifespan.state
        return ImpatientProtocol(self.config, server_state=self.server_state, app_state=state)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, ImpatientProtocol):
                connection.look(now)
        loop.call_later(LOOK_SECONDS, self._look)


class Worker(multiprocess.Process):
    """One of several processes, which ends as one alone does."""

    config: Config

    @property
    def server(self) -> Server:
        """Give its server, which is made in the process."""
        if self._server is None:
            self._server = Server(self.config)
        return self._server  # type: ignore[return-value]

    def ping(self, timeout: float = 5) -> bool:
        """Ask whether it is there; where it dies over the question, no answer is waited for."""
        with suppress(OSError, EOFError):
            self.parent_conn.send(b"ping")
            if self.parent_conn in wait([self.parent_conn, self.process.sentinel], timeout):
                self.parent_conn.recv()
                return True
        return False


class Workers(Multiprocess):
    """Several processes that share a port."""

    def __init__(self, config: Config, shared: socket.socket) -> None:
        """Nothing is started yet."""
        multiprocess.Process = Worker  # type: ignore[misc] # uvicorn asks for no class of one's own
        super().__init__(config, [shared])

    def terminate_all(self) -> None:
        """End all; the port is closed when the last of them takes no more."""
        for shared in self.sockets:
            shared.close()
        super().terminate_all()
