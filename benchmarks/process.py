"""What a command costs: it and every process that it waited for."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """CPU and wall-clock seconds, and the most memory that one process held, in bytes."""

    cpu: float
    wall: float
    memory: int


def cost(command: Sequence[object], *, env: Mapping[str, str], cwd: Path | None = None) -> Cost:
    """Run a command to its end and return what it cost.

    Raises:
        RuntimeError: the command failed; the text holds what it said.

    """
    started = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
    ) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        said = output.decode(errors="replace")[-4000:]
        raise RuntimeError(f"`{command[0]}` ended with {process.returncode}:\n{said}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024)


def printed(command: Sequence[object], *, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Run a command to its end and return what it prints. Raises CalledProcessError."""
    words = [str(part) for part in command]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=env, cwd=cwd)
    return done.stdout
