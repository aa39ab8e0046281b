"""git, as we call it: in one folder, without prompts and without a repository's own programs."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fourhats.errors import FourhatsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


_ALWAYS = (
    # A project's hooks judge what its user commits; ours is neither a commit nor its user's.
    f"core.hooksPath={os.devnull}",
    # What a folder's configuration names as its watcher or signer is a program that git starts.
    *("core.fsmonitor=false", "commit.gpgSign=false", "tag.gpgSign=false"),
    # What a person likes to see is not for us to read.
    *("log.showSignature=false", "color.ui=false"),
    # Line ends that do not survive the way there and back are ours to judge, not to be refused.
    "core.safecrlf=false",
    # A git that a killed update left behind may still hold a reference, for a moment (ms).
    "core.filesRefLockTimeout=5000",
)
PORTABLE = ("core.autocrlf=input", "core.eol=lf", f"core.attributesFile={os.devnull}")
"""Settings under which a template gives the same bytes, whatever a person's git is set to."""
HARMLESS = (*_ALWAYS, *PORTABLE)
"""The same, and no program of a template's or of a rendered folder's is started."""
AS_RENDERED = (*PORTABLE, "core.autocrlf=false", f"core.excludesFile={os.devnull}")
"""Settings under which git takes in what was rendered, byte for byte."""


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
        """Run a command that commits: as `name`, if git does not know who commits here."""
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


@contextmanager
def everywhere(
    settings: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Have every git that is started meanwhile, copier's too, heed some settings (`key=value`)."""
    from plumbum import local  # noqa: PLC0415  # copier runs git by it

    given = os.environ.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isdecimal() else 0
    wanted = {"GIT_CONFIG_COUNT": str(count + len(settings)), **(environment or {})}
    for number, setting in enumerate(settings, count):
        key, _, value = setting.partition("=")
        wanted |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        # plumbum took its own copy of the environment when it was imported.
        earlier = {name: os.environ[name] for name in os.environ if name.startswith("GIT_CONFIG_")}
        with local.env(**{**earlier, **wanted}):
            yield
    finally:
        for name, given_before in before.items():
            if given_before is None:
                del os.environ[name]
            else:
                os.environ[name] = given_before
