"""What is rendered installs, as pinned, and passes its own tests, linter and type checker."""

import sys
import zipfile
from itertools import combinations, product
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.build.environments import DEPENDENCY_SETS, installed, run, tool, uv
from tests.services.rendered import Project


@pytest.mark.quick
def test_every_two_traits_meet_in_all_their_combinations() -> None:
    for one, other in combinations(range(3), 2):
        met = {(found.traits[one], found.traits[other]) for found in DEPENDENCY_SETS}
        assert met == set(product([False, True], repeat=2))
    assert all(DEPENDENCY_SETS[-1].traits)


def test_the_environment_is_consistent(project: Project) -> None:
    uv(project.folder, "pip", "check", "--python", ".venv")


def test_what_is_installed_is_what_is_pinned(project: Project) -> None:
    assert installed(project, project.folder / ".venv") == _pinned(project)


def test_pip_with_the_constraints_installs_the_same(project: Project, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    python = str(project.folder / ".venv" / "bin" / "python")
    uv(project.folder, "venv", "--quiet", "--python", python, str(environment))
    options = ["--quiet", "--python", str(environment), "--constraint", "constraints.txt"]
    groups = ["data", "science", "monitor", "dev", *(["serve"] if _serves(project) else [])]
    chosen = [word for group in groups for word in ("--group", group)]
    uv(project.folder, "pip", "install", *options, *chosen, "--editable", ".")
    assert installed(project, environment) == installed(project, project.folder / ".venv")


def test_its_linter_and_formatter_are_content(project: Project) -> None:
    tool(project, "ruff", "check")
    tool(project, "ruff", "format", "--check")


def test_its_types_are_right(project: Project) -> None:
    tool(project, "mypy")


def test_its_own_tests_pass(project: Project) -> None:
    printed = tool(project, "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in printed
    assert " skipped" not in printed


def test_the_wheel_holds_what_the_code_reads(project: Project, tmp_path: Path) -> None:
    uv(project.folder, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    package = next((project.folder / "src").iterdir())
    ours = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    assert {name for name in held if ".dist-info/" not in name} == ours
    pages = {Path(name).name for name in ours if not name.endswith(".py")}
    assert {
        "monitor.html",
        "monthly.html",
        "quality.html",
        "report.html",
        "model_card.md",
        "lineage.md",
        "pages.css",
    } <= pages
    assert ("page.html" in pages) == (package / "serve" / "page.py").is_file()


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


def _serves(project: Project) -> bool:
    return any((project.folder / "src").glob("*/serve"))
