"""A service of the tests' own, on a port of this machine, for as long as it is asked."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Asked(NamedTuple):
    """A request: its path with the query, its headers and its body, empty for a GET."""

    path: str
    headers: dict[str, str]
    body: str


@contextmanager
def json_service(answer: Callable[[Asked], object]) -> Iterator[str]:
    """Answer GET and POST in JSON, a PermissionError with 403; yield the address."""

    def in_json(asked: Asked) -> tuple[int, bytes]:
        try:
            return 200, json.dumps(answer(asked)).encode()
        except PermissionError as error:
            return 403, json.dumps({"message": str(error)}).encode()

    with http_service(in_json) as url:
        yield url


@contextmanager
def http_service(answer: Callable[[Asked], tuple[int, bytes]]) -> Iterator[str]:
    """Answer GET and POST in a thread by a status and a body; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def answer(self, body: str) -> None:
            code, text = answer(Asked(self.path, dict(self.headers), body))
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
