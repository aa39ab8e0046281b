"""Fixtures of the command line's tests: a folder, a person who configured nothing, a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.shell import BIN, Shell, copy_template
from tests.cli.terminal_session import TerminalSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the template as it stands: what else changes in the checkout meanwhile is no matter."""
    return copy_template(REPOSITORY, tmp_path_factory.mktemp("template"))


@pytest.fixture
def shell(tmp_path: Path, source: Path) -> Shell:
    """Give an empty folder to a person who configured neither git nor copier."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    kept = {key: os.environ[key] for key in ("LANG", "UV_CACHE_DIR") if key in os.environ}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    # The machine's own git settings stay out: a commit has to work without them.
    nothing = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    template = {"FOURHATS_SOURCE": str(source)}
    return Shell(folder, {**kept, **nothing, **template, "HOME": str(home), "PATH": path})


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
