"""Projects for the runtime's tests, made of plain files: nothing is rendered."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.pipeline import Result, run_step, steps

from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.testclient import TestClient
    from fourhats_runtime import Project
    from fourhats_runtime.contract import Contract

RUNTIME = Path(__file__).parents[2] / "template" / "runtime" / "fourhats_runtime"
SLOW_FIXTURES = {"client", "contract", "line", "ran", "record"}
"""They run the whole line first."""
SURROUNDINGS = {
    "OMP_WAIT_POLICY": "passive",  # idle threads that spin cost a shared machine more than they win
    "PSEUDONYM_KEY": "not-so-secret-" * 3,
    "TRAINING__TRIALS": "2",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have `make quick` run the tests of the rooms that were changed, but those that take long."""
    changed = _changed_rooms()
    for item in items:
        folder = item.path.parent
        asked_for = set(getattr(item, "fixturenames", ()))
        is_a_rooms = folder.parent == Path(__file__).parent and folder.name in changed
        if is_a_rooms and not asked_for & SLOW_FIXTURES:
            item.add_marker("quick")
    if "BROKEN_MODULE" in os.environ:  # who notices it without running the line is to be the first
        items.sort(key=lambda item: not SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())))


def _changed_rooms() -> set[str]:
    """Name the rooms that differ from the commit before the last: what somebody is working on."""
    command = ["git", "diff", "--name-only", "HEAD~1", "--", str(RUNTIME)]
    done = subprocess.run(command, cwd=RUNTIME, capture_output=True, text=True, check=False)
    below = (name.partition(f"{RUNTIME.name}/")[2] for name in done.stdout.splitlines())
    return {Path(name).parts[0].removesuffix(".py") for name in below if name}


@pytest.fixture(scope="session", autouse=True)
def surroundings() -> Iterator[None]:
    """Keep the search short, and what a machine has set out of the way."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SURROUNDINGS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def lines(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Project, dict[str, Result]]]:
    """Keep the projects whose line has run, by task, for the other fixtures."""
    del tmp_path_factory
    return {}


@pytest.fixture
def task(request: pytest.FixtureRequest) -> str:
    """Give the task: classification, unless the test is parametrized with others (indirect)."""
    return str(getattr(request, "param", "classification"))


@pytest.fixture
def line(
    task: str,
    lines: dict[str, tuple[Project, dict[str, Result]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Project, dict[str, Result]]:
    """Give a project whose whole line has run once, and each step's result: not to be changed."""
    if task not in lines:
        project = sample_project(tmp_path_factory.mktemp(f"line-{task}") / "project", task)
        lines[task] = project, {step: run_step(step, project) for step in steps(project)}
    return lines[task]


@pytest.fixture
def ran(line: tuple[Project, dict[str, Result]], tmp_path: Path) -> Project:
    """Give a copy of the project that has run, free to be changed."""
    root = tmp_path / "ran"
    shutil.copytree(line[0].folder, root)
    return line[0].at(root)


@pytest.fixture
def fresh(task: str, tmp_path: Path) -> Project:
    """Give a project in which nothing has run yet."""
    return sample_project(tmp_path / "fresh", task)


@pytest.fixture
def cleaned(fresh: Project) -> Project:
    """Give a project whose rows are ready to be learnt from, which takes no training."""
    for step in steps(fresh)[: steps(fresh).index("train")]:
        run_step(step, fresh)
    return fresh


@pytest.fixture
def contract(ran: Project) -> Contract:
    """Give the contract of the project that has run."""
    return ran.contract


@pytest.fixture
def client(ran: Project) -> Iterator[TestClient]:
    """Give the API of the project that has run."""
    from fastapi.testclient import TestClient  # noqa: PLC0415 (few tests ask)
    from fourhats_runtime.serve import create_app  # noqa: PLC0415

    with TestClient(create_app(ran)) as client:
        yield client


@pytest.fixture
def record(ran: Project) -> dict[str, Any]:
    """Give a record that the champion takes."""
    return dict(Model.champion(ran).example)
