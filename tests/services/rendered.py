"""Projects made from the template: rendered, installed, run and served as a user would."""

import json
import os
import shutil
import subprocess
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from copier.errors import DirtyLocalWarning
from fourhats.render.worker import run_copy

from tests.services import bytecode
from tests.services.compiled import compiled_once
from tests.services.ports import free_port, wait_for
from tests.services.processes import started

ROOT = Path(__file__).parents[2]
CACHES = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info")
"""What our own tools leave beside the runtime: of no commit, and slow to leave out one by one."""


@dataclass(frozen=True)
class Project:
    """A rendered project: its folder, and the name of its command."""

    folder: Path
    slug: str

    @property
    def program(self) -> Path:
        """The project's command in its own environment."""
        return self.folder / ".venv" / "bin" / self.slug


def render(dest: Path, source: Path = ROOT, **answers: Any) -> Project:  # noqa: ANN401 - answers are of any type
    """Render the template as it stands, uncommitted changes included, with these answers."""
    with compiled_once(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        run_copy(str(source), dest, answers, "HEAD" if (source / ".git").exists() else None)
    scripts = tomllib.loads((dest / "pyproject.toml").read_text())["project"]["scripts"]
    return Project(dest, next(iter(scripts)))


def install(project: Project) -> Project:
    """Make the project's environment, with uv's shared cache."""
    subprocess.run(["uv", "sync", "--quiet"], check=True, cwd=project.folder, env=project_env({}))
    bytecode.hand_on(project.folder / ".venv")
    return project


def command(
    project: Project,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run the project's command to its end. Raises AssertionError with its output if it fails."""
    done = subprocess.run(
        [project.program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=project.folder,
        env=project_env(env or {}),
        timeout=timeout,
    )
    if check and done.returncode != 0:
        shown = " ".join([project.slug, *arguments])
        raise AssertionError(
            f"`{shown}` ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
    return done


@contextmanager
def serve(project: Project, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start the project's API and yield its base URL once it is ready."""
    port = free_port()
    with started(
        [project.program, "serve", "--port", str(port)],
        log=project.folder.with_name(f"{project.folder.name}-serve-{port}.log"),
        cwd=project.folder,
        env=project_env(env or {}),
    ) as server:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/ready", timeout=60, still_there=server.running)
        yield url


def pid_of(url: str) -> int:
    """Return the process that listens at a URL of this machine, of several the first."""
    port = int(url.rsplit(":", 1)[1])
    return min(
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr[1:] == (port,)
        and connection.pid is not None
    )


def champion(project: Project) -> str:
    """Return the version that is served."""
    return (project.folder / "artifacts" / "registry" / "champion").read_text().strip()


def example_record(project: Project) -> dict[str, Any]:
    """Return a valid record: the one that the champion keeps as its example."""
    version = project.folder / "artifacts" / "registry" / "versions" / champion(project)
    return dict(json.loads((version / "model.json").read_text())["example"])


def project_env(extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which our own has no part, and what is compiled is kept."""
    ours = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"}
    ours |= {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    # Idle threads that spin cost a shared machine more than they win.
    return kept | {"OMP_WAIT_POLICY": "passive", **extra}
