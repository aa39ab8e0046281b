"""Warehouse, incidents and logs in S3, Google Cloud Storage and Azure Blob: no disk has to last."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pytest
from pyarrow import fs

from tests.services.availability import unavailable
from tests.services.draw import drawn
from tests.services.object_stores import BUCKET, STORES, ObjectStore, StoreMissingError
from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    project_env,
    render,
)
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS, MORE, ASKED = 1500, 300, 40
KILLS = 4
STEPS = ("extract", "validate", "transform", "monitor", "rollback", "report")
FEWER = ("extract", "transform", "monitor")  # in the other stores: these read what others left
# Works on the warehouse, waits for the word, and hands over.
WORK = """
import sys
from delivery_times.project import project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.shared_registry import shared
from fourhats_runtime.data.warehouse import connect
try:
    with shared(project):
        with connect(project) as connection:
            connection.execute("CREATE OR REPLACE TABLE mark AS SELECT '{mark}' AS mark")
        print("ready", flush=True)
        sys.stdin.readline()
except ProjectError as error:
    sys.exit(str(error))
"""
# Goes through a step again and again, in small pieces: whenever it is killed, something is open.
AGAIN = """
from delivery_times.project import project
from fourhats_runtime.data import shared_data
from fourhats_runtime.pipeline import run_step
shared_data.PIECE_BYTES = 32 * 1024
while True:
    run_step("transform", project)
    print("did", flush=True)
"""
# Takes what is in the bucket to an empty disk.
TAKE = """
from delivery_times.project import project
from fourhats_runtime.lifecycle.shared_registry import pull
pull(project)
"""


@dataclass
class Machines:
    """A bucket that a line has filled, and where machines with empty disks come from."""

    project: Project
    store: ObjectStore
    folder: Path
    env: dict[str, str]
    steps: tuple[str, ...] = FEWER

    def empty(self, name: str) -> Project:
        """Give a machine with nothing on its disk but the code."""
        return checkout(self.project, self.folder / name)

    def objects(self, below: str) -> int:
        """Count the bytes of what is in a folder of the bucket."""
        place = fs.FileSelector(f"{BUCKET}/churn/{below}", allow_not_found=True, recursive=True)
        return sum(info.size or 0 for info in self.store.files.get_file_info(place) if info.is_file)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that reads only what is new of a folder of files."""
    folder = tmp_path_factory.mktemp("data")
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["files"],
            storage="bucket",
            serving=["api", "batch"],
            orchestrator="none",
            ci="none",
        )
    )
    table = folder / "deliveries.csv"
    deliveries(table, ROWS, 200)
    command(project, "contract", "infer", str(table), "--target", "hours", "--force")
    return project


@pytest.fixture(scope="module")
def first(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A line that has run on an empty disk, and left what came of it in S3."""
    folder = tmp_path_factory.mktemp("first")
    with ExitStack() as stack:
        machines = replace(bucket(stack, "s3", project, folder), steps=STEPS)
        deliver(folder, "1", project)
        command(machines.empty("a"), "run", env=machines.env)
        yield machines


@pytest.fixture(scope="module", params=drawn(STORES))
def machines(
    request: pytest.FixtureRequest, first: Machines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    if request.param == "s3":
        yield first
        return
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        machines = bucket(stack, request.param, first.project, folder)
        deliver(folder, "1", first.project)
        a = machines.empty("a")
        # The first run with an address takes along what is in the folder.
        shutil.copytree(first.folder / "a" / "artifacts", a.folder / "artifacts")
        command(a, "extract", "--whole", env=machines.env)
        yield machines


def bucket(stack: ExitStack, kind: str, project: Project, folder: Path) -> Machines:
    try:
        store = stack.enter_context(STORES[kind]())
    except StoreMissingError as error:
        unavailable(error)
    own = {
        name.replace("OBJECT_STORAGE__", "STORAGE__"): value
        for name, value in store.settings.items()
    }
    env = own | {
        "STORAGE__URL": store.address("churn"),
        "STORAGE__EVERY": "0.3",
        "STORAGE__SEND_LOG_EVERY": "0.3",
        "FILES__PATH": str(folder / "incoming" / "*.csv"),
        "FILES__ONLY_NEW": "true",
        "TRAINING__TRIALS": "2",
        "QUALITY__MAX_INVALID_SHARE": "1",
    }
    return Machines(project, store, folder, env)


def deliver(folder: Path, number: str, project: Project) -> Path:
    """Have a file come in; its orders are its own."""
    source = project.folder.with_name("deliveries.csv").read_text(encoding="utf-8")
    header, *rows = source.splitlines(keepends=True)
    path = folder / "incoming" / f"{number}.csv"
    path.parent.mkdir(exist_ok=True)
    kept = rows if number == "1" else rows[:MORE]
    path.write_text(header + "".join(number + row[1:] for row in kept), encoding="utf-8")
    return path


def checkout(project: Project, folder: Path) -> Project:
    """Copy what is under version control; the environment is shared."""
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns(".venv", "artifacts"))
    (folder / ".venv").symlink_to(project.folder / ".venv")
    return Project(folder, project.slug)


@contextmanager
def api(machine: Project, env: dict[str, str]) -> Iterator[str]:
    """Serve until the block ends; the log is that of the session's end, too."""
    port = free_port()
    log = machine.folder.with_name(f"{machine.folder.name}.log")
    serve: list[str | Path] = [machine.program, "serve", "--port", str(port)]
    with started(serve, log=log, cwd=machine.folder, env=project_env(env)) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/ready", timeout=60, still_there=server.running)
        yield url


def ask(url: str, machine: Project, count: int) -> list[str]:
    """Ask for predictions; gives their ids."""
    records = [example_record(machine) | {"order_no": f"asked {n}"} for n in range(count)]
    answer = httpx.post(f"{url}/predict", json=records, timeout=10)
    assert answer.status_code == 200, answer.text
    return [f"{answer.json()['request_id']}-{place}" for place in range(count)]


def rows(machine: Project, query: str) -> list[tuple[Any, ...]]:
    path = str(machine.folder / "artifacts" / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_line_whose_every_step_has_an_empty_disk_goes_on_and_sees_what_was_answered_elsewhere(
    machines: Machines,
) -> None:
    come = machines.folder / "incoming" / "1.csv"
    before, facts = come.read_text(encoding="utf-8"), come.stat()
    come.write_text(before.replace("\n1", "\n9"), encoding="utf-8")  # nobody reads it again
    os.utime(come, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    deliver(machines.folder, "2", machines.project)
    b = machines.empty("b")
    with api(b, machines.env) as url:
        asked = ask(url, b, ASKED)
        told = [{"prediction_id": one, "actual": 7.25} for one in asked[:10]]
        assert httpx.post(f"{url}/outcomes", json=told, timeout=10).status_code == 200
        wait_for(lambda: bool(machines.objects("predictions") and machines.objects("outcomes")))
        steps = {step: machines.empty(step) for step in machines.steps}
        for step, machine in steps.items():
            command(machine, step, env=machines.env)
        written = (steps["monitor"].folder / "artifacts/reports/monitor.html").read_text()
        wait_for(lambda: httpx.get(f"{url}/monitor").text == written, timeout=20)
    came = rows(steps["extract"], "SELECT left(order_no, 1), count(*) FROM raw GROUP BY ALL")
    assert dict(came) == {"1": ROWS, "2": MORE}
    given = dict(rows(steps["monitor"], "SELECT prediction_id, actual FROM predictions"))
    assert set(asked) <= given.keys()
    assert {float(given[one]) for one in asked[:10]} == {7.25}
    assert given[asked[10]] is None
    latest = steps[machines.steps[-1]]
    ran = rows(latest, "SELECT step FROM runs ORDER BY run_at")
    assert tuple(step for (step,) in ran)[-len(steps) :] == machines.steps
    assert rows(latest, "SELECT count(*) FROM scores") > [(0,)]


def test_an_api_that_ends_leaves_the_rest_of_its_log(machines: Machines) -> None:
    machine = machines.empty("ends")
    before = machines.objects("predictions")
    with api(machine, machines.env | {"STORAGE__SEND_LOG_EVERY": "3600"}) as url:
        ask(url, machine, 1)
    assert machines.objects("predictions") > before


def test_of_two_lines_at_once_one_wins_and_nothing_is_mixed(machines: Machines) -> None:
    marks = ["one", "two"]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(
                    [machines.project.program.with_name("python"), "-c", WORK.format(mark=mark)],
                    cwd=machines.empty(mark).folder,
                    env=project_env(machines.env),
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
            for mark in marks
        ]
        for run in runs:
            assert run.stdout
            assert run.stdout.readline() == "ready\n"
        for run in runs:
            assert run.stdin
            run.stdin.write("now\n")
            run.stdin.flush()
        said = [run.communicate(timeout=60)[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1], said
    winner = [run.returncode for run in runs].index(0)
    loser = said[1 - winner]
    assert "another run changed the registry or the warehouse meanwhile" in loser
    assert loser.count("\n") == 1
    after = take(machines, "after")
    for machine in (after, *(Project(machines.folder / mark, after.slug) for mark in marks)):
        assert rows(machine, "FROM mark") == [(marks[winner],)]


def test_killed_at_any_moment_the_bucket_is_whole(machines: Machines) -> None:
    moments = random.Random(7)
    for number in range(KILLS):
        machine = machines.empty(f"killed{number}")
        with subprocess.Popen(
            [machine.program.with_name("python"), "-c", AGAIN],
            cwd=machine.folder,
            env=project_env(machines.env),
            text=True,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == "did\n"
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
        after = take(machines, f"after{number}")
        assert rows(after, "SELECT count(*) FROM clean") > [(0,)]
        (last,) = rows(after, "SELECT step FROM runs ORDER BY run_at DESC LIMIT 1")
        assert last == ("transform",)


def take(machines: Machines, name: str) -> Project:
    """Take what is in the bucket to an empty disk."""
    machine = machines.empty(name)
    subprocess.run(
        [machine.program.with_name("python"), "-c", TAKE],
        check=True,
        cwd=machine.folder,
        env=project_env(machines.env),
    )
    return machine
