"""Fixtures of the update tests: a person who configured nothing, a small template, projects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.update.small_template import SmallTemplate
from tests.update.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Be somebody who configured neither git nor copier, in a home of their own.

    For a file's time: what other tests keep in the real home is made once for all of them.
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        yield home


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallTemplate:
    """The small template, with its first version."""
    return SmallTemplate.made(tmp_path_factory.mktemp("small") / "template")


@pytest.fixture(scope="session")
def workshop(
    template: SmallTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Workshop[SmallTemplate]:
    """Projects of the small template."""
    return Workshop(template, tmp_path_factory.mktemp("projects"))
