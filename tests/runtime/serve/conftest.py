"""A project to serve that takes no training."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app

from tests.runtime.handmade import handmade, of_every_kind


@pytest.fixture
def made(fresh: Project) -> Project:
    """Give a project whose champion is made by hand (see `handmade`)."""
    return handmade(fresh)


@pytest.fixture
def every_kind(fresh: Project) -> Project:
    """Give a project whose champion, made by hand, takes every kind of column."""
    return of_every_kind(fresh)


@pytest.fixture
def asked(every_kind: Project) -> Iterator[TestClient]:
    """Give the API of a champion that takes every kind of column."""
    with TestClient(create_app(every_kind)) as client:
        yield client
