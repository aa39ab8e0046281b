"""A project that has run and has what a rendered one has beside; the tool of the bill is slow."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.handover import bundle

from tests.runtime.sample_project import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


@pytest.fixture
def ready(ran: Project) -> Project:
    """Give a project that can be handed over, in no git repository."""
    (ran.folder / "deploy").mkdir()
    shutil.copy(TEMPLATE / "deploy" / "tools.txt", ran.folder / "deploy")
    (ran.folder / ".gitignore").write_text(".env\n*.log\n", encoding="utf-8")
    (ran.folder / ".env.example").write_text(
        "# Comment\nWAREHOUSE_URL=postgresql://user:password@localhost/warehouse\nPSEUDONYM_KEY=\n",
        encoding="utf-8",
    )
    return ran


@pytest.fixture
def without_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tool that makes the bill of materials."""

    def bill(folder: Path, path: Path) -> int:
        del folder
        path.write_text("{}\n", encoding="utf-8")
        return 0

    monkeypatch.setattr(bundle, "write_bill", bill)
