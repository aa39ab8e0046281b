"""The library, whose line has run once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.pipeline import Result, run_step, steps

from tests.runtime.search.world import library

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

Line = tuple["Project", dict[str, Result]]


@pytest.fixture(scope="session")
def library_line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Give the library and the result of each step: not to be changed."""
    project = library(tmp_path_factory.mktemp("library") / "project")
    return project, {step: run_step(step, project) for step in steps(project)}


@pytest.fixture
def searched(library_line: Line, tmp_path: Path) -> Project:
    """Give a copy of the library that has run, free to be changed."""
    root = tmp_path / "searched"
    shutil.copytree(library_line[0].folder, root)
    return library_line[0].at(root)


@pytest.fixture
def unsearched(tmp_path: Path) -> Project:
    """Give a library in which nothing has run yet."""
    return library(tmp_path / "unsearched")
