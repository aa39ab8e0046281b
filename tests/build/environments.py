"""Which dependency sets are installed, and how: rendered, then `uv sync` on a chosen Python."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.rendered import Project, project_env

MOST_SECONDS = 900
"""A command that takes longer hangs."""


@dataclass(frozen=True)
class DependencySet:
    """Answers that ask for a set of packages, and Pythons for them: the first that is there."""

    name: str
    answers: dict[str, Any]
    pythons: tuple[str, ...] = ()


# Together they ask for every extra of the runtime; what an extra's own code does, the tests of the
# runtime say. Each task, family of models, library of frames and broker is in one, each way of
# serving with the others and without.
DEPENDENCY_SETS = [
    DependencySet("default", {}),
    DependencySet(
        "batch-and-stream",
        {
            "model_family": ["lightgbm"],
            "data_sources": ["excel", "mysql", "object_storage", "rest_api", "snowflake"],
            "warehouse": "snowflake",
            "dataframe": "pandas",
            "serving": ["batch", "stream"],
            "broker": "kafka",
            "storage": "bucket",
            "orchestrator": "none",
            "platform": "kubernetes",
            "alerts": ["email"],
            "license": "MIT",
            "worked_example": False,
        },
        pythons=("3.14", "3.13", "3.12"),
    ),
    DependencySet(
        "everything",
        {
            "task": "regression",
            "model_family": ["lightgbm", "pytorch", "sklearn", "tensorflow"],
            "data_sources": [
                "bigquery",
                "excel",
                "files",
                "mysql",
                "object_storage",
                "postgres",
                "rest_api",
                "snowflake",
            ],
            "files_path": "data/deliveries.dta",
            "warehouse": "postgres",
            "engine": "spark",
            "serving": ["api", "batch", "stream"],
            "storage": "bucket",
            "alerts": ["log", "slack", "teams", "email", "webhook"],
        },
    ),
    DependencySet("search", {"task": "search"}),
]


class NoSuchPythonError(Exception):
    """The machine lacks the wanted Python."""


def sync(project: Project, pythons: Sequence[str] = ()) -> None:
    """Make the project's environment on the first of these Pythons that there is, or on ours.

    Raises:
        NoSuchPythonError: there is none.

    """
    python = find_python(pythons) if pythons else sys.executable
    uv(project.folder, "sync", "--quiet", "--python", python)


def find_python(versions: Sequence[str]) -> str:
    """Find the first of some Pythons, also where pyenv hides it behind commands that fail.

    Raises:
        NoSuchPythonError: there is none.

    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for version in versions:
        hidden = pyenv.glob(f"versions/{version}.*/bin/python{version}")
        for python in (f"python{version}", *map(str, hidden)):
            try:
                command = [python, "-c", "import sys; print(sys.executable)"]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            except (OSError, subprocess.CalledProcessError):
                continue
            return done.stdout.strip()
    raise NoSuchPythonError(f"there is no Python {' or '.join(versions)}")


def uv(folder: Path, *arguments: str) -> str:
    """Run uv in a project's folder; return what it prints. Raises AssertionError if it fails."""
    return run(folder, ["uv", *arguments])


def tool(project: Project, *arguments: str) -> str:
    """Run a module of the project's own environment. Raises AssertionError if it fails."""
    python = project.folder / ".venv" / "bin" / "python"
    return run(project.folder, [str(python), "-m", *arguments])


def run(folder: Path, command: Sequence[str]) -> str:
    """Run a command in a folder; return what it prints. Raises AssertionError if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=project_env({}),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=MOST_SECONDS,
    )
    if done.returncode:
        shown = " ".join(command)
        raise AssertionError(
            f"`{shown}` ended with {done.returncode}:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
        )
    return done.stdout


def installed(project: Project, environment: Path) -> dict[str, str]:
    """Give the versions in an environment; the project and its runtime come from folders."""
    listed = uv(project.folder, "pip", "freeze", "--exclude-editable", "--python", str(environment))
    # PyTorch's builds for processors are "+cpu".
    return dict(re.findall(r"^([\w.-]+)==([^\s+]+)(?:\+cpu)?$", listed, re.MULTILINE))
