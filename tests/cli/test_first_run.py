"""`fourhats new --run`, on a template whose project is one short script.

The real project takes its minute in tests/run; here is what goes wrong around it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.cli.shell import BIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

COPIER_YML = """
_subdirectory: template
project_name: Tiny
project_slug: tiny
value_currency: EUR
task: classification
serving:
  type: str
  multiselect: true
  choices: [api, batch]
  default: [api]
"""

SCRIPT = '''#!/usr/bin/env python3
"""What a rendered project does, in a page."""
import json, os, pathlib, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

FAULT = os.environ.get("FAULT", "")
RECORDS = [{"age": 40}]
PREDICTION = {
    "prediction": "no",
    "probability": 0.42,
    "probability_of": "yes",
    "decision": "act",
    "expected_value": 63.2,
}


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/search?q=how+to+clean"):
            titles = [{"title": "How to clean an oven"}, {"title": "How to buy one"}]
            return self.answer({"results": [{"answers": titles[: 0 if FAULT == "fits" else 2]}]})
        body = {"application/json": {"example": RECORDS}}
        self.answer({"paths": {"/predict": {"post": {"requestBody": {"content": body}}}}})

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if FAULT == "record":
            return self.answer({"detail": "age: too old"}, 422)
        self.answer({"predictions": [PREDICTION] if sent == RECORDS and not FAULT else []})

    def answer(self, content, status=200):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_):
        pass


if sys.argv[1] == "run":
    print("running the line", flush=True)
    if FAULT == "run":
        sys.exit(3)
    if FAULT != "refused":
        registry = pathlib.Path("artifacts/registry")
        registry.mkdir(parents=True, exist_ok=True)
        (registry / "champion").write_text("v1")
if sys.argv[1] == "score":
    scores = pathlib.Path("artifacts/scores/scored_on=2026-01-31")
    scores.mkdir(parents=True)
    (scores / "scores.parquet").touch()
if sys.argv[1] == "serve":
    pathlib.Path("pid").write_text(str(os.getpid()))
    if FAULT == "serve":
        sys.exit(4)
    if FAULT == "slow":
        time.sleep(600)
    HTTPServer(("127.0.0.1", int(sys.argv[-1])), Api).serve_forever()
'''


@pytest.fixture
def tiny(shell: Shell) -> Shell:
    """Make that template the one to use; its command stands on the path, as uv expects."""
    if shutil.which("uv", path=shell.environment["PATH"]) is None:
        pytest.skip("uv is not installed")
    root = shell.folder.parent / "tiny"
    (root / "template").mkdir(parents=True)
    (root / "copier.yml").write_text(COPIER_YML)
    (root / "template" / "pyproject.toml").write_text(
        '[project]\nname = "tiny"\nversion = "0"\n[tool.uv]\npackage = false\n'
    )
    questions = root / "template" / "config" / "questions.csv"
    questions.parent.mkdir()
    questions.write_text('text,id\n"how to clean an oven, and what with",p1\n')
    programs = root / "bin"
    programs.mkdir()
    (programs / "tiny").write_text(SCRIPT)
    (programs / "tiny").chmod(0o755)
    shell.environment["PATH"] = f"{programs}{os.pathsep}{shell.environment['PATH']}"
    shell.environment["FOURHATS_SOURCE"] = str(root)
    shell.environment["UV_PYTHON_DOWNLOADS"] = "never"
    shell.environment["VIRTUAL_ENV"] = str(BIN.parent)
    shell.environment["UV_PROJECT_ENVIRONMENT"] = str(BIN.parent)
    return shell


def server_of(project: Path) -> int:
    """Return the process id that the API wrote down, once it has."""
    file = project / "pid"
    for _ in range(600):
        if file.exists() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError("the API was never started")


def test_it_runs_serves_and_shows_one_prediction_in_money(tiny: Shell) -> None:
    done = tiny.fourhats("new", "tiny", "--defaults", "--run")
    assert done.code == 0, done.err
    assert "running the line" in done.out
    assert "predicted  no (probability of yes: 0.42)" in done.out
    assert "63.20 EUR" in done.out
    assert "uv run tiny serve" in done.out
    assert not psutil.pid_exists(server_of(tiny.folder / "tiny"))


@pytest.mark.parametrize("fault", ["", "fits"])
def test_a_search_is_asked_one_of_its_questions(tiny: Shell, fault: str) -> None:
    tiny.environment["FAULT"] = fault
    done = tiny.fourhats("new", "tiny", "--defaults", "-d", "task=search", "--run")
    assert done.code == 0, done.err
    assert "asked      how to clean an oven, and what with\n" in done.out
    shown = ["nothing that fits"] if fault else ["How to clean an oven", "How to buy one"]
    assert [line[13:] for line in done.out.splitlines() if line[:8] == "  found "] == shown


def test_a_uv_that_is_not_on_the_path_is_named_in_full(tiny: Shell) -> None:
    """As `make demo` has it, with a uv of its own."""
    real = shutil.which("uv", path=tiny.environment["PATH"])
    assert real is not None
    place = tiny.folder.parent / "a place of its own"
    place.mkdir()
    uv = place / "bin" / "uv"
    uv.parent.mkdir()
    uv.symlink_to(real)
    for name, tool in (("git", shutil.which("git")), ("python3", sys.executable)):
        (place / name).symlink_to(str(tool))
    programs = tiny.environment["PATH"].split(os.pathsep)[0]
    tiny.environment["PATH"] = f"{programs}{os.pathsep}{place}"
    tiny.environment["UV"] = str(uv)
    done = tiny.fourhats("new", "tiny", "--defaults", "--run")
    assert done.code == 0, done.err
    assert done.out.count("warning: uv is not on the PATH") == 1
    assert f"'{uv}' run tiny run\n" in done.out
    step = next(line for line in done.out.splitlines() if " run pytest " in line)
    typed = step.removesuffix("the project's own tests").strip()
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        del tiny.environment[name]
    again = tiny.run("/bin/sh", "-c", f"cd tiny && {typed.removesuffix('pytest')} tiny run")
    assert again.out == "running the line\n", again.err


def test_the_project_gets_an_environment_of_its_own(tiny: Shell) -> None:
    done = tiny.fourhats("new", "tiny", "--defaults", "--run")
    assert done.code == 0, done.err
    assert (tiny.folder / "tiny" / ".venv").is_dir()


def test_a_model_that_is_refused_is_said_to_be_and_nothing_is_asked(tiny: Shell) -> None:
    tiny.environment["FAULT"] = "refused"
    done = tiny.fourhats("new", "tiny", "--defaults", "--run")
    assert done.code == 0, done.err
    assert "The model was refused" in done.out
    assert "uv run tiny serve" not in done.out
    assert not (tiny.folder / "tiny" / "pid").exists()


def test_batch_alone_shows_the_scored_table(tiny: Shell) -> None:
    done = tiny.fourhats("new", "tiny", "--defaults", "--run", "-d", "serving=batch")
    assert done.code == 0, done.err
    assert "artifacts/scores/scored_on=2026-01-31/scores.parquet" in done.out


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("run", "`uv run tiny run` failed (exit code 3)"),
        ("serve", "the API stopped at once (exit 4)"),
        ("predict", "the API did not answer as it should"),
        ("record", "age: too old"),
    ],
)
def test_a_step_that_fails_is_named_and_the_project_stays(
    tiny: Shell, fault: str, words: str
) -> None:
    tiny.environment["FAULT"] = fault
    done = tiny.fourhats("new", "tiny", "--defaults", "--run")
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith("fourhats: ")
    assert words in line
    assert (tiny.folder / "tiny" / "pyproject.toml").is_file()


def test_ctrl_c_stops_the_api_too(tiny: Shell) -> None:
    tiny.environment["FAULT"] = "slow"
    process = subprocess.Popen(
        [BIN / "fourhats", "new", "tiny", "--defaults", "--run"],
        cwd=tiny.folder,
        env=tiny.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = server_of(tiny.folder / "tiny")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "fourhats: stopped"
    assert not psutil.pid_exists(server)
