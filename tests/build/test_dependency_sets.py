"""What is rendered installs, as pinned, and passes its own tests and linter."""

import json
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.build.environments import DEPENDENCY_SETS, installed, run, tool, uv
from tests.render.runtime import HOME
from tests.render.tree import grow, template_copy
from tests.services.rendered import Project


def test_every_extra_of_the_runtime_is_asked_for_by_some_set(tmp_path: Path) -> None:
    source = template_copy(tmp_path / "source")
    trees = [grow(tmp_path / found.name, source, found.answers) for found in DEPENDENCY_SETS]
    asked_for = {extra for tree in trees for extra in _extras(tree.toml("pyproject.toml"))}
    there = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    by_hand = {"holidays", "vectors"}  # the pages say when
    assert asked_for == there["optional-dependencies"].keys() - {"all", *by_hand}


def test_the_environment_is_consistent(project: Project) -> None:
    uv(project.folder, "pip", "check", "--python", ".venv")


def test_what_is_installed_is_what_is_pinned(project: Project) -> None:
    assert installed(project, project.folder / ".venv") == _pinned(project)


def test_installed_as_the_images_do_it_is_the_same(project: Project, tmp_path: Path) -> None:
    environment = _environment(project, tmp_path, *_groups(project))
    assert installed(project, environment) == installed(project, project.folder / ".venv")


def test_pip_takes_the_same(default_project: Project, tmp_path: Path) -> None:
    project = default_project
    python = str(project.folder / ".venv" / "bin" / "python")
    uv(project.folder, "venv", "--quiet", "--seed", "--python", python, str(tmp_path / "venv"))
    groups = [word for group in _groups(project) for word in ("--group", group)]
    options = [
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        "--report",
        str(tmp_path / "report.json"),
    ]
    pip = [str(tmp_path / "venv" / "bin" / "python"), "-m", "pip", "install", *options, *groups]
    run(project.folder, [*pip, "--constraint", "constraints.txt", "./runtime", "."])
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    taken = {_name(found["metadata"]): found["metadata"]["version"] for found in report["install"]}
    ours = {project.slug, "fourhats-runtime"}
    assert taken.keys() >= ours
    assert {name: taken[name] for name in taken.keys() - ours} == _pinned(project)


def test_a_file_with_another_digest_is_not_installed(
    default_project: Project, tmp_path: Path
) -> None:
    hashes = (default_project.folder / "hashes.txt").read_text(encoding="utf-8")
    other = re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", hashes)
    for name, text in (("right.txt", hashes), ("wrong.txt", other)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = ["--quiet", "--no-cache", "--no-deps", "--target", str(tmp_path / "there")]

    def install(constraints: str) -> None:
        named = ["--constraint", str(tmp_path / constraints)]
        uv(default_project.folder, "pip", "install", "--reinstall", *options, *named, "idna")

    install("right.txt")
    with pytest.raises(AssertionError, match="Hash mismatch"):
        install("wrong.txt")


def test_what_answers_is_imported_where_only_that_is_installed(
    project: Project, tmp_path: Path
) -> None:
    if "serve" not in _groups(project):
        pytest.skip("nothing answers")
    environment = _environment(project, tmp_path, "serve")
    package = next((project.folder / "src").iterdir()).name
    modules = [f"{package}.project", "fourhats_runtime.answer"]
    serving = _serving(project)
    modules += [f"{package}.service", "fourhats_runtime.serve"] if "api" in serving else []
    modules += ["fourhats_runtime.stream"] if "stream" in serving else []
    for module in modules:
        run(project.folder, [str(environment / "bin" / "python"), "-c", f"import {module}"])


def test_another_package_is_added_by_uv(default_project: Project, tmp_path: Path) -> None:
    shutil.copy(default_project.folder / "pyproject.toml", tmp_path)
    uv(tmp_path, "add", "--frozen", "--group", "science", "tqdm")
    before, now = _pyproject(default_project), _pyproject(replace(default_project, folder=tmp_path))
    assert "tqdm" in now["dependency-groups"]["science"]
    runtime = before["tool"]["uv"]["sources"]["fourhats-runtime"]
    assert now["tool"]["uv"]["sources"]["fourhats-runtime"] == runtime


def test_its_linter_and_formatter_are_content(project: Project) -> None:
    tool(project, "ruff", "check")
    tool(project, "ruff", "format", "--check")


def test_its_own_tests_pass(project: Project) -> None:
    printed = tool(project, "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in printed
    assert " skipped" not in printed


def test_the_wheel_holds_the_package_alone(project: Project, tmp_path: Path) -> None:
    uv(project.folder, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    package = next((project.folder / "src").iterdir())
    ours = {path.relative_to(package.parent).as_posix() for path in package.glob("*.py")}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    assert {name for name in held if ".dist-info/" not in name} == ours


def _environment(project: Project, folder: Path, *groups: str) -> Path:
    """Install groups of a project into an environment, by the line of its Dockerfile."""
    environment = folder / "venv"
    python = str(project.folder / ".venv" / "bin" / "python")
    uv(project.folder, "venv", "--quiet", "--python", python, str(environment))
    chosen = [word for group in groups for word in ("--group", group)]
    options = ["--quiet", "--no-sources-package", "fourhats-runtime", "--python", str(environment)]
    options += ["--constraint", "hashes.txt", *chosen]
    uv(project.folder, "pip", "install", *options, "./runtime", ".")
    return environment


def _groups(project: Project) -> list[str]:
    return list(_pyproject(project)["dependency-groups"])


def _serving(project: Project) -> set[str]:
    (package,) = (project.folder / "src").iterdir()
    (found,) = re.findall(r"serving=\(([^)]*)\)", (package / "project.py").read_text("utf-8"))
    return set(re.findall(r"\w+", found))


def _pyproject(project: Project) -> dict[str, Any]:
    return tomllib.loads((project.folder / "pyproject.toml").read_text(encoding="utf-8"))


def _extras(pyproject: dict[str, Any]) -> Iterator[str]:
    """Name the extras of the runtime that a project asks for."""
    groups = [pyproject["project"]["dependencies"], *pyproject["dependency-groups"].values()]
    for requirement in (Requirement(line) for group in groups for line in group):
        if requirement.name == "fourhats-runtime":
            yield from requirement.extras


def _name(metadata: dict[str, str]) -> str:
    return canonicalize_name(metadata["name"])


def _pinned(project: Project) -> dict[str, str]:
    """Give the pins that count on the Python of the project's environment."""
    version = run(
        project.folder,
        [
            str(project.folder / ".venv" / "bin" / "python"),
            "-c",
            "import sys; print('.'.join(map(str, sys.version_info[:3])))",
        ],
    ).strip()
    here = {
        "python_full_version": version,
        "python_version": version.rpartition(".")[0],
        "sys_platform": sys.platform,
    }
    pins = {}
    for line in (project.folder / "constraints.txt").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(here):
            (exact,) = requirement.specifier
            pins[requirement.name] = exact.version
    return pins
