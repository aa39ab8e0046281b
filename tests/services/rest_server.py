"""A REST API on a port of this machine that pages in every way, and misbehaves when told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100

Fault = Callable[["Handler"], None]
"""Answers a request in place of the page that was asked for."""


@dataclass
class RestServer:
    """What it has, what it wants, and what it was asked for.

    `/link`, `/body-link`, `/cursor`, `/page` and `/offset` give the same records, paged in these
    ways; `/token` gives OAuth2 tokens. Each request meets the next of the `faults`, while there are
    any.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    wanted: dict[str, str] = field(default_factory=dict)
    """The headers that a request for records must have."""
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Path, query and headers of each request, in order."""
    tokens: int = 0
    """How many tokens were given; only the last one is good."""
    url: str = ""

    def queries(self) -> list[dict[str, str]]:
        """Give the queries of the requests for records."""
        return [query for path, query, _ in self.asked if path != "/token"]


class Handler(BaseHTTPRequestHandler):
    """Answers for the server that stands behind it."""

    server_state: RestServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Give a page of records."""
        state = self.server_state
        address = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        state.asked.append((address.path, query, dict(self.headers)))
        if state.faults:
            state.faults.pop(0)(self)
        elif any(self.headers[name] != value for name, value in state.wanted.items()):
            self.answer(401, {"error": "who are you?"})
        else:
            self.page(address.path, query)

    def do_POST(self) -> None:
        """Give a token for the right id and secret."""
        state = self.server_state
        state.asked.append((self.path, {}, dict(self.headers)))
        if self.path != "/token":
            self.answer(404, {"error": "no such path"})
            return
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        right = (
            "Basic " + "Y2xpZW50OnMzY3JldCUyQnN0cmluZw=="
        )  # client:s3cret+string, as forms have it
        if self.headers["Authorization"] != right or sent["grant_type"] != ["client_credentials"]:
            self.answer(401, {"error": "invalid_client"})
            return
        state.tokens += 1
        state.wanted["Authorization"] = f"Bearer token-{state.tokens}"
        self.answer(200, {"access_token": f"token-{state.tokens}", "token_type": "bearer"})

    def page(self, path: str, query: dict[str, str]) -> None:
        """Give the records of a page, and the way to the next."""
        state = self.server_state
        size = int(query.get("limit", PAGE))
        start = int(query.get("offset") or query.get("token") or 0)
        if "page" in query:
            start = (int(query["page"]) - 1) * size
        since = query.get("updated_since", "")
        found = [record for record in state.records if record.get("updated_at", "z") >= since]
        page, rest = found[start : start + size], found[start + size :]
        more = "&".join(f"{key}={value}" for key, value in query.items() if key != "token")
        link = f"{path}?{more}&token={start + size}"
        if path == "/link":
            self.answer(200, page, {"Link": f'<{link}>; rel="next"'} if rest else {})
        elif path == "/body-link":
            self.answer(200, {"results": page, "next": state.url + link if rest else None})
        elif path == "/cursor":
            meta = {"next": str(start + size) if rest else None}
            self.answer(200, {"data": {"items": page}, "meta": meta})
        elif path in {"/page", "/offset"}:
            self.answer(200, {"data": {"items": page}})
        else:
            self.answer(404, {"error": "no such path"})

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        """Send JSON."""
        self.send(status, json.dumps(body).encode(), headers)

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send bytes, as many as are said, or fewer."""
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: what was asked is kept."""


def status(code: int, **headers: str) -> Fault:
    """Answer with a status alone."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.answer(code, {}, named)


def half_a_page(handler: Handler) -> None:
    """Say more than is sent, and hang up."""
    handler.send(200, b'{"data": {"items": [{"order_no": "A0', {"Content-Length": "5000"})
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    """Say nothing at all."""
    handler.close_connection = True


def no_json(handler: Handler) -> None:
    """Send a page for people."""
    handler.send(200, b"<html>Please sign in</html>")


def late(seconds: float) -> Fault:
    """Answer when nobody waits any more."""

    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer


@contextmanager
def rest_server() -> Iterator[RestServer]:
    """Answer in a thread until the block ends."""
    state = RestServer()
    handler = type("StatefulHandler", (Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
