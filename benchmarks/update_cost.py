"""`fourhats update` against a bare `copier update`, in CPU time; `fourhats status` on a fleet."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.process import cost
from tests.services.releases import IDENTITY
from tests.services.rendered import project_env
from tests.services.template_versions import NEW, OLD, TemplateVersions, template_versions

PROGRAMS = Path(sys.executable).parent
FOURHATS = PROGRAMS / "fourhats"
UPDATE_LIMIT = 1.5
STATUS_LIMIT = 20.0
PROJECTS = 100
# Of a hundred projects most hold only modules of their own; some touched what the template changes.
EDITS = {3: "features.py", 5: "train.py", 7: "extract.py", 8: "transform.py"}


def figures() -> list[Figure]:
    """Measure an update of the default project, and a look at a hundred projects."""
    env = project_env(IDENTITY)
    with tempfile.TemporaryDirectory() as folder:
        versions = template_versions(Path(folder) / "template")
        return [_update(Path(folder), versions, env), _status(Path(folder), versions, env)]


def _update(folder: Path, versions: TemplateVersions, env: Mapping[str, str]) -> Figure:
    project = _project(folder / "first", versions, env)
    commands = {
        "copier": [PROGRAMS / "copier", "update", "--quiet", "--defaults", f"--vcs-ref={NEW}"],
        "fourhats": [FOURHATS, "update", "--yes"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS):
        for name, command in commands.items():
            copy = folder / f"{name}-{number}"
            shutil.copytree(project, copy, symlinks=True)
            seconds[name].append(cost(command, env=env, cwd=copy).cpu)
    best = {name: min(times) for name, times in seconds.items()}
    return Figure(
        "fourhats update, CPU against copier update",
        best["fourhats"] / best["copier"],
        UPDATE_LIMIT,
        detail=f"{best['fourhats']:.2f} s against {best['copier']:.2f} s",
    )


def _status(folder: Path, versions: TemplateVersions, env: Mapping[str, str]) -> Figure:
    fleet = folder / "fleet"
    for number in range(PROJECTS):
        project = _project(fleet / f"client-{number:03}", versions, env)
        package = project / "src" / f"client_{number:03}"
        (package / "own.py").write_text('"""What only this client needs."""\n')
        edited = package / EDITS.get(number % 10, "own.py")
        edited.write_text(f"{edited.read_text()}\n# changed for this client\n")
        _git(project, env, "add", "--all")
        _git(project, env, "commit", "--quiet", "-m", "Work")
    looks = [cost([FOURHATS, "status", fleet, "--json"], env=env) for _ in range(ROUNDS)]
    wall = [look.wall for look in looks]
    return Figure(
        f"fourhats status on {PROJECTS} projects",
        min(wall),
        STATUS_LIMIT,
        unit="s",
        detail=f"{min(look.cpu for look in looks):.0f} s of CPU; four in ten changed what came",
    )


def _project(folder: Path, versions: TemplateVersions, env: Mapping[str, str]) -> Path:
    versions.show(OLD)
    cost([FOURHATS, "new", folder, "--defaults", "--source", versions.folder], env=env)
    return folder


def _git(project: Path, env: Mapping[str, str], *command: str) -> None:
    subprocess.run(["git", *command], cwd=project, env=env, check=True)


if __name__ == "__main__":
    show(figures)
