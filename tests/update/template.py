"""A template's repository: versions with real commits and tags."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.update.snapshot import Tree, write

if TYPE_CHECKING:
    from pathlib import Path

GIT_SETTINGS = (
    *("-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null", "-c", "core.safecrlf=false"),
    *("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false"),
)


@dataclass
class Template:
    """A template under git; what comes after its first version, 1.0.0, can be made anew."""

    folder: Path

    def begin(self, tree: Tree) -> None:
        """Make the repository, with its first version."""
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "--quiet", "--initial-branch", "main")
        self._tag(tree, "v1.0.0")

    def publish(self, *trees: Tree) -> None:
        """Make 2.0.0, 3.0.0 …, and forget what else came after the first version."""
        git(self.folder, "checkout", "--quiet", "--force", "-B", "main", "v1.0.0")
        later = set(git(self.folder, "tag").split()) - {"v1.0.0"}
        if later:
            git(self.folder, "tag", "--delete", *later)
        for number, tree in enumerate(trees, 2):
            self._tag(tree, f"v{number}.0.0")

    def _tag(self, tree: Tree, version: str) -> None:
        write(tree, self.folder)
        commit(self.folder)
        git(self.folder, "tag", version)


def git(folder: Path, *command: str) -> str:
    """Run git in a folder; return what it prints. Raises AssertionError if it fails."""
    done = subprocess.run(
        ["git", *GIT_SETTINGS, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(command)}: {done.stderr}"
    return done.stdout


def commit(folder: Path, message: str = "Work") -> None:
    """Commit everything that git does not ignore."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)
