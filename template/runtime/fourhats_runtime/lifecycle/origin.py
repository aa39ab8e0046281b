"""Which code and which libraries a model comes of: what machine and git tell."""

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

NOTE = "provenance"
LIBRARIES = (
    "bm25s",
    "fourhats-runtime",
    "keras",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "optuna",
    "pandas",
    "polars",
    "scikit-learn",
    "skl2onnx",
    "tensorflow",
    "tensorflow-cpu",
    "tf2onnx",
    "tokenizers",
    "torch",
    "usearch",
)
CODE = ("config", "sql", "src", "runtime", "pyproject.toml", "constraints.txt")
"""What decides which model comes out; what a run writes, such as docs/model_card.md, does not."""
PATIENCE = 10  # seconds that git has to answer


class Commit(TypedDict):
    """A commit of git, and whether the code was as it has it."""

    commit: str
    clean: bool


def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that make a model what it is."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code(folder: Path) -> dict[str, str]:
    """Give a digest of each file of a project's own that decides which model comes out, by path.

    Empty where the project is installed without them, as in an image.
    """
    files = [*folder.glob("src/*/**/*.py"), *folder.glob("sql/**/*.sql")]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(files)
    }


def commit(folder: Path) -> Commit | None:
    """Give the commit of a project's folder; None where git does not know the folder."""
    if _git(folder, "ls-files", "--error-unmatch", "config/contract.toml") is None:
        return None
    head = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--", *CODE)
    return None if head is None else Commit(commit=head, clean=changed == "")


def in_git(found: Commit | None) -> str:
    """Say which code it was."""
    if found is None:
        return "not in git"
    return f"commit {found['commit']}{'' if found['clean'] else ', with changes'}"


def _git(folder: Path, *words: str) -> str | None:
    """Ask git; None where it has no answer, or is not there."""
    try:
        done = subprocess.run(  # noqa: S603 (words of ours)
            ["git", *words],  # noqa: S607 (where it is, the machine knows)
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
