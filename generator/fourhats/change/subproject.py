"""A project that was made here before: its folder in a git repository, and its answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fourhats.errors import WrongInputError
from fourhats.git import Git, GitError
from fourhats.source import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Collection

_OLDEST_GIT = (2, 38)
_MOST_NAMED = 3


@dataclass(frozen=True)
class Subproject:
    """A project under version control."""

    name: str
    """As its folder was typed, or is called."""
    path: Path
    git: Git
    prefix: str
    """Where it lies in its repository: empty, or ends in a slash."""
    git_folder: Path
    objects: Path
    head: str
    """The commit that is checked out; empty where there is none yet."""
    tree: str
    """What that commit holds of the project."""
    recorded: dict[str, Any]
    """Everything in its answers file."""

    @classmethod
    def opened(cls, typed: str) -> Subproject:
        """Find a project and its answers.

        Raises:
            WrongInputError: there is none, or git does not know it.

        """
        path = _folder(typed, "name the folder of a project")
        return cls._in_repository(typed, path.resolve(), recorded_answers(typed, path))

    @classmethod
    def to_be(cls, typed: str) -> Subproject:
        """Find a folder in a repository that is to become a project.

        Raises:
            WrongInputError: there is none, or git does not know it.

        """
        path = _folder(typed, "name one, or start with `fourhats new`")
        return cls._in_repository(typed, path.resolve(), {})

    @classmethod
    def _in_repository(cls, typed: str, path: Path, recorded: dict[str, Any]) -> Subproject:
        git = Git(path)
        version = _git_version()
        numbers = tuple(int(part) for part in version.split()[2].split(".")[:2])
        if numbers < _OLDEST_GIT:
            raise WrongInputError(f"git 2.38 or newer is needed to merge; this is {version}")
        asked = ("--show-object-format", "--show-prefix", "--absolute-git-dir")
        try:
            kind, prefix, git_folder, objects = git(
                "rev-parse", *asked, "--git-path", "objects"
            ).split("\n")
        except GitError as error:
            if "not a git repository" in error.reason:
                raise WrongInputError(
                    f"{typed} is in no git repository, which is needed so that nothing can be "
                    f"lost: git init {typed}, then commit it"
                ) from error
            raise WrongInputError(f"git does not open {typed}: {error.reason}") from error
        except ValueError as error:
            raise WrongInputError(f"git cannot say where {typed} lies: is it a .git?") from error
        if kind != "sha1":
            raise WrongInputError(
                f"the repository of {typed} names its objects by {kind}, which fourhats cannot "
                "merge in yet: a repository made by `git init --object-format=sha1` does"
            )
        head = git("rev-parse", "--quiet", "--verify", "HEAD^{commit}", fine=(0, 1))
        tree = head and git("rev-parse", "--quiet", "--verify", f"HEAD:{prefix}", fine=(0, 1, 128))
        if recorded and not head:
            raise WrongInputError(f"{typed} has no commit yet: commit it first")
        if not tree:
            if prefix and git.succeeds("check-ignore", "--quiet", "."):
                raise WrongInputError(
                    f"the git repository around {typed} ignores it, so it holds no version of it: "
                    f"take it out of .gitignore, or give {typed} a repository of its own"
                )
            if recorded:
                raise WrongInputError(f"{typed} is not committed: commit it first")
            tree = git("hash-object", "-t", "tree", os.devnull)
        name = typed if Path(typed).name else path.name
        return cls(
            *(name, path, git, prefix, Path(git_folder), (path / objects).resolve()),
            *(head, tree, recorded),
        )

    @property
    def answers(self) -> dict[str, Any]:
        """What was answered, without what copier noted about itself."""
        return {name: value for name, value in self.recorded.items() if name[:1] != "_"}

    @property
    def source(self) -> str:
        """The template that it was made from: a URL or an absolute path."""
        return str(self.recorded.get("_src_path", ""))

    @property
    def version(self) -> str:
        """The version of the template that it was made from."""
        return str(self.recorded.get("_commit", ""))

    def earlier_answers(self, names: Collection[str]) -> dict[str, Any]:
        """Find the last answers to questions that later ones had made pointless."""
        found: dict[str, Any] = {}
        wanted = set(names)
        commits = self.git("log", "--format=%H", "--", ANSWERS_FILE).split() if wanted else []
        for commit in commits:
            content = yaml.safe_load(self.git("show", f"{commit}:./{ANSWERS_FILE}", fine=(0, 128)))
            if isinstance(content, dict):
                found |= {name: content[name] for name in wanted - found.keys() if name in content}
            if wanted == found.keys():
                break
        return found

    def changed_answers(self) -> list[str]:
        """Name the answers that are not those of the project's first commit."""
        added = self.git("log", "--diff-filter=A", "--format=%H", "--", ANSWERS_FILE).split()
        if not added:
            return []
        first = yaml.safe_load(self.git("show", f"{added[-1]}:./{ANSWERS_FILE}"))
        if not isinstance(first, dict):
            return []
        return sorted(
            name for name in first if name[:1] != "_" and first[name] != self.answers.get(name)
        )

    def changes(self) -> list[str]:
        """Name what is not committed."""
        said = self.git("status", "--porcelain", "-z", "--untracked-files=all", "--", ".")
        fields = said.split("\0")[:-1]
        names = []
        while fields:
            line = fields.pop(0)
            names.append(line[3:])
            if "R" in line[:2] or "C" in line[:2]:
                fields.pop(0)
        return [name.removeprefix(self.prefix) for name in names]

    def check_new(self) -> None:
        """Refuse what is a project already.

        Raises:
            WrongInputError: it has answers.

        """
        if (self.path / ANSWERS_FILE).exists():
            raise WrongInputError(
                f"{self.name} is a project already: `fourhats update` keeps it so"
            )

    def check_clean(self) -> None:
        """Refuse a project with changes that are not committed.

        Raises:
            WrongInputError: there are some.

        """
        changes = self.changes()
        if changes:
            named = ", ".join(changes[:_MOST_NAMED])
            if len(changes) > _MOST_NAMED:
                named += f" and {len(changes) - _MOST_NAMED} more"
            raise WrongInputError(
                f"{self.name} has changes that are not committed: commit or stash them first "
                f"({named})"
            )


def _folder(typed: str, hint: str) -> Path:
    path = Path(typed).expanduser().absolute()
    if not path.is_dir():
        raise WrongInputError(f"{typed} is no folder: {hint}")
    return path


@cache
def _git_version() -> str:
    return Git(Path.cwd())("version")


def recorded_answers(typed: str, path: Path) -> dict[str, Any]:
    """Read the answers file of a project.

    Raises:
        WrongInputError: there is none, or it cannot be read.

    """
    file = path / ANSWERS_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongInputError(
            f"{typed} holds no {ANSWERS_FILE}, so it is no project of a template: "
            f"`fourhats adopt {typed}` makes it one"
        ) from error
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is no valid YAML"
        raise WrongInputError(
            f"{os.path.join(typed, ANSWERS_FILE)} cannot be read ({reason}): "  # noqa: PTH118
            "bring it back from git: git log -- .copier-answers.yml"
        ) from error
    if not isinstance(content, dict):
        raise WrongInputError(f"{typed}/{ANSWERS_FILE} holds no answers: bring it back from git")
    return {str(name): value for name, value in content.items()}
