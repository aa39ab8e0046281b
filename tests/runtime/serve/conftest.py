"""A project to serve that takes no training."""

import pytest
from fourhats_runtime import Project

from tests.runtime.handmade import handmade


@pytest.fixture
def made(fresh: Project) -> Project:
    """Give a project whose champion is made by hand (see `handmade`)."""
    return handmade(fresh)
