"""A repository in which releases are made: our files as they stand, without our history."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.services.rendered import CACHES, ROOT, project_env

# What a wheel is built from, and what the release command reads.
PARTS = (
    *(".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "constraints.txt", "copier.yml"),
    *("generator", "hatch_build.py", "includes", "pyproject.toml", "questions", "release"),
    "template",
)
IDENTITY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "x",
    "GIT_AUTHOR_EMAIL": "x@example.com",
    "GIT_COMMITTER_NAME": "x",
    "GIT_COMMITTER_EMAIL": "x@example.com",
}


@dataclass(frozen=True)
class Repository:
    """A clone of ours on a person's machine."""

    folder: Path

    @property
    def dist(self) -> Path:
        """Where the release command leaves what is to be published."""
        return self.folder / "dist"

    def git(self, *arguments: str) -> str:
        """Run git, and return what it says."""
        return _checked(self.run("git", *arguments))

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)

    def has_news(self, line: str) -> None:
        """Add a line under Unreleased."""
        changelog = self.folder / "CHANGELOG.md"
        begin, heading, rest = changelog.read_text().partition("## [Unreleased]\n")
        changelog.write_text(f"{begin}{heading}\n### Added\n\n- {line}\n{rest}")

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        """Run the release command."""
        return self.run(sys.executable, "release/release.py", version)

    def start_release(self, version: str) -> subprocess.Popen[str]:
        """Start the release command, as from a terminal."""
        # What starts in the background of a shell, as a CI's tests may, is deaf to Ctrl-C.
        hearing = ("env", "--default-signal=INT")
        return subprocess.Popen(
            [*hearing, sys.executable, "release/release.py", version],
            cwd=self.folder,
            env=project_env(IDENTITY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def released(self, version: str) -> Path:
        """Release a version, and return its wheel."""
        _checked(self.release(version))
        (wheel,) = self.dist.glob(f"fourhats-{version}-*.whl")
        return wheel

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Build it without the release command."""
        return self.run("uv", "build", *options)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run any command in it."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=project_env(IDENTITY),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def repository(folder: Path) -> Repository:
    """Start a repository with one commit: what stands here, changes that are not committed too."""
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=CACHES, symlinks=True)
        else:
            shutil.copy(ROOT / name, folder)
    ours = Repository(folder)
    ours.git("init", "--quiet", "--initial-branch", "main")
    ours.commit("As it stands")
    return ours


def _checked(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
