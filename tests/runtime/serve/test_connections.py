"""Each answer reaches who asked for it, and no connection is held for nothing."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app, keys, protocol
from fourhats_runtime.serve import ending as the_end

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE
from tests.runtime.serve.served import Client, Served, served, wait_for

BODY = json.dumps([EXAMPLE]).encode()
ANOTHERS = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: hidden\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
CHUNKED = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 40_000_000  # more than the system keeps for who does not read


def post(body: bytes = BODY, *, more: bytes = b"", path: bytes = b"/predict") -> bytes:
    """Give the head of a request that sends this body."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST %b HTTP/1.1\r\nHost: localhost\r\n%b%b\r\n" % (path, length, more)


def get(request_id: str, path: str = "/health") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {request_id}\r\n\r\n".encode()


@pytest.fixture
def api(made: Project) -> Iterator[Served]:
    """Give the service as it is served."""
    with served(create_app(made)) as found:
        yield found


@pytest.fixture
def client(api: Served) -> Iterator[Client]:
    """Give a connection to it."""
    with api.connected() as opened:
        yield opened


def is_answered_in_step(client: Client, expected: int = 200) -> dict[str, Any]:
    """See that the next answer is of this status, and the one after it the next request's."""
    status, _, body = client.answer()
    assert status == expected, body
    client.send(get("next"))
    status, headers, _ = client.answer()
    assert (status, headers["x-request-id"]) == (200, "next")
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize("cut", [0, 30, 10**6, -1, -len(BODY)])
@pytest.mark.parametrize("offer", [H2C, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
def test_an_offer_of_another_protocol_changes_nothing(
    client: Client, offer: bytes, cut: int
) -> None:
    whole = post(more=offer) + BODY
    client.send(*(part for part in (whole[:cut], whole[cut:]) if part))
    assert is_answered_in_step(client)["predictions"]


def test_what_is_a_body_is_never_taken_for_a_request(client: Client) -> None:
    client.send(post(ANOTHERS, more=H2C), ANOTHERS)
    assert "detail" in is_answered_in_step(client, 422)


def test_an_offer_comes_with_any_kind_of_body_and_many_times(client: Client) -> None:
    chunked = CHUNKED.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n")
    client.send(chunked, b"%x\r\n%b\r\n" % (len(BODY), BODY), b"0\r\n\r\n")
    assert is_answered_in_step(client)["predictions"]
    client.send(get("bare").replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n"))
    assert is_answered_in_step(client)["status"] == "alive"
    client.send((post(more=H2C) + BODY) * 3)  # one after the other, unasked
    for _ in range(2):
        assert client.answer()[0] == 200
    assert is_answered_in_step(client)["predictions"]


@pytest.mark.parametrize(("to_everybody", "expected"), [(True, 200), (False, 403)])
def test_who_serves_everybody_answers_by_any_name(
    made: Project, *, to_everybody: bool, expected: int
) -> None:
    asked = get("one").replace(b"localhost", b"api.example.com\r\nVia: 1.1 proxy")
    with served(create_app(made), to_everybody=to_everybody) as api, api.connected() as client:
        client.send(asked)
        assert client.answer()[0] == expected


def test_a_tunnel_is_refused(api: Served) -> None:
    for target in (b"example.com:443", b"/predict"):
        with api.connected() as client:
            client.send(b"CONNECT %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target, ANOTHERS)
            said = client.until_closed()
            assert said.startswith(b"HTTP/1.1 400 ")
            assert said.count(b"HTTP/1.1 ") == 1


def test_who_is_refused_before_the_body_leaves_no_doubt_about_what_comes_next(
    client: Client,
) -> None:
    expecting = post(more=b"Expect: 100-continue\r\n").replace(b"POST", b"PUT")
    client.send(expecting)
    status, headers, _ = client.answer()
    assert (status, headers["connection"]) == (405, "close")
    assert client.until_closed() == b""


def test_a_body_that_is_asked_for_is_answered(client: Client) -> None:
    client.send(post(more=b"Expect: 100-continue\r\n"))
    assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(BODY)
    assert client.answer()[0] == 200


@pytest.mark.parametrize(
    "nonsense", [b"\x00 nonsense\r\n\r\n", CHUNKED + b"no length\r\n"], ids=["head", "body"]
)
def test_nonsense_is_not_answered_in_the_place_of_another(made: Project, nonsense: bytes) -> None:
    app, go_on = create_app(made), threading.Event()

    @app.get("/slow")
    def slow() -> None:
        go_on.wait(20)

    with served(app) as api, api.connected() as client:
        client.send(get("first", "/slow"), nonsense)
        said = client.until_closed()
        go_on.set()
    assert said == b""


def test_what_comes_behind_a_body_is_no_header(made: Project) -> None:
    key, digest = keys.make()
    trailer = b"%x\r\n%b\r\n0\r\nX-API-Key: %b\r\n\r\n" % (len(BODY), BODY, key.encode())
    with served(create_app(configured(made, digest))) as api, api.connected() as client:
        client.send(CHUNKED + trailer)
        assert "detail" in is_answered_in_step(client, 401)


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/metrics", "/docs", "/monitor"])
def test_head_is_answered_like_get_without_the_body(client: Client, path: str) -> None:
    client.send(get("first", path))
    _, expected, _ = client.answer()
    client.send(get("head", path).replace(b"GET", b"HEAD"))
    status, headers, _ = client.answer(of_head=True)
    assert status == 200
    assert {*headers} == {*expected}
    client.send(get("next"))
    assert client.answer()[1]["x-request-id"] == "next"


STATES = {
    "silent from the beginning": b"",
    "an empty line": b"\r\n",
    "half a head": post(more=b"X-Half: ")[:-3],
    "half a body": post() + BODY[:-1],
    "half an offer": post(more=H2C) + BODY[:-1],
    "half a chunk": CHUNKED + b"9\r\nhalf",
    "silent behind an answer": get("one"),
    "an empty line behind an answer": get("one") + b"\r\n",
    "half a request behind an answer": get("one") + b"GET /hea",
    "a body that is refused already": post().replace(b"POST", b"PUT"),
}


def test_every_state_of_a_connection_ends(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "KEEP_ALIVE_SECONDS", 0.3)
    monkeypatch.setattr(the_end, "LOOK_SECONDS", 0.1)
    with served(create_app(made), patience=0.6) as api:
        held = {state: socket.create_connection(("127.0.0.1", api.port)) for state in STATES}
        try:
            for state, opened in held.items():
                opened.sendall(STATES[state])
            wait_for(lambda: api.open_connections() == len(STATES))
            time.sleep(0.1)
            for state, opened in held.items():  # whatever else comes of it
                if "empty line" in state:
                    opened.sendall(b"\r\n")
            wait_for(lambda: api.open_connections() == 0)
        finally:
            for opened in held.values():
                opened.close()


def test_who_waits_for_an_answer_is_left_in_peace(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_end, "LOOK_SECONDS", 0.05)
    app = create_app(made)

    @app.post("/slow")
    async def slow() -> str:
        await asyncio.sleep(1)
        return "done"

    with served(app, patience=0.3) as api, api.connected() as client:
        client.send(post(path=b"/slow") + BODY + get("meanwhile"))
        assert client.answer()[2] == b'"done"'
        assert client.answer()[1]["x-request-id"] == "meanwhile"


def test_the_next_request_has_the_time_of_the_first(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "KEEP_ALIVE_SECONDS", 0.2)
    monkeypatch.setattr(the_end, "LOOK_SECONDS", 0.05)
    whole = post() + BODY
    with served(create_app(made), patience=30.0) as api, api.connected() as client:
        # Of the next one so much comes with the first one, and so much soon after its answer.
        for at_once, soon in ((0, 20), (0, -1), (20, 20)):
            client.send(get("one") + whole[:at_once])
            assert client.answer()[0] == 200
            client.send(whole[at_once:soon])
            time.sleep(0.6)
            client.send(whole[soon:])
            assert client.answer()[0] == 200


async def large(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI's)
    """Answer much."""
    del scope
    await receive()
    length = str(LARGE).encode()
    headers = [(b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(LARGE)})


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Give a server whose answers are large, and which waits a second for them to be taken."""
    monkeypatch.setattr(the_end, "LOOK_SECONDS", 0.05)
    with served(_with_lifespan(large), patience=1.0) as found:
        yield found


def _with_lifespan(answer: Any) -> Any:  # noqa: ANN401 (ASGI's)
    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI's)
        if scope["type"] == "http":
            await answer(scope, receive, send)
            return
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})

    return app


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_who_never_reads_is_cut_off(generous: Served, more: bytes) -> None:
    silent = [socket.create_connection(("127.0.0.1", generous.port)) for _ in range(3)]
    for opened in silent:
        opened.sendall(post(b"", more=more))
    wait_for(lambda: generous.open_connections() == len(silent))
    wait_for(lambda: generous.open_connections() == 0)
    for opened in silent:
        opened.close()


def test_who_takes_a_drop_at_a_time_is_cut_off(generous: Served) -> None:
    (listening,) = generous.server.servers
    listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with socket.socket() as opened:  # with so little room on the way, each drop is seen
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.connect(("127.0.0.1", generous.port))
        opened.sendall(post(b""))

        def is_cut_off() -> bool:
            try:
                return not opened.recv(2000)
            except ConnectionError:
                return True

        wait_for(is_cut_off)


def test_who_reads_slowly_is_not(generous: Served) -> None:
    began, taken = time.monotonic(), 0
    with generous.connected() as client:
        client.send(post(b""))
        while taken < LARGE:
            part = client.socket.recv(4_000_000, socket.MSG_WAITALL)
            assert part, "cut off"
            taken += len(part)
            time.sleep(0.25)
    assert time.monotonic() - began > 2  # longer than a second: it was waited for


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\n",
        get("one") + b"GET / HTTP/1.1\r\n",
        CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY),
    ],
    ids=["first", "next", "behind the body"],
)
def test_headers_without_end_are_cut_off(client: Client, beginning: bytes) -> None:
    client.send(beginning)

    def send_more() -> None:
        for _ in range(1000):
            client.send(b"X-More: %b\r\n" % (b"x" * 10_000))

    with pytest.raises(ConnectionError):
        send_more()


def test_what_comes_in_one_segment_with_a_head_is_not_counted_as_one(
    api: Served, client: Client
) -> None:
    wait_for(lambda: api.open_connections() == 1)
    (connection,) = api.server.server_state.connections
    assert isinstance(connection, protocol.ImpatientProtocol)

    def arrive(*segments: bytes) -> None:
        for segment in segments:
            connection.loop.call_soon_threadsafe(connection.data_received, segment)

    padded = BODY[:-1] + b" " * 30_000 + b"]"
    arrive(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in padded) + b"0\r\n", b"\r\n")
    assert is_answered_in_step(client)["predictions"]
    arrive(get("many") * 1500 + get("last")[:-2], b"\r\n")
    for _ in range(1500):
        assert client.answer()[1]["x-request-id"] == "many"
    assert client.answer()[1]["x-request-id"] == "last"


def test_a_body_has_the_time_that_is_set(made: Project) -> None:
    app = create_app(configured(made, serve={"timeout_seconds": 0.5}))
    _echo(app)
    with served(app, patience=60.0) as api:
        for path in (b"/predict", b"/owner"):
            with api.connected() as client:
                client.send(post(path=path), BODY[:5], BODY[5:])
                assert client.answer()[0] == 200
                client.send(post(path=path) + BODY[:5])
                assert client.answer()[0] == 408
                assert client.until_closed() == b""


def _echo(app: FastAPI) -> None:
    @app.post("/owner")
    async def owner(request: Request) -> int:
        return len(await request.body())
