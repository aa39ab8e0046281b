"""`fourhats new --defaults` against `copier copy --defaults` of the same project, in CPU time."""

import sys
import tempfile
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.process import cost
from tests.services.rendered import ROOT, project_env

PROGRAMS = Path(sys.executable).parent
LIMIT = 1.15


def figures() -> list[Figure]:
    """Measure with the first commit, and without."""
    env = project_env({})
    commands = {
        "copier": [PROGRAMS / "copier", "copy", "--quiet", "--defaults", "--vcs-ref=HEAD", ROOT],
        "fourhats": [PROGRAMS / "fourhats", "new", "--defaults"],
        "no git": [PROGRAMS / "fourhats", "new", "--defaults", "--no-git"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for name, command in commands.items():
                dest = Path(folder) / f"{name.replace(' ', '-')}-{number}"
                seconds[name].append(cost([*command, dest], env=env).cpu)
    best = {name: min(times) for name, times in seconds.items()}
    return [
        Figure(
            f"fourhats new --defaults, CPU against copier copy ({note})",
            best[name] / best["copier"],
            LIMIT,
            detail=f"{best[name]:.2f} s against {best['copier']:.2f} s",
        )
        for name, note in (("fourhats", "with git's commit"), ("no git", "--no-git"))
    ]


if __name__ == "__main__":
    show(figures)
