"""The git repository of a new project: its first commit, and a note of what was rendered."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fourhats.errors import FourhatsError
from fourhats.git import AS_RENDERED, Git, GitError, NoGitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_AT_THE_START = (
    *("gc.auto=0", "maintenance.auto=false"),
    # One pack instead of a file for each file: half the time.
    "core.bigFileThreshold=1",
    # The first commit holds all that was rendered, whatever this machine ignores or converts.
    *AS_RENDERED,
)


def first_commit(folder: Path, answers: Mapping[str, Any]) -> bool:
    """Start a git repository with everything committed; return whether there is a git.

    Raises:
        FourhatsError: git refuses.

    """
    git = Git(folder, _AT_THE_START)
    try:
        git("init", "--quiet", "--initial-branch", "main", "--object-format=sha1")
        with without_filters(folder / ".git"):
            git("add", "--all")
            git.signed(
                *("commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", "Start from Fourhats"),
                name=str(answers.get("user_name") or "Fourhats"),
                address=str(answers.get("user_email") or "fourhats@localhost"),
            )
    except NoGitError:
        return False
    except GitError as error:
        reason = f"git {error.command} failed (--no-git does without): {error.reason}"
        raise FourhatsError(reason) from error
    return True


def inside(repository: Path, folder: Path) -> str:
    """Say what is to be done with a project in a repository that was there before."""
    if Git(repository).succeeds("check-ignore", "--quiet", "--", str(folder)):
        return (
            f"Inside the git repository {repository}, which ignores it: updates will need it "
            "committed (take it out of .gitignore), or a repository of its own"
        )
    return f"Inside the git repository {repository}: commit it there"


@contextmanager
def without_filters(git_folder: Path) -> Iterator[None]:
    """Have git take files in as they stand: a rendered .gitattributes may name any program."""
    file = git_folder / "info" / "attributes"
    before = file.read_bytes() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text("* -filter\n", encoding="ascii")
    try:
        yield
    finally:
        file.unlink() if before is None else file.write_bytes(before)


def reference(prefix: str = "") -> str:
    """Name the reference of the project at `prefix` in its repository."""
    return f"refs/fourhats/rendered/{sha256(prefix.encode()).hexdigest()[:12]}"


def note_first_commit(folder: Path) -> None:
    """Note that a new project's first commit is what was rendered."""
    Git(folder)("update-ref", reference(), "HEAD^{tree}")
