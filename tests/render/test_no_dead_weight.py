"""No dependency is missing or unused, no pin too many, no module dead, no code unreachable."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture  # type: ignore[import-untyped]

from tests.render.pins import needed, package
from tests.render.tree import Tree

MODULES = {"fourhats-runtime": "fourhats_runtime", "scikit-learn": "sklearn"}
# Of the one version, which Google's client keeps to, and of the other: one of them is not ours.
OF_DATEUTIL = {"six", "tzdata"}
MIN_CONFIDENCE = 80


def test_every_import_is_a_dependency_and_every_dependency_imported(tree: Tree) -> None:
    groups = [group for group in tree.toml("pyproject.toml")["dependency-groups"] if group != "dev"]
    options = {
        "--known-first-party": tree.answers["package_name"],
        "--non-dev-dependency-groups": ",".join(groups),
        "--package-module-name-map": ",".join(f"{k}={v}" for k, v in MODULES.items()),
        "--per-rule-ignores": "DEP002=tensorflow|tensorflow-cpu",  # which Keras imports
    }
    tree.accepted_by("deptry", "src", *(word for pair in options.items() for word in pair))


def test_what_a_project_needs_is_pinned_and_nothing_else(tree: Tree) -> None:
    wanted = list(_requirements(tree.toml("pyproject.toml")))
    pins = tree.text("constraints.txt").splitlines()
    pinned = {package(pin) for pin in pins}
    assert needed(wanted, anywhere=False) - pinned <= OF_DATEUTIL
    assert pinned - needed(wanted, anywhere=True) <= OF_DATEUTIL
    assert tree.toml("pyproject.toml")["tool"]["uv"]["constraint-dependencies"] == pins


def test_every_module_is_reached_from_the_command_line(tree: Tree) -> None:
    modules = {_module(tree, path): path for path in tree.package.iterdir()}
    reached: set[str] = set()
    waiting = [target.split(":")[0] for target in _scripts(tree)]
    while waiting:
        module = waiting.pop()
        if module in modules and module not in reached:
            reached.add(module)
            waiting += [module.rpartition(".")[0], *_imports(tree, modules[module])]
    assert set(modules) == reached


def test_what_is_handed_over_by_its_name_is_there(tree: Tree) -> None:
    named = dict(_named(tree, tree.package / "project.py"))
    assert named or (tree.answers["task"] == "search" and "api" not in tree.answers["serving"])
    for module, name in named.items():
        code = ast.parse((tree.folder / "src" / f"{module.replace('.', '/')}.py").read_bytes())
        functions = {node.name for node in code.body if isinstance(node, ast.FunctionDef)}
        values = {
            ast.unparse(to)
            for node in code.body
            if isinstance(node, ast.Assign)
            for to in node.targets
        }
        assert name in functions | values, f"{module}:{name}"


def test_no_code_is_dead(tree: Tree) -> None:
    vulture = Vulture()
    vulture.scavenge([str(path) for path in tree.files(".py") if path.parent.name != "tests"])
    dead = vulture.get_unused_code(min_confidence=MIN_CONFIDENCE)
    assert not [f"{item.filename}:{item.first_lineno}: {item.message}" for item in dead]


def test_every_fixture_is_asked_for(tree: Tree) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (tree.folder / "tests").iterdir())
    for path in (tree.folder / "tests").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and "fixture" in ast.dump(
                ast.Module(node.decorator_list, [])  # type: ignore[arg-type]
            ):
                automatic = any("autouse" in ast.unparse(mark) for mark in node.decorator_list)
                assert automatic or tests.count(node.name) > 1, f"{path.name}: {node.name}"


def _requirements(project: dict[str, dict[str, list[str]]]) -> Iterator[str]:
    yield from project["project"]["dependencies"]
    for group in project["dependency-groups"].values():
        yield from group


def _scripts(tree: Tree) -> list[str]:
    return list(tree.toml("pyproject.toml")["project"]["scripts"].values())


def _module(tree: Tree, path: Path) -> str:
    parts = path.relative_to(tree.folder / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: Tree, path: Path) -> Iterator[str]:
    """Name what a module of the package may import from it: modules, or names in them."""
    here = path.relative_to(tree.folder / "src").parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            package = ".".join(part for part in base if part)
            yield package
            yield from (f"{package}.{alias.name}" for alias in node.names)
    yield from (module for module, _ in _named(tree, path))


def _named(tree: Tree, path: Path) -> Iterator[tuple[str, str]]:
    """Give what a module hands over by its name alone, as `package.module:name`."""
    pattern = re.compile(rf"({tree.answers['package_name']}(?:\.\w+)+):(\w+)")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and (found := pattern.fullmatch(str(node.value))):
            yield found[1], found[2]
