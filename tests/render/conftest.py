"""Fixtures of the render tests: the template, and a project for every row of the array."""

from __future__ import annotations

import fcntl
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.render.answer_sets import covering_array, named
from tests.render.tree import Tree, grow, template_copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER_SETS = covering_array(strength=2)
QUICK_SETS = 44
"""So many, of which the first cover the most, does `make quick` render; `make test` renders all."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the later answer sets out of `make quick`, which has to answer at once."""
    if config.option.markexpr != "quick":
        return
    late = [item for item in items if set_of(item) >= QUICK_SETS]
    config.hook.pytest_deselected(items=late)
    items[:] = [item for item in items if set_of(item) < QUICK_SETS]


def set_of(item: pytest.Item) -> int:
    """Give the number of the answer set that a test is about, or 0."""
    called = getattr(item, "callspec", None)
    return int(called.params.get("tree", 0)) if called else 0


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of a run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def source(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands, uncommitted changes included."""
    return made_once(
        shared / "source", lambda: template_copy(tmp_path_factory.mktemp("template") / "source")
    )


@pytest.fixture(
    scope="session",
    params=range(len(ANSWER_SETS)),
    ids=[f"set{number:02}" for number in range(len(ANSWER_SETS))],
)
def tree(
    request: pytest.FixtureRequest,
    source: Path,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Tree:
    """A project for each answer set of the covering array."""
    answers = ANSWER_SETS[request.param]
    print(named(answers))  # pytest shows it where a test fails
    rendered = made_once(
        shared / f"rendered{request.param:02}",
        lambda: grow(tmp_path_factory.mktemp("tree") / "project", source, answers).folder,
    )
    folder = tmp_path_factory.mktemp("tree") / "project"
    return Tree.of(shutil.copytree(rendered, folder, symlinks=True))


@pytest.fixture(scope="session")
def default_tree(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The project of the defaults."""
    return grow(tmp_path_factory.mktemp("default") / "project", source, {})


def made_once(folder: Path, make: Callable[[], Path]) -> Path:
    """Make a folder once for all workers: rendering takes longer than any look at what came out."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make().rename(folder)
    return folder
