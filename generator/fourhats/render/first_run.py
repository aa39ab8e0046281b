"""`fourhats new --run`: the whole line once, up to a prediction that somebody asked for."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from fourhats import uv
from fourhats.errors import FourhatsError
from fourhats.terminal import fact, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

QUESTIONS = "config/questions.csv"
SECONDS_TO_START = 120
SECONDS_TO_STOP = 10


def first_run(program: str, project: Path, answers: Mapping[str, Any]) -> bool:
    """Run the line of a project that was just written, by uv (`program`), and show a prediction.

    Returns whether there is a model that answers.

    Raises:
        FourhatsError: a step failed; the project stays where it is.

    """
    slug = str(answers["project_slug"])
    shown = f"{uv.typed()} run {slug} run"
    command = [program, "run", slug]
    fact(f"\n{styled(shown, 'bold')}")
    done = subprocess.run([*command, "run"], cwd=project, env=uv.environment(), check=False)
    if done.returncode:
        raise FourhatsError(
            f"the project is written, but `{shown}` failed (exit code "
            f"{done.returncode}): see above, then run it again in {project}"
        )
    if not (project / "artifacts" / "registry" / "champion").exists():
        fact("\nThe model was refused, as the step promote says: it answers nothing yet.")
        return False
    searches = answers.get("task") == "search"
    if "api" in answers["serving"]:
        with _served(command, project) as address:
            if searches:
                _ask_a_question(address, project)
            else:
                _ask_for_one(address, str(answers["value_currency"]))
    elif "batch" in answers["serving"] and not searches:  # which has no table of questions yet
        _show_scores(command, project)
    return True


def _ask_for_one(address: str, currency: str) -> None:
    described = _json(f"{address}/openapi.json")
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    records = body["example"]
    answer = _json(f"{address}/predict", records)
    first = answer["predictions"][0]
    fact(f"\n{styled('One prediction, asked over HTTP', 'bold')}  POST {address}/predict")
    fact(f"  asked      {_shortened(json.dumps(records[0], ensure_ascii=False))}")
    probability = first.get("probability")
    certainty = ""
    if probability is not None:
        whose = _as_text(first.get("probability_of") or first["prediction"])
        certainty = f" (probability of {whose}: {probability:.2f})"
    fact(f"  predicted  {_as_text(first['prediction'])}{certainty}")
    if first.get("decision") is not None:
        fact(f"  decision   {_as_text(first['decision'])}")
    if first.get("expected_value") is not None:
        fact(f"  worth      {first['expected_value']:,.2f} {currency} expected")


def _ask_a_question(address: str, project: Path) -> None:
    """Ask the first of the questions whose answers are known."""
    with (project / QUESTIONS).open(encoding="utf-8", newline="") as file:
        asked = next(csv.DictReader(file))["text"]
    (result,) = _json(f"{address}/search?{urlencode({'q': asked})}")["results"]
    fact(f"\n{styled('One question, asked over HTTP', 'bold')}  GET {address}/search")
    fact(f"  asked      {_shortened(asked)}")
    for answer in result["answers"]:
        fact(f"  found      {_shortened(answer['title'])}")
    if not result["answers"]:
        fact("  found      nothing that fits")


def _show_scores(command: list[str], project: Path) -> None:
    folder = project / "artifacts" / "scores"
    tables = _newest_last(folder)
    if not tables:
        done = subprocess.run([*command, "score"], cwd=project, env=uv.environment(), check=False)
        tables = _newest_last(folder)
        if done.returncode or not tables:
            raise FourhatsError("the model is trained, but no table was scored: see above")
    fact(f"\nScored table: {tables[-1]}")


def _newest_last(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"), key=lambda path: path.stat().st_mtime)


@contextmanager
def _served(command: list[str], project: Path) -> Iterator[str]:
    """Start the API on a free port, wait until it answers, and stop it in the end."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    log = project / "artifacts" / "serve.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "serve", "--host", "127.0.0.1", "--port", str(port)],
            cwd=project,
            env=uv.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C is ours to pass on, and stops all that it started.
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, address, log)
        yield address
    except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
        raise FourhatsError(f"the API did not answer as it should ({error}): see {log}") from error
    finally:
        _stop(server)
    log.unlink()


def _wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise FourhatsError(f"the API stopped at once (exit {server.returncode}): see {log}")
        try:
            _json(f"{address}/ready")
        except (OSError, ValueError):
            time.sleep(0.1)
        else:
            return
    raise FourhatsError(f"the API was not ready within {SECONDS_TO_START} seconds: see {log}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(SECONDS_TO_STOP)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        # The launcher is gone; a worker that outlived it is not left behind.
    server.wait()


def _json(url: str, body: object = None) -> Any:  # noqa: ANN401  # whatever JSON holds
    data = None if body is None else json.dumps(body).encode()
    # Nobody decides by what is asked here: it must count in no report.
    headers = {"Content-Type": "application/json", "X-Trial": "true"}
    request = Request(url, data, headers)  # noqa: S310  # our own API
    # 127.0.0.1 is asked directly, whatever proxy this machine goes through.
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as response:
            return json.loads(response.read() or b"null")
    except HTTPError as error:
        reason = error.read(500).decode("utf-8", "replace")
        raise OSError(f"{error.code} {error.reason} at {url}: {reason}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_text(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _shortened(text: str) -> str:
    limit = 120
    return text if len(text) <= limit else text[: limit - 1] + "…"
