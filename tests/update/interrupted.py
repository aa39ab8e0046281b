"""Run a command, and send it a signal at one of the steps in which it changes a project.

    python -m tests.update.interrupted SIGNAL STEP PROJECT COMMAND…

The steps are the calls that reach the disk, counted from the first one in PROJECT. Without an end
(STEP 0) the command runs through, and the number of its steps is the last line that it prints.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourhats.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

# As the interpreter names them when it tells that a function written in C is called.
_CALLS = {
    *("open", "write", "flush", "close", "fsync", "link", "symlink", "rename", "replace"),
    *("unlink", "remove", "mkdir", "rmdir", "chmod", "utime", "fork_exec", "waitpid"),
}
# As an audit hook is told of them, with the path.
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "open"}


class Watch:
    """Counts the steps, and sends the signal at the chosen one."""

    def __init__(self, number: int, last: int, project: Path) -> None:
        """Prepare to send signal `number` to this process at step `last`."""
        self.number, self.last, self.project = number, last, os.fspath(project)
        self.begun = False
        self.steps = 0

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Notice the first change in the project."""
        if self.begun or event not in _CHANGES:
            return
        path = arguments[0]
        if event == "open" and (not isinstance(arguments[1], str) or "r" in arguments[1]):
            return
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.project):
            self.begun = True

    def profile(self, _frame: FrameType, event: str, called: Any) -> None:  # noqa: ANN401  # Python's own
        """Count a call."""
        if self.begun and event == "c_call" and called.__name__ in _CALLS:
            self.steps += 1
            if self.steps == self.last:
                os.kill(os.getpid(), self.number)


def interrupted(arguments: Sequence[str]) -> int:
    """Run the command with its watch."""
    number, last, project, *command = arguments
    watch = Watch(signal.Signals[number], int(last), Path(project))
    sys.addaudithook(watch.audit)
    sys.setprofile(watch.profile)
    code = main(command)
    sys.setprofile(None)
    if watch.last == 0:
        print(watch.steps)
    return code


if __name__ == "__main__":
    sys.exit(interrupted(sys.argv[1:]))
