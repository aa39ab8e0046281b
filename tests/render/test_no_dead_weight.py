"""No dependency is missing or unused, no module dead, no code unreachable."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture  # type: ignore[import-untyped]

from tests.render.tree import Tree

MODULES = {
    "pyjwt": "jwt",
    "adbc-driver-manager": "adbc_driver_manager",
    "adbc-driver-postgresql": "adbc_driver_postgresql",
    "confluent-kafka": "confluent_kafka",
    # deptry knows a module by the first part of its name: any of the three accounts for all.
    "google-api-core": "google",
    "google-auth": "google",
    "google-cloud-bigquery": "google",
    "fpdf2": "fpdf",
    "mlflow-skinny": "mlflow",
    "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic_settings",
    "python-calamine": "python_calamine",
    "python-multipart": "python_multipart",
    "scikit-learn": "sklearn",
    "snowflake-connector-python": "snowflake",
}
# Asked for, though the project's own code never imports them: what does so instead.
USED_BY_OTHERS = {
    "adbc-driver-manager": "the PostgreSQL driver is loaded by it",
    "alembic": "MLflow makes the tables of its SQLite file with it",
    "httptools": "uvicorn parses requests with it",
    "protobuf": "skl2onnx breaks with its latest version",
    "pyarrow": "DuckDB and ADBC hand tables over in its format",
    "sqlalchemy": "MLflow writes its SQLite file with it",
    "uvloop": "uvicorn runs on it",
}
MIN_CONFIDENCE = 80


def test_every_import_is_a_dependency_and_every_dependency_imported(tree: Tree) -> None:
    project = tree.toml("pyproject.toml")
    groups = [group for group in project["dependency-groups"] if group != "dev"]
    asked_for = {_package(line) for line in _requirements(project)}
    options = {
        "--known-first-party": tree.answers["package_name"],
        "--non-dev-dependency-groups": ",".join(groups),
        "--package-module-name-map": ",".join(f"{k}={v}" for k, v in MODULES.items()),
        "--per-rule-ignores": "DEP002=" + "|".join(USED_BY_OTHERS.keys() & asked_for),
    }
    tree.accepted_by("deptry", "src", *(word for pair in options.items() for word in pair))


def test_every_dependency_is_pinned(tree: Tree) -> None:
    pinned = {_package(line) for line in tree.text("constraints.txt").splitlines()}
    asked_for = {_package(line) for line in _requirements(tree.toml("pyproject.toml"))}
    assert asked_for <= pinned
    constraints = tree.toml("pyproject.toml")["tool"]["uv"]["constraint-dependencies"]
    assert constraints == tree.text("constraints.txt").splitlines()


def test_every_module_is_reached_from_the_command_line(tree: Tree) -> None:
    modules = {_module(tree, path): path for path in tree.package.rglob("*.py")}
    reached: set[str] = set()
    waiting = [target.split(":")[0] for target in _scripts(tree)]
    while waiting:
        module = waiting.pop()
        if module in modules and module not in reached:
            reached.add(module)
            waiting += [module.rpartition(".")[0], *_imports(tree, modules[module])]
    assert set(modules) == reached


def test_every_file_that_is_no_module_is_named_by_one(tree: Tree) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in tree.package.rglob("*.py"))
    for path in tree.package.rglob("*"):
        if path.is_file() and path.suffix != ".py":
            assert f'"{path.name}"' in code, tree.name(path)


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


def _requirements(project: dict[str, dict[str, list[str]]]) -> list[str]:
    groups = project["dependency-groups"].values()
    return [*project["project"]["dependencies"], *(line for group in groups for line in group)]


def _package(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0]


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
