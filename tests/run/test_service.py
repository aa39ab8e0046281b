"""The service as a process: slow clients, crowds, signals, and who may reach it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.services.object_stores import environment
from tests.services.ports import wait_for
from tests.services.rendered import command, example_record, pid_of, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.rendered import Project

EXAMPLES = min(int(os.environ.get("FUZZ_CASES", "500")), 2000)
IMPATIENT = {"SERVE__TIMEOUT_SECONDS": "0.5"}
NASTY_VALUES = (
    b"1e999999",
    b"-" + b"9" * 5000,
    b"NaN",
    b'"\\ud800"',
    b'"\\u0000"',
    b"[" * 5000,
    b"{}",
    b'"' + b"x" * 100_000 + b'"',
)


@pytest.fixture(scope="module")
def impatient(default_project: Project) -> Iterator[str]:
    """A service that waits half a second for a request."""
    with serve(default_project, IMPATIENT) as url:
        yield url


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    """Open a connection on which a test says what it likes."""
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as opened:
        yield opened


def head(length: int) -> bytes:
    return f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def heard_until_closed(opened: socket.socket) -> bytes:
    heard = b""
    try:
        while part := opened.recv(65536):
            heard += part
    except ConnectionResetError:
        pass
    return heard


@pytest.mark.parametrize("said", [b"", b"POST /predict HTT", b"POST / HTTP/1.1\r\nHost: he"])
def test_who_does_not_finish_the_head_is_cut_off(impatient: str, said: bytes) -> None:
    with connection(impatient) as opened:
        opened.sendall(said)
        started = time.monotonic()
        assert heard_until_closed(opened) == b""
        assert time.monotonic() - started < 10


def test_who_drips_a_body_is_told_408(impatient: str) -> None:
    with connection(impatient) as opened:
        opened.sendall(head(1000) + b"[")
        assert heard_until_closed(opened).startswith(b"HTTP/1.1 408 ")


def test_endless_headers_are_cut_off(impatient: str) -> None:
    with connection(impatient) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\n")
        lines = (f"X-{number}: {'x' * 1000}\r\n".encode() for number in range(100_000))
        with pytest.raises(ConnectionError):
            deque(map(opened.sendall, lines), maxlen=0)


def test_the_others_are_answered_while_some_drip(impatient: str, default_project: Project) -> None:
    record = example_record(default_project)
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connection(impatient)).sendall(head(1000) + b"[")
        answer = httpx.post(f"{impatient}/predict", json=[record])
    assert answer.status_code == 200


def test_a_crowd_is_answered_or_refused_at_once(default_project: Project) -> None:
    record = example_record(default_project)
    with serve(default_project, {"SERVE__MAX_IN_FLIGHT": "2"}) as url:

        def ask(_: int) -> tuple[int, float]:
            started = time.monotonic()
            response = httpx.post(f"{url}/predict", json=[record] * 1000, timeout=30)
            return response.status_code, time.monotonic() - started

        with ThreadPoolExecutor(24) as crowd:
            answers = list(crowd.map(ask, range(96)))
        alone = httpx.post(f"{url}/predict", json=[record])
    assert {status for status, _ in answers} == {200, 429}
    assert max(seconds for _, seconds in answers) < 10
    assert alone.status_code == 200


def test_at_the_end_what_was_begun_is_finished(default_project: Project) -> None:
    record = example_record(default_project)
    body = json.dumps([record]).encode()
    with serve(default_project) as url, connection(url) as opened:
        server = psutil.Process(pid_of(url))
        opened.sendall(head(len(body)) + body[:5])
        wait_for(lambda: "\nrequests_in_flight 1.0\n" in httpx.get(f"{url}/metrics").text)
        os.kill(server.pid, signal.SIGTERM)
        wait_for(lambda: refuses(url), timeout=10)
        assert server.is_running()
        opened.sendall(body[5:])
        answer = heard_until_closed(opened)
        wait_for(lambda: not server.is_running() or server.status() == "zombie", timeout=10)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]


def test_the_log_is_lines_of_json_from_the_first_to_the_last(default_project: Project) -> None:
    folder = default_project.folder
    with serve(default_project) as url:
        httpx.post(f"{url}/predict", json=[{}])
        with connection(url) as opened:
            opened.sendall(b"\x00\x01 nonsense\r\n\r\n")
            heard_until_closed(opened)
        port = url.rsplit(":", 1)[1]
        log = folder.with_name(f"{folder.name}-serve-{port}.log").read_text()
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
    assert {"at", "level"} <= set.intersection(*(set(line) for line in lines))
    assert any(line.get("status") == 422 for line in lines)
    assert any("Invalid HTTP request" in line.get("message", "") for line in lines)


def test_others_may_not_ask_without_a_key_or_a_word(default_project: Project) -> None:
    done = command(default_project, "serve", "--host", "0.0.0.0", check=False)  # noqa: S104
    assert done.returncode == 2
    assert "API_KEY_HASHES" in done.stderr
    assert "--open" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_key_that_the_command_makes_opens_the_service(default_project: Project) -> None:
    made = dict(
        line.split() for line in command(default_project, "api-key").stdout.splitlines()[:2]
    )
    record = example_record(default_project)
    with serve(default_project, {"API_KEY_HASHES": f"{'0' * 64},{made['hash']}"}) as url:
        without = httpx.post(f"{url}/predict", json=[record])
        headers = {"authorization": f"Bearer {made['key']}"}
        with_key = httpx.post(f"{url}/predict", json=[record], headers=headers)
    assert [without.status_code, with_key.status_code] == [401, 200]


def test_a_disk_that_is_full_is_said_and_no_answer_gets_lost(default_project: Project) -> None:
    record = example_record(default_project)
    log = default_project.folder / "artifacts" / "predictions"
    with serve(default_project) as url:
        server = psutil.Process(pid_of(url))
        answered = [httpx.post(f"{url}/predict", json=[record])]
        (file,) = log.glob("*.jsonl")
        # The kernel lets no file grow further: of the next lines it takes a part, then nothing.
        server.rlimit(psutil.RLIMIT_FSIZE, (file.stat().st_size + 700, psutil.RLIM_INFINITY))
        full = [httpx.post(f"{url}/predict", json=[record]) for _ in range(4)]
        ready = httpx.get(f"{url}/ready")
        server.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        wait_for(f"{url}/ready", timeout=10)
        answered.append(httpx.post(f"{url}/predict", json=[record]))
    answered += [response for response in full if response.status_code == 200]
    assert {response.status_code for response in full} >= {503}
    assert ready.status_code == 503
    logged = set()
    lines = file.read_bytes().splitlines()
    file.unlink()  # the torn lines are no other test's business
    for line in lines:
        with suppress(json.JSONDecodeError):
            logged.add(json.loads(line)["request_id"])
    assert logged >= {response.json()["request_id"] for response in answered}


def test_outcomes_are_kept_though_the_service_is_killed(default_project: Project) -> None:
    outcomes = [{"prediction_id": f"killed-{number}-0", "actual": "yes"} for number in range(50)]
    with serve(default_project) as url:
        for outcome in outcomes:
            assert httpx.post(f"{url}/outcomes", json=[outcome]).status_code == 200
        os.kill(pid_of(url), signal.SIGKILL)
    (file,) = (default_project.folder / "artifacts" / "outcomes").glob("*.jsonl")
    kept = {json.loads(line)["prediction_id"] for line in file.read_bytes().splitlines()}
    assert kept >= {outcome["prediction_id"] for outcome in outcomes}


@pytest.mark.parametrize("path", ["/predict", "/explain", "/outcomes", "/", "/file"])
def test_no_body_brings_the_service_down(
    impatient: str, default_project: Project, path: str
) -> None:
    record = example_record(default_project)
    whole = json.dumps([record]).encode()
    nasty = [
        *(whole[:length] for length in range(0, len(whole), 20)),
        *(whole.replace(b":", sign, 1) for sign in (b"", b"::", b"\x00:", b"\xff:")),
        *(opening * 1_000_000 for opening in (b"[", b"{", b'[{"a":', b"\xf0", b"a=%", b"&")),
        *(b'[{"%s": %s}]' % (name.encode(), value) for name in record for value in NASTY_VALUES),
        b"[" + b",".join([whole[1:-1]] * 10_001) + b"]",
        b" " * 9_999_999,
        b" " * 10_000_001,
    ]
    kinds = [
        b"application/json",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data",
        b"multipart/form-data; boundary=x",
        b"\xff",
    ]
    with httpx.Client(base_url=impatient) as client:
        for number, body in enumerate(nasty):
            headers = {b"content-type": kinds[number % len(kinds)]}
            answer = client.post(path, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (body[:100], answer.text)
        assert client.post("/predict", json=[record]).status_code == 200


def test_schemathesis_finds_nothing(default_project: Project) -> None:
    key = "a key of the tests"
    digest = hashlib.sha256(key.encode()).hexdigest()
    pins = Path(__file__).parents[1] / "services" / "schemathesis-constraints.txt"
    program = environment("schemathesis", "schemathesis", pins=pins) / "bin" / "schemathesis"
    with serve(default_project, {"API_KEY_HASHES": digest}) as url:
        done = subprocess.run(
            [
                str(program),
                "run",
                f"{url}/openapi.json",
                f"--header=Authorization: Bearer {key}",
                "--exclude-path=/",  # the page takes a form, and is described as shown alone
                f"--max-examples={EXAMPLES}",
                "--seed=1",
                "--generation-database=none",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=default_project.folder.parent,
            timeout=900,
        )
    assert done.returncode == 0, done.stdout[-4000:]
    tested = re.search(r"([\d,]+) generated", done.stdout)
    assert tested
    assert int(tested[1].replace(",", "")) >= 2 * EXAMPLES


def refuses(url: str) -> bool:
    """Tell whether nobody listens any more."""
    try:
        with connection(url):
            return False
    except OSError:
        return True


def test_a_worker_that_is_killed_takes_nothing_with_it_but_what_it_was_at(
    default_project: Project,
) -> None:
    record = example_record(default_project)
    with serve(default_project, {"SERVE__WORKERS": "2"}) as url:
        parent = psutil.Process(pid_of(url))
        statuses: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                with httpx.Client(base_url=url) as client:
                    try:
                        statuses.append(client.post("/predict", json=[record]).status_code)
                    except httpx.TransportError:
                        statuses.append(0)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for each in asking:
            each.start()
        killed = workers_of(parent)
        for worker in killed:
            enough = len(statuses) + 20
            wait_for(partial(more_than, enough, statuses), timeout=30)
            worker.kill()
            wait_for(lambda: len(workers_of(parent)) == 2, timeout=30)
        stop.set()
        for each in asking:
            each.join()
        assert set(statuses) <= {0, 200}
        # Of each of the four at most one request was with the worker that died.
        assert statuses.count(0) <= 4 * len(killed)
        assert not set(killed) & set(workers_of(parent))
        figures = httpx.get(f"{url}/metrics").text
    counted = re.search(r'^predict_requests_total{status="200"} (\d+)', figures, re.MULTILINE)
    assert counted
    assert statuses.count(200) <= int(counted[1]) <= len(statuses)


def workers_of(parent: psutil.Process) -> list[psutil.Process]:
    """Give the processes that answer."""
    children = (child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def more_than(number: int, things: list[int]) -> bool:
    """Tell whether there are more by now."""
    return len(things) > number
