"""Kill a step at a random moment, run it again, and tell what there is then.

    python -m tests.runtime.killed STATES KILLS SEED

STATES holds the project as it was before each step of the line, and after the last one. Each kill
is one line of JSON: the step, when it was killed, what was left open, and what is not as it is
where nobody was killed. Everything is imported once; each step is a process forked from this one.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import mlflow  # noqa: F401

# What the steps import themselves, before the first fork.
from fourhats_runtime.lifecycle import evaluate, looks, promote, registration, rollback  # noqa: F401
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import alerts, quality_report, report, watch  # noqa: F401
from fourhats_runtime.pipeline import STEPS, run_step

from tests.runtime.sample_project import existing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from fourhats_runtime import Project

# Functions written in C that reach the disk, as the interpreter names them; DuckDB's among them.
CALLS = {
    *("open", "write", "flush", "close", "fsync", "rename", "replace", "unlink", "rmdir", "mkdir"),
    *("chmod", "connect", "execute", "executemany", "sql", "create", "commit"),
}
TABLES = ("raw", "clean", "quarantine", "predictions", "scores")
TIMES = {"given_at", "scored_at", "scored_on", "date"}
CHANGING = (".duckdb", ".parquet", ".sqlite", ".html", ".pdf", ".json", ".md", ".jsonl")
"""What holds the time at which it was written."""


RUN = re.compile(r"^mlflow/[0-9a-f]{32}/")
"""MLflow's files of a run, which it names by chance."""


def in_a_fork(work: Callable[[], object]) -> int:
    """Do it in a process of its own; gives how that ended."""
    sys.stdout.flush()
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)  # nothing of this process is to be tidied up


def counted(step: str, project: Project, last: int, noted: Path) -> None:
    """Run a step, and kill it at one of the calls that reach the disk; 0: note how many."""
    calls = 0

    def profile(_frame: FrameType, event: str, called: Any) -> None:  # noqa: ANN401 (Python's own)
        nonlocal calls
        if event == "c_call" and called.__name__ in CALLS:
            calls += 1
            if calls == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(profile)
    run_step(step, project)
    sys.setprofile(None)
    noted.write_text(str(calls), encoding="utf-8")


def timed(step: str, project: Project, seconds: float) -> None:
    """Run a step, and end it after a time as a kill does, also within a library's own code."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    run_step(step, project)
    signal.setitimer(signal.ITIMER_REAL, 0)


def state(project: Project) -> dict[str, Any]:
    """Tell what there is: files, rows, who is champion, and what is open."""
    registry = Registry(project.artifacts / "registry")
    found: dict[str, Any] = {
        "champion": registry.version("champion"),
        "challenger": registry.version("challenger"),
        "champions": [(each["version"], each["announced"]) for each in registry.promotions()],
        "incidents": sorted(alerts.open_incidents(project)),
    }
    for version in registry.versions():
        registry.check(version)
    found["runs"] = len(list(project.artifacts.glob("mlflow/*")))
    for path in sorted(project.artifacts.rglob("*")):
        if path.is_file():
            name = RUN.sub("mlflow/run/", str(path.relative_to(project.artifacts)))
            found[name] = None if path.suffix in CHANGING else hash(path.read_bytes())
    with duckdb.connect(project.artifacts / "warehouse.duckdb", read_only=True) as connection:
        there = {name for (name,) in connection.execute("FROM (SHOW TABLES)").fetchall()}
        for table in there:
            found[f"table {table}"] = None
        for table in there & set(TABLES):
            names = [name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()]
            kept = ", ".join(f'"{name}"' for name in names if name not in TIMES)
            query = f"SELECT count(*), sum(hash(t)) FROM (SELECT {kept} FROM {table}) AS t"
            found[f"table {table}"] = str(connection.execute(query).fetchall())
    return found


def main() -> None:
    """Kill and look, again and again."""
    states, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    work, noted = states / "work", states / "noted"

    def fresh(step: str) -> Project:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(states / step, work)
        return existing(work)

    @cache
    def undisturbed(step: str) -> tuple[int, float, dict[str, Any]]:
        """Run a step to its end: how many calls that takes, how many seconds, and what there is."""
        project, began = fresh(step), time.monotonic()
        assert in_a_fork(lambda: counted(step, project, 0, noted)) == 0, step
        lasts = time.monotonic() - began
        return int(noted.read_text(encoding="utf-8")), lasts, state(project)

    for number in range(kills):
        # Of twelve, three in `promote`: where it is decided who decides.
        step = "promote" if number % 4 == 0 else chance.choice(STEPS)
        calls, lasts, expected = undisturbed(step)
        project = fresh(step)
        if number % 3 == 2:
            moment: float = chance.uniform(0, lasts)
            code = in_a_fork(lambda: timed(step, project, moment))  # noqa: B023
        else:
            moment = chance.randint(1, calls)
            code = in_a_fork(lambda: counted(step, project, int(moment), noted))  # noqa: B023
        left = sorted(path.name for path in work.rglob("unfinished-*"))
        again = in_a_fork(lambda: run_step(step, project))  # noqa: B023
        found = state(project)
        wrong = {
            name: [expected.get(name, "-"), found.get(name, "-")]
            for name in expected.keys() | found.keys()
            if expected.get(name, "-") != found.get(name, "-")
        }
        told = {"step": step, "moment": moment, "code": code, "again": again}
        print(json.dumps(told | {"left": left, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
