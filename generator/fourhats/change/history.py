"""The versions of a template, read from its repository."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from fourhats.ask.questions import Questionnaire
from fourhats.change.store import listing
from fourhats.errors import WrongInputError
from fourhats.git import Git, GitError, distrusting
from fourhats.render.template import TemplateSource, address, instead_of, is_url
from fourhats.source import CANONICAL_URL, bundle, source_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats.change.store import Listing


@dataclass(frozen=True)
class TemplateHistory:
    """A template's repository."""

    location: str
    """What copier gets, and notes in the project: an absolute path or a URL."""
    git: Git
    """In the repository, or in a clone of it."""
    scratch: Path

    @property
    def releases(self) -> list[str]:
        """The released versions, oldest first."""
        return sorted((tag for tag in self.git("tag").split() if _is_release(tag)), key=Version)

    def commit(self, version: str) -> str:
        """Find the commit of a version.

        Raises:
            WrongInputError: it is not known here.

        """
        if version and not version.startswith("-"):
            found = self.git(
                "rev-parse", "--quiet", "--verify", f"{version}^{{commit}}", fine=(0, 1)
            )
            if found:
                return found
        known = ", ".join(self.releases[-5:]) or "none is released yet"
        newer = self.location == CANONICAL_URL and bundle() is not None
        hint = ": a newer fourhats brings it along, say `uv tool upgrade fourhats`" if newer else ""
        raise WrongInputError(
            f"the template {self.location} has no version '{version}' (known: {known}){hint}"
        )

    def described(self, commit: str) -> str:
        """Name a commit as copier notes it."""
        return self.git("describe", "--tags", "--always", commit)

    def newest_after(self, commit: str) -> str:
        """Return the newest version for a project made from `commit`: a release, if there is one.

        A project that is ahead of every release follows the branch that it was made from.
        """
        newest = next(reversed(self.releases), "HEAD")
        if newest != "HEAD" and self.precedes(newest, commit):
            return "HEAD" if self.precedes(commit, "HEAD") else commit
        return newest

    def precedes(self, one: str, other: str) -> bool:
        """Tell whether a version is another's ancestor, or the same."""
        return self.git.succeeds("merge-base", "--is-ancestor", one, other)

    def between(self, old: str, new: str) -> list[str]:
        """Name the releases after one commit, up to another, oldest first."""
        return [
            tag for tag in self.releases if self.precedes(tag, new) and not self.precedes(tag, old)
        ]

    def source(self, commit: str) -> TemplateSource:
        """Check out one version, for its questions."""
        folder = self.scratch / f"template-{commit}"
        if not folder.exists():
            archive = self.git.bytes("archive", "--format=tar", commit)
            # Several processes may look at one template: it comes into place in one step.
            with (
                tempfile.TemporaryDirectory(dir=self.scratch) as place,
                tarfile.open(fileobj=io.BytesIO(archive)) as files,
            ):
                files.extractall(f"{place}/whole", filter="data")
                with suppress(OSError):
                    Path(place, "whole").rename(folder)
        if not (folder / "copier.yml").is_file():
            raise WrongInputError(f"{self.location} is no template: it holds no copier.yml")
        return TemplateSource(self.location, commit, folder)

    def questionnaire(self, commit: str) -> Questionnaire:
        """Read the questions of one version."""
        return Questionnaire.read(self.source(commit).folder)

    def touched(self, old: str, new: str) -> list[str]:
        """List the template's files that can render otherwise in another version.

        Those that changed, and those that mention a file beside them that changed.
        """
        folder = self._subdirectory(new)
        start = f"{folder}/" if folder else ""
        names = self.git("diff", "--name-only", "--no-renames", "-z", old, new).split("\0")[:-1]
        found = {name for name in names if name.startswith(start)}
        for beside in (name for name in names if not name.startswith(start)):
            for commit in (old, new):
                said = self.git(
                    *("grep", "-l", "-z", "--fixed-strings", beside, commit, "--", folder or "."),
                    fine=(0, 1),
                )
                found |= {name.partition(":")[2] for name in said.split("\0")[:-1]}
        return sorted(name.removeprefix(start) for name in found)

    def files(self, commit: str) -> Listing:
        """List the template's files in one version, by their names in `touched`."""
        return listing(self.git, f"{commit}:{self._subdirectory(commit)}")

    def _subdirectory(self, commit: str) -> str:
        return str(self.questionnaire(commit).settings.get("_subdirectory", ""))

    def changelog(self, old: str, new: str) -> list[str]:
        """Return the lines of CHANGELOG.md on what came after one commit, up to another."""
        try:
            text = self.git("show", f"{new}:CHANGELOG.md")
        except GitError:
            return []
        wanted = {Version(tag) for tag in self.between(old, new)}
        lines: list[str] = []
        inside = False
        for line in text.splitlines():
            heading = re.match(r"##\s+\[?([^\]\s]+)", line)
            if heading:
                inside = _is_release(heading[1]) and Version(heading[1]) in wanted
            if inside:
                lines.append(line.rstrip())
        while lines and not lines[-1]:
            lines.pop()
        return lines


@contextmanager
def template_history(location: str) -> Iterator[TemplateHistory]:
    """Open the repository of a template; that of a URL is fetched, for as long as it is needed.

    Raises:
        WrongInputError: there is none, or it holds changes that are not committed.

    """
    with ExitStack() as stack:
        scratch = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True)
            )
        )
        if location == CANONICAL_URL:
            # What came along stands in for the host that may be out of reach.
            origin = bundle() or source_root()
            stack.enter_context(instead_of(CANONICAL_URL, origin))
            git = _cloned(str(origin), scratch) if origin.is_file() else Git(origin)
        elif is_url(location):
            git = _cloned(address(location), scratch)
            stack.enter_context(instead_of(address(location), git.folder))
        else:
            git = _local(location, scratch)
        yield TemplateHistory(location, git, scratch)


def _local(location: str, scratch: Path) -> Git:
    folder = Path(location).expanduser()
    if not location:
        raise WrongInputError(
            "the answers do not say from which template the project was made: "
            "name it with --source PATH|URL"
        )
    if not folder.is_absolute():
        raise WrongInputError(
            f"the answers name the template by a relative path ({location}), which says nothing "
            "outside the folder where it was typed: name it with --source PATH|URL"
        )
    if not folder.exists():
        raise WrongInputError(
            f"the template {location} is not there any more: say where it is with --source PATH|URL"
        )
    if folder.is_file():
        return _cloned(str(folder), scratch)
    git = Git(folder, environment=distrusting(folder))
    if not (folder / ".git").exists():
        raise WrongInputError(
            f"the template {location} is no git repository, so it has no versions: "
            "name one with --source PATH|URL"
        )
    if git("status", "--porcelain", "--untracked-files=no"):
        raise WrongInputError(
            f"the template {location} has changes that are not committed: commit them first"
        )
    return git


def _cloned(origin: str, scratch: Path) -> Git:
    folder = scratch / "history"
    try:
        Git(scratch)("clone", "--quiet", "--no-checkout", "--", origin, str(folder))
    except GitError as error:
        raise WrongInputError(f"the template cannot be fetched: {error}") from error
    return Git(folder)


def _is_release(tag: str) -> bool:
    try:
        return not Version(tag).is_prerelease
    except InvalidVersion:
        return False
