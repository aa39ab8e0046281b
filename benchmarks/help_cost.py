"""`fourhats --help`, in CPU time."""

import sys
from pathlib import Path

from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.process import cost
from tests.services.rendered import project_env

LIMIT = 0.15


def figures() -> list[Figure]:
    """Measure the installed command."""
    command = [Path(sys.executable).parent / "fourhats", "--help"]
    env = project_env({})
    seconds = min(cost(command, env=env).cpu for _ in range(ROUNDS))
    return [Figure("fourhats --help, CPU", seconds, LIMIT, "s")]


if __name__ == "__main__":
    show(figures)
