"""The names that a package must not have: whatever it would hide is on the list."""

import ast
import keyword
import pkgutil
import re
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader

from tests.render import runtime
from tests.render.tree import Tree
from tests.services.rendered import ROOT


def _list(name: str) -> set[str]:
    environment = Environment(loader=FileSystemLoader(ROOT), autoescape=True)
    module: Any = environment.get_template("includes/names.jinja").module
    return set(getattr(module, name))


@pytest.mark.quick
def test_every_standard_module_that_could_be_a_package_is_known() -> None:
    # Python's own list leaves `test` out, which is there and would come first all the same.
    folder = sysconfig.get_path("stdlib")
    found = {module.name for module in pkgutil.iter_modules([folder])} | sys.stdlib_module_names
    public = {name for name in found if not name.startswith("_")}
    assert public <= _list("standard_modules")


@pytest.mark.quick
def test_every_keyword_is_known() -> None:
    lower_case = {word for word in keyword.kwlist if word.islower()}
    assert lower_case <= _list("keywords")
    assert set(keyword.softkwlist) - {"_"} <= _list("keywords")


def test_every_library_that_a_project_imports_is_known(tree: Tree) -> None:
    known = _list("standard_modules") | _list("dependency_modules")
    ours = {tree.answers["package_name"], "__future__"}
    for path in tree.files(".py"):
        assert _imported(path) - ours <= known, tree.name(path)


@pytest.mark.quick
def test_every_library_that_the_runtime_imports_is_known() -> None:
    assert runtime.imported() - {"__future__"} <= _list("standard_modules") | _list(
        "dependency_modules"
    )


@pytest.mark.quick
@pytest.mark.parametrize("name", ["fourhats_runtime", "runtime"])
def test_no_package_is_called_as_the_runtime(name: str) -> None:
    assert name in _list("dependency_modules")


@pytest.mark.quick
def test_every_folder_of_a_project_is_known(tree: Tree) -> None:
    folders = {path.name for path in tree.folder.iterdir() if path.is_dir()}
    visible = {name for name in folders if not name.startswith(".")}
    assert visible <= _list("dependency_modules")


@pytest.mark.quick
def test_every_package_that_is_installed_with_a_project_is_known() -> None:
    pins = (ROOT / "includes" / "constraints.jinja").read_text(encoding="utf-8")
    packages = re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)
    assert packages
    assert {name.replace("-", "_") for name in packages} <= _list("dependency_modules")


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
    return {name.split(".")[0] for name in names}
