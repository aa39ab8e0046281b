"""`fourhats new --defaults --run`, from the command to the first served prediction."""

import sys
import tempfile
from pathlib import Path

from benchmarks.figure import Figure, show
from benchmarks.process import cost
from tests.services.rendered import project_env

LIMIT = 60.0
ROUNDS = 2
"""The first warms the package cache where it is cold; the better one counts."""


def figures() -> list[Figure]:
    """Render, install, run the whole line, serve, ask once."""
    command = [Path(sys.executable).parent / "fourhats", "new", "--defaults", "--run"]
    env = project_env({})
    with tempfile.TemporaryDirectory() as folder:
        seconds = min(
            cost([*command, Path(folder) / f"project-{number}"], env=env).wall
            for number in range(ROUNDS)
        )
    return [Figure("fourhats new --defaults --run to the first prediction", seconds, LIMIT, "s")]


if __name__ == "__main__":
    show(figures)
