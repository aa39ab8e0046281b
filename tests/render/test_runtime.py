"""The runtime is carried: the same bytes in every project, and nothing of it is rendered."""

import re
from pathlib import Path

import pytest

from tests.render import runtime
from tests.render.tree import RUNTIME, Tree

pytestmark = pytest.mark.quick


def test_every_project_has_the_same(tree: Tree, source: Path) -> None:
    ours = runtime.files(source / "template" / RUNTIME)
    carried = {
        name: content for name, content in tree.contents().items() if name.startswith(f"{RUNTIME}/")
    }
    assert carried.keys() == ours.keys()
    assert [name for name in carried if carried[name] != ours[name]] == []


def test_nothing_of_it_is_rendered() -> None:
    for name, content in runtime.files().items():
        assert not name.endswith(".jinja"), name
        assert not re.search("[{}]", name), name
        if name.endswith(".py"):
            assert b"{%" not in content, name
            assert b"{#" not in content, name


def test_it_says_what_it_is() -> None:
    names = runtime.files().keys()
    assert names >= {
        f"{RUNTIME}/{name}"
        for name in ("LICENSE", "README.md", "pyproject.toml", "fourhats_runtime/py.typed")
    }
