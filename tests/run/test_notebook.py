"""The notebook is run by a real Jupyter kernel, and shows what the page shows."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.services.rendered import command, project_env

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.rendered import Project

KERNEL = ("nbclient", "ipykernel")
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("notebooks/exploration.ipynb", as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def test_a_jupyter_kernel_runs_the_notebook(default_project: Project, tmp_path: Path) -> None:
    ran = tmp_path / "ran.ipynb"
    with_kernel = [word for name in KERNEL for word in ("--with", name)]
    done = subprocess.run(
        ["uv", "run", "--no-sync", *with_kernel, "python", "-c", RUN, ran],
        cwd=default_project.folder,
        env=project_env({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cells = json.loads(ran.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    shown = "".join(outputs[0]["data"]["text/html"])
    text = command(default_project, "explore", "--markdown").stdout
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert len(titles) > 5
    assert [title for title in titles if f"<h2>{title}</h2>" not in shown] == []
    assert 'src="data:image/png;base64,' in shown
