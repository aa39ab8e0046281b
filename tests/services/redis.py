"""A Redis server of a test's own: private folder, private port, every write on the disk."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from tests.services.ports import free_port, wait_for
from tests.services.processes import started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.processes import Started


class RedisMissingError(RuntimeError):
    """No Redis server is installed on this machine."""


class RedisServer:
    """A server that can be killed and started again, with what it held."""

    def __init__(self, folder: Path) -> None:
        """Prepare the server; `start` starts it."""
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, protocol=2)
        self._running: Started | None = None
        self._stack = ExitStack()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "dir": self.folder,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        command = [
            "redis-server",
            *(str(part) for pair in options.items() for part in _option(pair)),
        ]
        self._running = self._stack.enter_context(started(command, log=self.folder / "log"))
        wait_for(self.answers, timeout=30, still_there=self._running.running)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._running is not None
        self._running.popen.kill()
        self._running.popen.wait()

    def close(self) -> None:
        """End it for good."""
        self.client.close()
        self._stack.close()

    def answers(self) -> bool:
        """Tell whether it takes commands."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Start an empty server on 127.0.0.1. Raises RedisMissingError."""
    if shutil.which("redis-server") is None:
        raise RedisMissingError("no Redis server here: install Debian's package `redis-server`")
    folder = Path(tempfile.mkdtemp(prefix="fourhats-redis-"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder)


def _option(pair: tuple[str, object]) -> tuple[str, object]:
    name, value = pair
    return f"--{name}", value
