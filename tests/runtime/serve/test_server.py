"""The server, as a process of its own: what it serves, how long it waits, how it starts."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve import server

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE
from tests.runtime.serve.served import wait_for

ROOT = Path(__file__).parents[3]
SECONDS = 120.0  # that a start may take on a machine that has much else to do
PROJECT = """
from fourhats_runtime import Project
from tests.runtime.handmade import derived, payoff

project = Project(
    name="sample",
    task="classification",
    train="shop.train:train",
    baselines="shop.train:baselines",
    metrics="shop.train:metrics",
    payoff=payoff,
    features=derived,
    service={service!r},
)
"""
SERVICE = """
from fourhats_runtime.serve import create_app

from .project import project

app = create_app(project)


@app.get("/owner")
def owner() -> str:
    return "me"
"""
MAIN = """
import sys

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve.server import run

from .project import project

if __name__ == "__main__":
    try:
        run(project, "127.0.0.1", int(sys.argv[1]), to_everybody=False)
    except ProjectError as error:
        print(f"shop: {error}", file=sys.stderr)
        sys.exit(2)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a folder with the package of a project."""
    folder = tmp_path / "packages" / "shop"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "project.py").write_text(PROJECT.format(service="shop.service:app"))
    (folder / "service.py").write_text(SERVICE)
    (folder / "__main__.py").write_text(MAIN)
    return folder


def start(project: Project, package: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shop", str(port)],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": f"{package.parent}:{ROOT}"},
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(project: Project, package: Path) -> Iterator[httpx.Client]:
    """Have the project served; gives who asks. It ends in order."""
    with started(project, package) as (client, process):
        yield client
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)


@contextmanager
def started(
    project: Project, package: Path
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """Have the project served; gives who asks, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(project, package, port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            _wait_for(client, process)
            yield client, process
    finally:
        process.kill()
        process.wait()


def _wait_for(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[1])


def late(client: httpx.Client) -> float:
    """Send half a request, and measure how long it is waited for."""
    address = client.base_url.host, client.base_url.port
    with socket.create_connection(address, timeout=SECONDS) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        connection.recv(1000)
    return time.monotonic() - began


def test_the_projects_own_application_is_served(made: Project, package: Path) -> None:
    project = configured(made, serve={"timeout_seconds": 0.5})
    with running(project, package) as client:
        assert client.get("/owner").json() == "me"
        assert client.post("/predict", json=[EXAMPLE]).status_code == 200
        assert late(client) < server.GRACE_SECONDS + 10


def test_without_one_it_is_made_also_by_several_workers(made: Project, package: Path) -> None:
    (package / "project.py").write_text(PROJECT.format(service=""))
    project = configured(made, serve={"timeout_seconds": 0.5, "workers": 2})
    with running(project, package) as client:
        assert client.get("/owner").status_code == 404
        for _ in range(6):
            answer = client.post("/predict", json=[EXAMPLE], headers={"connection": "close"})
            assert answer.status_code == 200
        counted = re.findall(r'predict_requests_total\{status="200"\} (\S+)', _figures(client))
        assert late(client) < server.GRACE_SECONDS + 10
    assert counted == ["6.0"]


def _figures(client: httpx.Client) -> str:
    return client.get("/metrics").text


@dataclass
class Crowd:
    """Clients who ask again and again, until nobody takes their connections."""

    address: tuple[str, int]
    answers: list[int] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)
    """What went wrong with requests on connections that had been answered on before."""
    missed: list[str] = field(default_factory=list)
    """What went wrong with the first request of a connection."""

    def ask(self, number: int) -> None:
        """Ask on connections that are kept, every fourth client each time on a new one."""
        while True:
            connection = http.client.HTTPConnection(*self.address, timeout=SECONDS)
            try:
                connection.connect()
            except ConnectionError:
                return
            with closing(connection):
                self._ask_on(connection, number)

    def _ask_on(self, connection: http.client.HTTPConnection, number: int) -> None:
        asked, is_last = 0, False
        while not is_last:
            try:
                connection.request("POST", "/predict", json.dumps([EXAMPLE]))
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                (self.cut_off if asked else self.missed).append(repr(error))
                return
            asked += 1
            self.answers.append(answer.status)
            is_last = number % 4 == 0 or answer.getheader("connection") == "close"
            time.sleep(0.01 * (number % 5) ** 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_at_the_end_nobody_is_cut_off(made: Project, package: Path, workers: int) -> None:
    project = configured(made, serve={"drain_seconds": 1.5, "workers": workers})
    with ThreadPoolExecutor(17) as threads, started(project, package) as (client, process):
        threads.submit(process.communicate)  # or it would wait for its log to be taken
        crowd = Crowd((client.base_url.host, client.base_url.port or 0))
        asking = [threads.submit(crowd.ask, number) for number in range(16)]
        wait_for(lambda: len(crowd.answers) > 100)
        process.send_signal(signal.SIGTERM)
        before = len(crowd.answers)
        while (ready := client.get("/ready")).status_code == 200:
            time.sleep(0.05)
        process.wait(SECONDS)
        for each in asking:
            each.result(SECONDS)
    assert ready.headers["connection"] == "close"
    assert ready.json() == {"status": "the service was told to end"}
    assert crowd.cut_off == []
    # Who connects in the very moment in which the port closes is the system's to refuse.
    assert len(crowd.missed) <= 1
    assert set(crowd.answers) == {200}
    assert len(crowd.answers) > before + 16  # also on new connections


@pytest.mark.parametrize("workers", [1, 2])
def test_what_keeps_it_from_starting_is_said_in_a_line(
    made: Project, package: Path, workers: int
) -> None:
    (made.artifacts / "predictions").write_text("", encoding="utf-8")
    process = start(configured(made, serve={"workers": workers}), package, 0)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == (2 if workers == 1 else 3)
    assert "predictions cannot be written" in said
    assert "Traceback" not in said


def test_a_service_that_is_not_there_is_named(made: Project) -> None:
    missing = replace(made, service="fourhats_runtime.errors:app")
    with pytest.raises(ProjectError, match=r"fourhats_runtime\.errors:app"):
        server.run(missing, "127.0.0.1", 0, to_everybody=False)
