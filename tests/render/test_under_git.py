"""How git sees a project: what runs write is none of its business, and line ends are the same."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.render.tree import grow

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN_BY_RUNS = [
    *("uv.lock", "docs/model_card.md", "docs/lineage.md", "artifacts/reports/report.html"),
    *("data/warehouse.duckdb", ".venv/pyvenv.cfg"),
]


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a repository."""
    tree = grow(tmp_path_factory.mktemp("under-git") / "project", source, {})
    subprocess.run(["git", "init", "--quiet"], cwd=tree.folder, check=True)
    return tree.folder


@pytest.mark.parametrize("path", WRITTEN_BY_RUNS)
def test_what_runs_write_is_ignored(folder: Path, path: str) -> None:
    assert not (folder / path).exists()
    done = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=folder, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("path", ["README.md", "deploy/scan.sh"])
def test_line_ends_are_the_same_on_every_machine(folder: Path, path: str) -> None:
    assert (folder / path).exists()
    asked = ["git", "check-attr", "eol", "--", path]
    said = subprocess.run(asked, cwd=folder, check=True, capture_output=True, text=True)
    assert said.stdout == f"{path}: eol: lf\n"
