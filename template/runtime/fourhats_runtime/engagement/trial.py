"""The champion is really served on this machine, and asked about cases as they come in."""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from fourhats_runtime.project import Project

HOST = "127.0.0.1"
START_SECONDS, END_SECONDS, LOOK_SECONDS = 90, 30, 0.1
PATIENCE = 15.0
"""Seconds that an answer is waited for."""
WARMING = 20
"""The first requests wait for what is loaded when it is first used: they are not counted."""
EXPLAINED = 20
"""Cases whose explanations are looked at."""
NEAR = 1e-6
"""Parts of a prediction may miss it by as much, as numbers are rounded."""
OK = 200


class Address(NamedTuple):
    """Where the API is, and the key that it wants; empty: none."""

    port: int
    key: str


@dataclass
class Trial:
    """What came of asking."""

    seconds: list[float] = field(default_factory=list)
    """Of each request, infinite where there was no answer."""
    fault: str = ""
    """Of the first request that was not answered."""
    explained: int = 0
    """Cases whose prediction is the sum of what its features add."""
    asked_to_explain: int = 0
    explanation: Phrase = field(default_factory=lambda: _SUM)
    """What an explanation is."""

    @property
    def answered(self) -> int:
        """Count the requests that were answered."""
        return sum(math.isfinite(each) for each in self.seconds)


@contextmanager
def served(project: Project) -> Iterator[Address]:
    """Serve the champion in a process of its own, as the command `serve` does.

    Raises:
        ProjectError: it does not start; the text says why.

    """
    from fourhats_runtime.serve.keys import make  # noqa: PLC0415 (of those who have an API)

    key, digest = make()
    package = project.service.partition(":")[0].partition(".")[0]
    if not package:
        raise ProjectError("the project names no service")
    port = _free_port()
    command = [sys.executable, "-m", package, "serve", "--host", HOST, "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 (words of ours)
            command,
            cwd=project.folder,
            env=os.environ | {"API_KEY_HASHES": digest},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, port, log)
            yield Address(port, key)
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


_SUM: Phrase = Phrase("what each feature adds, together the prediction")
_REASON = Phrase("a reason for each document that was found")


@dataclass(frozen=True)
class Asking:
    """How the API is asked: what is posted where, and how an explanation is told from none."""

    path: str
    bodies: Sequence[Any]
    """One for each different case, as JSON takes it."""
    explaining: str
    """Where explanations are asked for, by the same bodies."""
    explains: Callable[[Any], bool]
    explanation: Phrase

    @classmethod
    def about_records(cls, records: Sequence[Mapping[str, Any]]) -> Self:
        """Ask for the prediction of one record after the other."""
        return cls("/predict", [[record] for record in records], "/explain", _adds_up, _SUM)

    @classmethod
    def questions(cls, texts: Sequence[str]) -> Self:
        """Ask one question after the other."""
        return cls(
            "/search", [{"questions": [text]} for text in texts], "/search", _has_reasons, _REASON
        )


def ask(address: Address, asking: Asking, requests: int, *, explain: bool) -> Trial:
    """Ask about one case after the other, so many times; as a trial, which counts in no report."""
    trial = Trial(explanation=asking.explanation)
    line = _Line(address)
    bodies = [json.dumps(body, default=_as_text).encode() for body in asking.bodies]
    try:
        for number in range(-WARMING, requests):
            seconds, fault, _ = line.post(asking.path, bodies[number % len(bodies)])
            if number >= 0:
                trial.seconds.append(math.inf if fault else seconds)
                trial.fault = trial.fault or fault
        for body in bodies[: EXPLAINED if explain else 0]:
            trial.asked_to_explain += 1
            _, fault, answer = line.post(asking.explaining, body)
            trial.explained += not fault and asking.explains(json.loads(answer))
    finally:
        line.close()
    return trial


class _Line:
    """A connection that is kept, and made anew where it was lost."""

    def __init__(self, address: Address) -> None:
        self._connection = http.client.HTTPConnection(HOST, address.port, timeout=PATIENCE)
        self._headers = {"Content-Type": "application/json", "X-Trial": "true"}
        if address.key:
            self._headers["X-API-Key"] = address.key

    def post(self, path: str, body: bytes) -> tuple[float, str, bytes]:
        """Give how long it took, what was wrong (nothing: empty), and the answer."""
        began = time.perf_counter()
        try:
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return time.perf_counter() - began, f"{type(error).__name__}: {error}", b""
        seconds = time.perf_counter() - began
        if answer.status != OK:
            said = content.decode(errors="replace")[:200]
            return seconds, f"{answer.status} {answer.reason}: {said}", content
        return seconds, "", content

    def close(self) -> None:
        self._connection.close()


def _adds_up(answer: Any) -> bool:  # noqa: ANN401 (JSON)
    """See that what the features add is all that a prediction is off the typical one."""
    (found,) = answer["explanations"]
    total = found["typical_value"] + sum(found["contributions"].values())
    return math.isclose(total, found["value"], rel_tol=NEAR, abs_tol=NEAR)


def _has_reasons(answer: Any) -> bool:  # noqa: ANN401 (JSON)
    """See that each document that was found goes with a reason."""
    (found,) = answer["results"]
    return all(each["reason"] for each in found["answers"])


def _wait(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            raise ProjectError(f"the API did not start: {said[-1] if said else 'no word why'}")
        connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        try:
            connection.request("GET", "/ready")
            if connection.getresponse().status == OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(LOOK_SECONDS)
    raise ProjectError(f"the API was not ready within {START_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def _as_text(value: object) -> str:
    """Write what JSON has no form for, such as a time, as the API reads it."""
    text = getattr(value, "isoformat", None)
    return str(text()) if text else str(value)
