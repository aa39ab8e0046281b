"""git, as we call it: in one folder, without prompts and hooks."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fourhats.errors import FourhatsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_ALWAYS = (
    # A project's hooks judge what its user commits; ours is neither a commit nor its user's.
    f"core.hooksPath={os.devnull}",
    # A git that a killed update left behind may still hold a reference, for a moment (ms).
    "core.filesRefLockTimeout=5000",
)


class GitError(FourhatsError):
    """git refused; the reason is its own."""

    def __init__(self, command: str, reason: str) -> None:
        """Say what git was to do, and why it did not."""
        super().__init__(f"git {command} failed: {reason}")
        self.command = command
        self.reason = reason


class NoGitError(GitError):
    """There is no git."""

    def __str__(self) -> str:
        """Say it as a person would."""
        return "git is needed, and is not installed"


@dataclass(frozen=True)
class Git:
    """git in one folder."""

    folder: Path
    settings: tuple[str, ...] = ()
    """Each `key=value`."""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    def bytes(self, *command: str, given: bytes = b"", fine: tuple[int, ...] = (0,)) -> bytes:
        """Run a command and return what it prints.

        Raises:
            GitError: there is no git (NoGitError), or it ends with an exit code that is not `fine`.

        """
        settings = [part for setting in (*_ALWAYS, *self.settings) for part in ("-c", setting)]
        try:
            done = subprocess.run(
                ["git", *settings, *command],
                cwd=self.folder,
                env={
                    **os.environ,
                    "GIT_TERMINAL_PROMPT": "0",
                    "LC_ALL": "C.UTF-8",
                    **self.environment,
                },
                input=given,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise NoGitError(command[0], "it is not installed") from error
        if done.returncode not in fine:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise GitError(command[0], said or f"exit code {done.returncode}")
        return done.stdout

    def __call__(self, *command: str, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
        """Run a command and return the text that it prints, file names undamaged."""
        said = self.bytes(*command, given=given.encode("utf-8", "surrogateescape"), fine=fine)
        return said.decode("utf-8", "surrogateescape").removesuffix("\n")

    def signed(self, *command: str, name: str, address: str) -> str:
        """Run a command that commits: as `name`, if nobody told git who commits here."""
        try:
            return self(*command)
        except GitError:
            identity = (f"user.name={name}", f"user.email={address}")
            return replace(self, settings=(*self.settings, *identity))(*command)

    def succeeds(self, *command: str) -> bool:
        """Tell whether a command ends well."""
        try:
            self.bytes(*command)
        except GitError:
            return False
        return True
