"""Fixtures of the command line's tests: a folder, a person who configured nothing, a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.shell import BIN, Shell
from tests.cli.terminal_session import TerminalSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def source() -> Path:
    """Return the template: this checkout."""
    return Path(os.environ.get("FOURHATS_SOURCE", REPOSITORY))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give an empty folder to a person who configured neither git nor copier."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    kept = {key: os.environ[key] for key in ("LANG", "FOURHATS_SOURCE") if key in os.environ}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    # The machine's own git settings stay out: a commit has to work without them.
    nothing = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return Shell(folder, {**kept, **nothing, "HOME": str(home), "PATH": path})


@pytest.fixture
def terminal(shell: Shell) -> Iterator[Callable[..., TerminalSession]]:
    """Start `fourhats` in a terminal, in the folder of `shell`."""
    sessions: list[TerminalSession] = []

    def start(*arguments: str, **size: int) -> TerminalSession:
        command = [str(BIN / "fourhats"), *arguments]
        session = TerminalSession(
            command, folder=shell.folder, environment=shell.environment, **size
        )
        sessions.append(session)
        return session

    yield start
    for session in sessions:
        session.process.close(force=True)
