"""A registry in S3, Google Cloud Storage and Azure Blob: a line that writes, an API elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pyarrow import fs

from tests.services.availability import unavailable
from tests.services.draw import drawn
from tests.services.object_stores import BUCKET, STORES, ObjectStore, StoreMissingError
from tests.services.ports import free_port, wait_for
from tests.services.processes import Started, started
from tests.services.rendered import (
    Project,
    champion,
    command,
    example_record,
    install,
    project_env,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNERS = 4
SHORT = {"TRAINING__TRIALS": "2"}
# Reads the registry, waits for the word, and promotes: as promote does, with time for others.
PROMOTE = """
import sys
from {package}.project import project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.shared_registry import shared
try:
    with shared(project):
        print("ready", flush=True)
        sys.stdin.readline()
        registry = Registry(project.artifacts / "registry")
        registry.make_champion("{version}", "rolled back", "{reason}")
except ProjectError as error:
    sys.exit(str(error))
"""


@dataclass
class Machines:
    """Two checkouts with one bucket: one has run the line, the API of the other one serves."""

    line: Project
    other: Project
    store: ObjectStore
    env: dict[str, str]
    url: str
    server: Started
    stop_store: ExitStack

    def answer(self) -> dict[str, Any]:
        """Ask the API for a prediction."""
        answer = httpx.post(f"{self.url}/predict", json=[example_record(self.line)], timeout=10)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def another_version(self) -> str:
        """Give a version that is no champion."""
        versions = self.line.folder / "artifacts" / "registry" / "versions"
        names = {path.name for path in versions.iterdir()}
        return min(names - {champion(self.line)})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose line has run, before there was a bucket."""
    project = install(
        render(
            tmp_path_factory.mktemp("shared") / "customer-churn",
            storage="bucket",
            serving=["api"],
            orchestrator="none",
            ci="none",
        )
    )
    command(project, "run", env=SHORT | {"TRAINING__SEED": "7"})
    return project


@pytest.fixture(scope="module", params=drawn(STORES))
def machines(
    request: pytest.FixtureRequest, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp(request.param)
    line, other = checkout(project, folder / "line"), checkout(project, folder / "other")
    shutil.copytree(project.folder / "artifacts", line.folder / "artifacts")
    with ExitStack() as stack:
        stop_store = stack.enter_context(ExitStack())
        try:
            store = stop_store.enter_context(STORES[request.param]())
        except StoreMissingError as error:
            unavailable(error)
        env = surroundings(store)
        url, server = stack.enter_context(api(other, env))
        not_yet = httpx.get(f"{url}/ready")
        assert not_yet.status_code == 503
        assert "there is no champion yet" in not_yet.text
        command(line, "run", env=env)
        wait_for(f"{url}/ready", timeout=30, still_there=server.running)
        machines = Machines(line, other, store, env, url, server, stop_store)
        now = champion(line)
        wait_for(lambda: machines.answer()["model_version"] == now, timeout=10)
        yield machines


def checkout(project: Project, folder: Path) -> Project:
    """Copy what is under version control; the environment is shared."""
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns(".venv", "artifacts"))
    (folder / ".venv").symlink_to(project.folder / ".venv")
    return Project(folder, project.slug)


def surroundings(store: ObjectStore) -> dict[str, str]:
    """Say where the bucket is, in the words of the setting `storage`."""
    own = {
        name.replace("OBJECT_STORAGE__", "STORAGE__"): value
        for name, value in store.settings.items()
    }
    bucket = {"STORAGE__URL": store.address("models/churn"), "STORAGE__EVERY": "0.3"}
    return own | bucket | SHORT


@contextmanager
def api(project: Project, env: dict[str, str]) -> Iterator[tuple[str, Started]]:
    """Start the API of a checkout, with or without a champion."""
    port = free_port()
    log = project.folder.with_name("api.log")
    serve: list[str | Path] = [project.program, "serve", "--port", str(port)]
    with started(serve, log=log, cwd=project.folder, env=project_env(env)) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health", timeout=60, still_there=server.running)
        yield url, server


def test_the_other_machine_serves_the_champion_and_the_bucket_has_the_reports(
    machines: Machines,
) -> None:
    assert machines.answer()["model_version"] == champion(machines.line)
    found = machines.store.files.get_file_info(fs.FileSelector(f"{BUCKET}/models/churn/reports"))
    names = {Path(info.path).name for info in found}
    assert {"report.html", "monitor.html"} <= names
    assert any(name.endswith(".pdf") for name in names)


def test_a_new_champion_is_taken_over_without_a_failed_request(machines: Machines) -> None:
    before = champion(machines.line)
    new = machines.another_version()
    answered: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answered.append(machines.answer()["model_version"])

    with ExitStack() as stack:
        asking = threading.Thread(target=ask)
        stack.callback(asking.join)
        stack.callback(done.set)
        asking.start()
        command(machines.line, "rollback", "--to", new, env=machines.env)
        wait_for(
            lambda: bool(answered) and answered[-1] == new, timeout=20, still_there=asking.is_alive
        )
    assert set(answered) == {before, new}


def test_of_runs_that_promote_at_once_one_wins(machines: Machines, tmp_path: Path) -> None:
    version = machines.another_version()
    runners = [checkout(machines.line, tmp_path / f"runner{number}") for number in range(RUNNERS)]
    with ExitStack() as stack:
        runs = [stack.enter_context(promoting(runner, version, machines.env)) for runner in runners]
        for run in runs:
            assert run.stdout
            assert run.stdout.readline() == "ready\n"
        for run in runs:
            assert run.stdin
            run.stdin.write("now\n")
            run.stdin.flush()
        said = [run.communicate(timeout=60)[1] for run in runs]
    codes = [run.returncode for run in runs]
    assert sorted(codes) == [0] + [1] * (RUNNERS - 1), said
    winner = codes.index(0)
    for number, words in enumerate(said):
        if number != winner:
            assert "another run changed the registry or the warehouse meanwhile" in words
            assert words.count("\n") == 1
    command(machines.line, "extract", env=machines.env)
    history = json.loads((machines.line.folder / "artifacts/registry/champions.json").read_text())
    assert [one["reason"] for one in history if one["reason"].startswith("runner")] == [
        f"runner{winner}"
    ]
    assert champion(machines.line) == version


def test_while_the_bucket_is_away_the_api_goes_on_and_says_so_once(machines: Machines) -> None:
    before = champion(machines.line)
    wait_for(lambda: machines.answer()["model_version"] == before, timeout=20)
    machines.stop_store.close()
    wait_for(lambda: "goes on answering" in machines.server.output(), timeout=60)
    time.sleep(2)  # it has looked again meanwhile
    assert machines.answer()["model_version"] == before
    assert httpx.get(f"{machines.url}/ready").status_code == 200
    assert machines.server.output().count("goes on answering") == 1
    refused = command(machines.line, "train", env=machines.env, check=False)
    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0
    assert f"{machines.env['STORAGE__URL']}/registry/state.json cannot be read" in refused.stderr


def promoting(runner: Project, version: str, env: dict[str, str]) -> subprocess.Popen[str]:
    script = PROMOTE.format(
        package=runner.slug.replace("-", "_"), version=version, reason=runner.folder.name
    )
    return subprocess.Popen(
        [runner.program.with_name("python"), "-c", script],
        cwd=runner.folder,
        env=project_env(env),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
