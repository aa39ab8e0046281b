"""The project's own files: as git's last commit has them, or as git would take them."""

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fourhats_runtime.errors import ProjectError

PATIENCE = 120  # seconds that git has to answer
IN_HEAD = ("rev-parse", "--verify", "--quiet", "HEAD:./config/contract.toml")
NEVER = (".env", ".venv/", "/artifacts/")
"""Of no project's sources, whether or not there is a `.gitignore` that says so."""


@dataclass(frozen=True)
class Sources:
    """Which files were taken: those of a commit, or those of the folder."""

    commit: str | None
    uncommitted: tuple[str, ...] = ()
    """Files of which the commit has another text, or none."""

    @property
    def in_words(self) -> str:
        """Say which files they are, and what is not among them."""
        if self.commit is None:
            return (
                "The folder is in no git repository: the files are those of this day, but what "
                "`.gitignore` names."
            )
        said = f"The files are those of the commit `{self.commit}`."
        if self.uncommitted:
            names = ", ".join(f"`{name}`" for name in self.uncommitted)
            said += f" What was not committed is left out: {names}."
        return said


def take(folder: Path, target: Path, but: Sequence[Path]) -> Sources:
    """Write the project's own files into `target`, `but` some; gives which they are.

    Raises:
        ProjectError: git is not there, or cannot read its own repository.

    """
    if _try(folder, *IN_HEAD) is None:
        _copy(folder, target, but)
        return Sources(None)
    archive = _git(folder, "archive", "--format=tar", "HEAD", ".")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(target, filter="data")
    except tarfile.FilterError as error:
        raise ProjectError(f"a file of the commit leads out of the project: {error}") from None
    status = _git(folder, "status", "--porcelain", "-z", "--no-renames", "--", ".").decode()
    top = _git(folder, "rev-parse", "--show-prefix").decode().strip()
    changed = (line[3:].removeprefix(top) for line in status.split("\0") if line)
    return Sources(_git(folder, "rev-parse", "HEAD").decode().strip(), tuple(changed))


def setting(folder: Path, name: str) -> str:
    """Give a setting of git; empty where it is not set, or git is not there."""
    return (_try(folder, "config", "--get", name) or b"").decode().strip()


def _copy(folder: Path, target: Path, but: Sequence[Path]) -> None:
    """Copy what git would take: it knows best what a `.gitignore` means."""
    with tempfile.TemporaryDirectory() as place:
        repository = Path(place) / "none.git"
        _git(folder, "init", "--quiet", "--bare", str(repository))
        around = (f"--git-dir={repository}", f"--work-tree={folder}", "-c", "core.excludesFile=")
        never = [f"--exclude={pattern}" for pattern in NEVER]
        listed = _git(folder, *around, "ls-files", "--others", "--exclude-standard", *never, "-z")
    for name in filter(None, map(os.fsdecode, listed.split(b"\0"))):
        source = folder / name
        if any(source.is_relative_to(other) for other in but):
            continue
        if source.is_file() and source.resolve().is_relative_to(folder):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(source.read_bytes())
            (target / name).chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _git(folder: Path, *words: str) -> bytes:
    try:
        return _asked(folder, words).stdout
    except FileNotFoundError:
        raise ProjectError("git is not there: install it, then hand over") from None
    except subprocess.TimeoutExpired:
        raise ProjectError(f"git {words[0]} has not answered within {PATIENCE} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise ProjectError(f"git {words[0]}: {said[-1] if said else 'failed'}") from None


def _try(folder: Path, *words: str) -> bytes | None:
    try:
        return _asked(folder, words).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _asked(folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 (words of ours)
        ["git", *words],  # noqa: S607 (where it is, the machine knows)
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE,
    )
