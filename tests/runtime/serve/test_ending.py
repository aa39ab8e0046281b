"""The first SIGTERM drains, any other word ends at once, and neither cuts anybody off who asked."""

import asyncio
import multiprocessing
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app, protocol
from fourhats_runtime.serve import ending as the_end

from tests.runtime.serve.served import Served, served, wait_for

LONG = 60.0


def get(path: str) -> bytes:
    """Give a request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def is_open(api: Served) -> bool:
    """Tell whether new connections are taken."""
    with suppress(ConnectionError), api.connected():
        return True
    return False


def test_sigterm_drains_until_the_second_word(made: Project) -> None:
    with served(create_app(made), drain_seconds=LONG) as api:
        with api.connected() as kept:
            kept.send(get("/health"))
            assert "connection" not in kept.answer()[1]
            api.server.handle_exit(signal.SIGTERM, None)
            time.sleep(0.3)  # the server has looked at its clock by now
            kept.send(get("/health"))
            assert kept.answer()[1]["connection"] == "close"
        with api.connected() as client:
            client.send(get("/ready"))
            status, headers, _ = client.answer()
            assert (status, headers["connection"]) == (503, "close")
        api.server.handle_exit(signal.SIGTERM, None)
        wait_for(lambda: not is_open(api), LONG / 4)


def test_ctrl_c_is_for_now(made: Project) -> None:
    with served(create_app(made), drain_seconds=LONG) as api:
        api.server.handle_exit(signal.SIGINT, None)
        wait_for(lambda: not is_open(api), LONG / 4)


def test_at_the_end_each_connection_ends_by_its_own_clock(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "KEEP_ALIVE_SECONDS", LONG)
    monkeypatch.setattr(protocol, "LAST_SECONDS", 0.3)
    monkeypatch.setattr(the_end, "LOOK_SECONDS", 0.05)
    app, began, go_on = create_app(made), threading.Event(), threading.Event()

    @app.get("/slow")
    def slow() -> None:
        began.set()
        go_on.wait(LONG)

    with served(app) as api, ExitStack() as stack:
        idle, owed, half = (stack.enter_context(api.connected()) for _ in range(3))
        idle.send(get("/health"))
        idle.answer()
        owed.send(get("/slow"))
        half.send(get("/health")[:-2])
        assert began.wait(LONG)
        api.server.handle_exit(signal.SIGINT, None)
        assert idle.until_closed() == b""
        assert not is_open(api)
        half.send(b"\r\n")
        go_on.set()
        for client in (half, owed):
            status, headers, _ = client.answer()
            assert (status, headers["connection"]) == (200, "close")
            assert client.until_closed() == b""


def test_a_worker_that_dies_over_a_question_is_not_waited_for() -> None:
    worker = the_end.Worker(protocol.Config(create_app, patience=LONG), [])
    worker.process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(LONG,))
    worker.start()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(worker.is_alive, LONG)
        with pytest.raises(TimeoutError):
            answer.result(0.5)
        worker.process.kill()
        assert answer.result(LONG / 4) is False


def test_who_waits_when_the_port_closes_is_taken_in_first(made: Project) -> None:
    async def run() -> bytes:
        config = protocol.Config(create_app(made), patience=LONG)
        config.load()
        server = the_end.Server(config)
        server.lifespan = config.lifespan_class(config)
        with socket.create_server(("127.0.0.1", 0)) as port:
            await server.startup([port])
            asyncio.get_running_loop().remove_reader(port.fileno())  # too busy to accept
            with socket.create_connection(port.getsockname(), timeout=LONG) as waiting:
                waiting.sendall(get("/health"))
                await server.shutdown([port])
                return waiting.recv(1 << 16)

    said = asyncio.run(run())
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in said


def test_a_request_that_came_in_the_last_moment_is_answered(made: Project) -> None:
    with served(create_app(made)) as api, api.connected() as client:
        client.send(get("/health"))
        client.answer()
        (connection,) = api.server.server_state.connections
        assert isinstance(connection, protocol.ImpatientProtocol)
        at_once, paused = connection.loop.call_soon_threadsafe, threading.Event()
        at_once(connection.transport.pause_reading)
        at_once(paused.set)
        assert paused.wait(LONG)
        client.send(get("/health"))
        at_once(connection.look, float("inf"))  # long after all clocks
        at_once(connection.transport.resume_reading)
        assert client.answer()[0] == 200
