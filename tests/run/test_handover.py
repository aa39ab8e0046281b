"""From the zip alone, in an empty folder: what START.md says ends in the champion's prediction."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx

from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import command, example_record, project_env, serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.rendered import Project


READER = """
import sys
from pypdf import PdfReader
for path in sys.argv[1:]:
    for page in PdfReader(path).pages:
        print(page.extract_text())
"""


def test_the_zip_alone_answers_as_start_md_says(default_project: Project, tmp_path: Path) -> None:
    accepted = command(default_project, "accept", "--json", check=False)
    assert accepted.returncode == 1  # its rows are made up
    assert "criteria are open (not measured: value)" in accepted.stderr
    criteria = {each["name"]: each for each in json.loads(accepted.stdout)["criteria"]}
    assert {name for name, each in criteria.items() if each["state"] == "met"} == {
        "latency",
        "available",
        "rows",
        "age",
        "retraced",
    }
    assert (
        criteria["latency"]["low"] <= criteria["latency"]["figure"] <= criteria["latency"]["high"]
    )
    command(default_project, "status", "--final")
    done = command(default_project, "handover", "--out", str(tmp_path / "out" / "handover"))
    assert "no secret is in them" in done.stdout
    shutil.unpack_archive(tmp_path / "out" / "handover.zip", tmp_path / "there")
    (tmp_path / "out").rename(tmp_path / "gone")
    folder = tmp_path / "there" / "customer-churn-handover"
    printed = _plain(_text(folder / "acceptance.pdf", folder / "exit_report.pdf"))
    for each in criteria.values():
        assert printed.count(_plain(each["measured"])) >= 2, each["name"]
    assert printed.count(_plain("Place, date")) == 4  # both sides sign both
    assert _plain("The champion was judged on made-up rows") in printed
    start = (folder / "START.md").read_text(encoding="utf-8")
    prepare, serving, asking = re.findall(r"```sh\n(.*?)```", start, re.DOTALL)
    env = project_env({})
    subprocess.run(["sh", "-ec", prepare], check=True, cwd=folder, env=env, timeout=300)
    port = free_port()
    with started(
        ["sh", "-ec", f"{serving.strip()} --port {port}"],
        log=tmp_path / "serve.log",
        cwd=folder / "project",
        env=env,
    ) as server:
        wait_for(f"http://127.0.0.1:{port}/ready", timeout=60, still_there=server.running)
        asked = subprocess.run(
            ["sh", "-ec", asking.replace(":8000", f":{port}")],
            check=True,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
        )
    (answer,) = json.loads(asked.stdout)["predictions"]
    with serve(default_project) as url:
        (theirs,) = httpx.post(f"{url}/predict", json=[example_record(default_project)]).json()[
            "predictions"
        ]
    for said in (answer, theirs):
        said.pop("prediction_id", None)
    assert answer == theirs


def _text(*documents: Path) -> str:
    """Read PDFs by another library than the one that wrote them."""
    run = ["uv", "run", "--no-project", "--with", "pypdf==7.1.1", "python", "-c", READER]
    done = subprocess.run(
        [*run, *documents], check=True, capture_output=True, text=True, env=project_env({})
    )
    return done.stdout


def _plain(text: str) -> str:
    """Leave out white space: a line may end anywhere."""
    return re.sub(r"\s+", "", text)
