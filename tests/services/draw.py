"""Which of several services that do one thing a run takes: one, by the commit.

`DRAWN=all` takes all of them, as `make nightly` does; `DRAWN=COMMIT` takes what that commit's run
took. The commit is said at the head of a run.
"""

import os
import random
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def drawn(names: Iterable[str]) -> list[str]:
    """Draw from names."""
    known = sorted(names)
    if seed() == "all":
        return known
    return [random.Random(f"{seed()} {known}").choice(known)]


@cache
def seed() -> str:
    """Give what decides: `DRAWN`, or the commit."""
    if "DRAWN" in os.environ:
        return os.environ["DRAWN"]
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    ).stdout.strip()
