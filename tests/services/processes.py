"""A process in a session of its own, which is ended with everything it started."""

import os
import pwd
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Started:
    """A running process and the file that its output goes to."""

    popen: subprocess.Popen[bytes]
    log: Path

    def running(self) -> bool:
        """Tell whether the process itself still runs."""
        return self.popen.poll() is None

    def output(self) -> str:
        """Return what it and its children have printed so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def started(  # noqa: PLR0913 - the handful of Popen's arguments that tests need
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    grace: float = GRACE_SECONDS,
) -> Iterator[Started]:
    """Start `command` in a session of its own; on leaving, end that whole session.

    `user` runs it under another name (for root only). Its output goes to `log`, whose end is
    printed when the block fails, so that pytest shows it.
    """
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            user=user,
            group=user_group(user),
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
    process = Started(popen, log)
    try:
        yield process
    except BaseException:
        print(f"--- the end of {log}\n{process.output()[-4000:]}")
        raise
    finally:
        end(popen, grace)


def end(popen: subprocess.Popen[bytes], grace: float) -> None:
    """End a process, its session and its descendants: TERM, and KILL after `grace` seconds."""
    members = family(popen.pid)
    deadline = time.monotonic() + grace
    for member in members:
        signal_to(member, "terminate")
    # The leader is ours to reap; psutil would only see a zombie of it.
    try:
        popen.wait(grace)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
    _, alive = psutil.wait_procs(members, timeout=max(0.1, deadline - time.monotonic()))
    for member in {*alive, *family(popen.pid)}:
        signal_to(member, "kill")
    psutil.wait_procs(alive, timeout=grace)


def family(leader: int) -> list[psutil.Process]:
    """Return the live processes of a session, and the leader's descendants in other sessions."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader:
                found[process.pid] = process
        except (ProcessLookupError, PermissionError):
            continue
    for process in list(found.values()):
        try:
            found |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def signal_to(process: psutil.Process, signal: str) -> None:
    """Send `terminate` or `kill` to a process that may have ended meanwhile."""
    try:
        getattr(process, signal)()
    except psutil.NoSuchProcess:
        return


def user_group(user: str | None) -> int | None:
    """Return the primary group of a user, without which a process would keep root's."""
    if user is None:
        return None
    return pwd.getpwnam(user).pw_gid
