"""git, as we call it: in one folder, without prompts and without a repository's own programs."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fourhats.errors import FourhatsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_FETCHING_NOTHING = {"GIT_NO_LAZY_FETCH": "1"}
_OWN = ("local", "worktree")
_REPOSITORY = "160000 "
"""The mode of a repository within a repository."""


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


def distrusting(folder: Path) -> dict[str, str]:
    """Give the environment in which git starts no program that a repository itself names.

    One that was unpacked, not cloned, has a configuration of a stranger's: with filters for files
    that look changed, and with a program from which to fetch what is missing.
    """
    return _FETCHING_NOTHING | _configured((name, "") for name in sorted(_filters(folder)))


def _filters(folder: Path) -> set[str]:
    """Name the settings that are a repository's own filters, and those of repositories in it."""
    git = Git(folder, environment=_FETCHING_NOTHING)
    scoped = ("--show-scope", "--name-only", "--get-regexp", r"^filter\.")
    try:
        settings = git("config", *scoped, fine=(0, 1)).splitlines()
        files = git("ls-files", "--stage", "-z").split("\0")[:-1]
    except (GitError, OSError):  # it is no repository
        return set()
    scopes = (setting.partition("\t") for setting in settings)
    found = {name for scope, _, name in scopes if scope in _OWN}
    within = (folder / file.partition("\t")[2] for file in files if file.startswith(_REPOSITORY))
    return found.union(*(_filters(place) for place in within if (place / ".git").exists()))


def _configured(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give the environment in which git heeds settings, with those that it is to heed already."""
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isdecimal() else 0
    environment: dict[str, str] = {}
    for key, value in settings:
        environment |= {f"GIT_CONFIG_KEY_{count}": key, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    return environment | {"GIT_CONFIG_COUNT": str(count)}


@contextmanager
def everywhere(
    settings: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Have every git that is started meanwhile, copier's too, heed some settings (`key=value`)."""
    from plumbum import local  # noqa: PLC0415  # copier runs git by it

    pairs = (setting.partition("=") for setting in settings)
    wanted = _configured((key, value) for key, _, value in pairs) | dict(environment or {})
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
