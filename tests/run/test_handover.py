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


def test_the_zip_alone_answers_as_start_md_says(default_project: Project, tmp_path: Path) -> None:
    done = command(default_project, "handover", "--out", str(tmp_path / "out" / "handover"))
    assert "no secret is in them" in done.stdout
    shutil.unpack_archive(tmp_path / "out" / "handover.zip", tmp_path / "there")
    (tmp_path / "out").rename(tmp_path / "gone")
    folder = tmp_path / "there" / "customer-churn-handover"
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
