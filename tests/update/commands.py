"""The commands on a project under git: what they say, and what they leave."""

from __future__ import annotations

import gc
import io
import os
import re
import shutil
import signal
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copier import run_copy
from fourhats.cli import main

from tests.services.compiled import compiled_once
from tests.update.snapshot import Tree, read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Said:
    """What a command left on the screen."""

    code: int
    out: str
    err: str

    def names(self, path: str) -> bool:
        """Tell whether the output names a file."""
        return bool(re.search(rf"(?<![^\s'\"(]){re.escape(path)}(?![^\s'\",:;)])", self.out))


@dataclass(frozen=True)
class State:
    """Everything that a command can change in a project."""

    files: Tree
    index: str
    head: str
    repository: tuple[str, ...]
    """The names in the folder `.git`, but for the objects'."""

    @property
    def unmerged(self) -> set[str]:
        """The files that the index holds in several versions."""
        entries = (line.split(None, 3) for line in self.index.split("\0") if line)
        return {path for _, _, stage, path in (entry for entry in entries) if stage != "0"}


def fourhats(*arguments: str | Path) -> Said:
    """Run a command in this process, and leave the process as it was."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), compiled_once():
            code = main([str(argument) for argument in arguments])
    finally:
        gc.enable()
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Said(code, out.getvalue(), err.getvalue())


def state(project: Path) -> State:
    """Read a project, its index and its branch."""
    top = Path(git(project, "rev-parse", "--absolute-git-dir").strip())
    names = (path.relative_to(top).as_posix() for path in top.rglob("*"))
    return State(
        read(project),
        git(project, "ls-files", "--stage", "-z"),
        git(project, "rev-parse", "--symbolic-full-name", "HEAD")
        + git(project, "rev-parse", "HEAD"),
        tuple(sorted(name for name in names if not name.startswith("objects/"))),
    )


def render(template: Path, version: str, answers: Mapping[str, Any], folder: Path) -> Tree:
    """Render a version into a new folder, as copier alone does; return its files."""
    given = dict(answers)
    with compiled_once():
        run_copy(str(template), folder, data=given, defaults=True, quiet=True, vcs_ref=version)
    return read(folder)


def start(rendered: Path, folder: Path) -> Path:
    """Make a project under git of what was rendered, as its user does."""
    shutil.copytree(rendered, folder, symlinks=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def undo(project: Path, said: Said) -> None:
    """Type the command that the output names for undoing it all."""
    (command,) = re.findall(r"^ *(git -C .*?) +undoes it all$", said.out, re.MULTILINE)
    subprocess.run(["sh", "-c", command], cwd=project, check=True, capture_output=True)


def quiet_git(home: Path) -> dict[str, str]:
    """Give the environment of a person who configured nothing."""
    return {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(home)}
