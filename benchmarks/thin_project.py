"""The default project: what there is to read in it, and what its own two commands take."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from copier import run_copy

from benchmarks.figure import Figure, show
from benchmarks.process import cost
from tests.render.test_budget import lines, python_under_jinja
from tests.render.tree import Tree
from tests.services.rendered import ROOT, Project, install, project_env, render

BEFORE = "3399b65"
"""The last commit whose projects held their machinery as rendered files."""
MOST_LINES, MOST_FILES, MOST_LINES_UNDER_JINJA = 2_000, 90, 1_000
OWN_TESTS_SECONDS = 30.0
FIRST_RUN = 1.1
ROUNDS = 3
"""Each time in an environment made anew; the best counts."""


def figures() -> list[Figure]:
    """Count lines and files; run its tests, and its line for the first time."""
    with tempfile.TemporaryDirectory() as folder:
        now = render(Path(folder) / "now" / "customer-churn")
        before = _before(Path(folder) / "before" / "customer-churn")
        return [*_counted(now), _own_tests(now), _first_run(now, before)]


def _counted(project: Project) -> list[Figure]:
    tree = Tree.of(project.folder)
    python = sum(map(lines, tree.files(".py")))
    return [
        Figure("lines of Python in the default project, beside runtime/", python, MOST_LINES),
        Figure("files in it, beside runtime/", len(tree.files()), MOST_FILES),
        Figure(
            "lines of the template's Python under Jinja",
            sum(map(lines, python_under_jinja())),
            MOST_LINES_UNDER_JINJA,
        ),
    ]


def _own_tests(project: Project) -> Figure:
    install(project)
    seconds = []
    for _ in range(ROUNDS):
        command = ["uv", "run", "pytest", "-q"]
        seconds.append(cost(command, env=project_env({}), cwd=project.folder).wall)
    return Figure("its own tests", min(seconds), OWN_TESTS_SECONDS, "s", detail=_listed(seconds))


def _first_run(now: Project, before: Project) -> Figure:
    seconds: dict[Project, list[float]] = {now: [], before: []}
    for _ in range(ROUNDS):
        for project, found in seconds.items():
            for made in (".venv", "artifacts"):
                shutil.rmtree(project.folder / made, ignore_errors=True)
            for cache in project.folder.rglob("__pycache__"):
                shutil.rmtree(cache)
            install(project)
            command = ["uv", "run", project.slug, "run"]
            found.append(cost(command, env=project_env({}), cwd=project.folder).cpu)
    best = {project: min(found) for project, found in seconds.items()}
    return Figure(
        "its first run, CPU against that of a project before the runtime",
        best[now] / best[before],
        FIRST_RUN,
        detail=f"{best[now]:.1f} s against {best[before]:.1f} s",
    )


def _before(folder: Path) -> Project:
    """Make the default project as it was.

    Raises:
        RuntimeError: the history does not hold that commit.

    """
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if known.returncode:
        raise RuntimeError(f"{BEFORE} is not in this repository's history: fetch it whole")
    run_copy(str(ROOT), folder, defaults=True, quiet=True, vcs_ref=BEFORE)
    return Project(folder, folder.name)


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f} s" for each in seconds)


if __name__ == "__main__":
    show(figures)
