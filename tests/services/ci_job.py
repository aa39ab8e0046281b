"""The commands of a job of CI, run one after the other as a runner does."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.services.rendered import project_env

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def run_shells(
    shells: Iterable[str],
    folder: Path,
    programs: Path,
    env: Mapping[str, str],
    options: Iterable[str] = (),
) -> tuple[int, str]:
    """Run shells in a folder until one fails; return how it ended, and all that was printed.

    `programs` comes before whatever else is on the path; `options` are the runner's to bash.
    """
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    file, output = folder.with_name("step.sh"), ""
    for shell in shells:
        file.write_text(shell)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *options, file],
            cwd=folder,
            env=project_env({**env, "PATH": path}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output
