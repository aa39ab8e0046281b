"""The command line as a person runs it: in a folder of their own, with nothing configured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.rendered import CACHES

BIN = Path(sys.executable).parent


@dataclass
class Result:
    """What a command left on the screen."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """A folder to run commands in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def fourhats(self, *arguments: str | bytes, input_text: str = "") -> Result:
        """Run `fourhats` without a terminal."""
        return self.run(str(BIN / "fourhats"), *arguments, input_text=input_text)

    def run(self, *command: str | bytes, input_text: str = "") -> Result:
        """Run any command."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=input_text,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def git(self, *arguments: str) -> str:
        """Run git, and return what it says."""
        done = self.run("git", *arguments)
        assert done.code == 0, done.err
        return done.out.strip()

    def refused(self, *arguments: str | bytes) -> str:
        """Run `fourhats`, expect one clear line and an untouched folder; return the line."""
        before = self.listing()
        done = self.fourhats(*arguments)
        assert done.code == 2, (done.out, done.err)
        lines = [line for line in done.err.splitlines() if not line.startswith("note:")]
        assert len(lines) == 1, done.err
        assert lines[0].startswith("fourhats: ")
        assert done.out == ""
        assert self.listing() == before
        return lines[0].removeprefix("fourhats: ")

    def listing(self) -> list[str]:
        """Name everything in the folder, hidden files included."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


def copy_template(source: Path, place: Path) -> Path:
    """Copy the template's own files, and return where they are."""
    shutil.copy(source / "copier.yml", place)
    for name in ("questions", "includes", "template"):
        shutil.copytree(source / name, place / name, ignore=CACHES, symlinks=True)
    return place
