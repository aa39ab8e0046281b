"""The exploration runs from top to bottom, and no output of it is committed."""

import json
from pathlib import Path
from typing import Any

import pytest
from fourhats_runtime import Project

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "exploration.ipynb"


def test_the_notebook_runs_and_holds_no_output(
    project: Project, line: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del line
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    shown: dict[str, Any] = {}
    for cell in code:
        exec("".join(cell["source"]), shown)  # noqa: S102 (our own notebook)
    assert len(shown["rows"]) > 0
