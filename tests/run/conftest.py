"""Fixtures of the tests that run projects: a project, an engine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.services.availability import unavailable
from tests.services.base_image import BASE_PYTHON
from tests.services.docker import DockerMissingError, Engine, docker_engine
from tests.services.object_stores import STORES, ObjectStore, StoreMissingError
from tests.services.rendered import Project, command, install, render
from tests.services.sources import delivery_project

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def default_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the defaults, installed, its line run once."""
    project = install(render(tmp_path_factory.mktemp("default") / "customer-churn"))
    command(project, "run")
    return project


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(docker_engine())
        except DockerMissingError as error:
            unavailable(error)
        yield started


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    """An object store of each kind, with an empty bucket."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(STORES[request.param]())
        except StoreMissingError as error:
            unavailable(error)
        yield opened


@pytest.fixture(scope="session")
def image_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the defaults, for the Python that the tests' base image has."""
    folder = tmp_path_factory.mktemp("image") / "customer-churn"
    return render(folder, python_version=BASE_PYTHON)


@pytest.fixture(scope="session")
def image(engine: Engine, image_project: Project) -> str:
    """The image of the defaults."""
    folder = image_project.folder
    tag = f"{image_project.slug}:defaults"
    return engine.build(folder, folder / "deploy" / "Dockerfile", tag)


@pytest.fixture(scope="session")
def cloud_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that reads BigQuery and Snowflake, whichever is set up."""
    return delivery_project(
        tmp_path_factory.mktemp("cloud-warehouses"),
        ["bigquery", "snowflake"],
        bigquery_query="SELECT * FROM shop.deliveries; ",
        snowflake_query="SELECT * FROM deliveries; ",
    )
