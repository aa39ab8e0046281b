"""Fixtures of the build tests: a project for every dependency set, installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.build.environments import DEPENDENCY_SETS, DependencySet, NoSuchPythonError, sync
from tests.services.rendered import Project, render

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[DependencySet], Project]:
    """Install a dependency set's project; the same one is made once."""
    made: dict[str, Project] = {}

    def project_of(dependency_set: DependencySet) -> Project:
        name = dependency_set.name
        if name not in made:
            project = render(tmp_path_factory.mktemp(name) / "project", **dependency_set.answers)
            sync(project, dependency_set.pythons)
            made[name] = project
        return made[name]

    return project_of


@pytest.fixture(scope="session", params=DEPENDENCY_SETS, ids=lambda found: found.name)
def project(request: pytest.FixtureRequest, make: Callable[[DependencySet], Project]) -> Project:
    """The installed project of each dependency set."""
    try:
        return make(request.param)
    except NoSuchPythonError as missing:
        # Also in CI: the machine's own Python is what it has to have.
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def default_project(make: Callable[[DependencySet], Project]) -> Project:
    """The project of the defaults."""
    return make(DEPENDENCY_SETS[0])
