"""What a consultant gets to read stays small, and so does what makes it differ between projects."""

from pathlib import Path

import pytest
import yaml

from tests.render.runtime import HOME
from tests.render.tree import Tree
from tests.services.rendered import ROOT

pytestmark = pytest.mark.quick

MOST_LINES = {"src": 1_000, "tests": 800, "dags": 150, ".": 2_000}
"""Of Python in the default project, its runtime aside."""
MOST_FILES = 90
MOST_MODULES = 12
MOST_LINES_UNDER_JINJA = 1_000
FEWER_ENTRIES = 80
"""In the map of what goes where an option is not chosen."""


@pytest.mark.parametrize("folder", MOST_LINES)
def test_the_python_of_the_default_project(default_tree: Tree, folder: str) -> None:
    place = default_tree.folder / folder
    count = sum(lines(path) for path in default_tree.files(".py") if place in path.parents)
    assert 0 < count <= MOST_LINES[folder]


def test_the_files_of_the_default_project(default_tree: Tree) -> None:
    assert len(default_tree.files()) <= MOST_FILES


def test_every_package_is_a_few_modules_and_nothing_else(tree: Tree) -> None:
    there = list(tree.package.iterdir())
    assert {path.suffix for path in there} == {".py"}
    networks = {"pytorch", "tensorflow"} & set(tree.answers.get("model_family", ()))
    assert len(there) <= MOST_MODULES + len(networks)


def test_the_python_under_jinja() -> None:
    under = python_under_jinja()
    assert under
    assert HOME not in {folder for path in under for folder in path.parents}
    assert sum(map(lines, under)) <= MOST_LINES_UNDER_JINJA


def test_the_map_of_the_options() -> None:
    settings = next(yaml.compose_all((ROOT / "copier.yml").read_text(encoding="utf-8")))
    (entries,) = (value.value for key, value in settings.value if key.value == "_exclude")
    assert sum(entry.value.startswith("{% if ") for entry in entries) < FEWER_ENTRIES


def python_under_jinja() -> list[Path]:
    """List the files of Python in which an answer changes a line."""
    parts = ("template", "includes")
    return [path for part in parts for path in (ROOT / part).rglob("*.py.jinja")]


def lines(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())
