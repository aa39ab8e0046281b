"""A step that is killed and run again leaves what it leaves if it is not, and no litter."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fourhats_runtime.pipeline import STEPS, run_step

from tests.runtime.sample_project import sample_project

KILLS = int(os.environ.get("KILLS", "12"))
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep a project as it was before each step of its line."""
    folder = tmp_path_factory.mktemp("states")
    project = sample_project(folder / "line")
    for step in STEPS:
        project.artifacts.mkdir(exist_ok=True)
        shutil.copytree(project.folder, folder / step)
        run_step(step, project)
    return folder


def test_killed_at_any_moment_and_run_again_a_step_leaves_what_it_leaves_without(
    states: Path,
) -> None:
    seed = random.randrange(10**6)
    print(f"seed: {seed}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.runtime.killed", str(states), str(KILLS), str(seed)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr[-4000:])
    assert done.returncode == 0
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(kills) == KILLS
    assert not [kill for kill in kills if kill["wrong"] or kill["again"]]
    assert sum(kill["code"] < 0 for kill in kills) >= KILLS // 2
