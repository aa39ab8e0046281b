"""Without an orchestrator: systemd takes the units as they are, and their commands run the line."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from fourhats_runtime.pipeline import STEPS

from tests.services.availability import unavailable
from tests.services.rendered import Project, command, install, render

if TYPE_CHECKING:
    from pathlib import Path

EXPOSURE = 20
"""In tenths of what systemd gives a unit: from 0, shut off, to 100."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that no orchestrator runs."""
    folder = tmp_path_factory.mktemp("timer") / "customer-churn"
    return install(render(folder, project_name="Customer churn", orchestrator="none"))


@pytest.fixture(scope="module")
def units(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's units, as if it lay where they say."""
    if shutil.which("systemd-analyze") is None:
        unavailable(FileNotFoundError("no systemd-analyze here: install Debian's systemd"))
    folder = tmp_path_factory.mktemp("units")
    for unit in (project.folder / "deploy" / "systemd").iterdir():
        text = unit.read_text().replace("/opt/customer-churn", str(project.folder))
        (folder / unit.name).write_text(text)
    return folder


def test_systemd_takes_the_units_without_a_word(units: Path) -> None:
    files = sorted(units.iterdir())
    assert [file.name for file in files] == [
        "customer-churn-failed.service",
        "customer-churn.service",
        "customer-churn.timer",
    ]
    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_line_may_do_little_else_on_the_machine(units: Path) -> None:
    subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=true",
            f"--threshold={EXPOSURE}",
            units / "customer-churn.service",
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )


def test_the_units_commands_run_the_line_and_tell_its_failure(
    project: Project, units: Path
) -> None:
    commands = started_by(units / "customer-churn.service")
    for words in commands:
        assert words[0] == str(project.program)
        command(project, *words[1:], env={"TRAINING__TRIALS": "2"})
    assert (project.folder / "artifacts" / "registry" / "champion").exists()
    ((_, *alert),) = started_by(units / "customer-churn-failed.service")
    assert "ALERT firing step:line" in command(project, *alert).stderr
    cleared = command(project, "monitor")
    assert "ALERT resolved step:line" in cleared.stderr


def test_timer_and_workflow_run_the_same_steps(project: Project, units: Path) -> None:
    (job,) = yaml.safe_load((project.folder / ".github/workflows/line.yml").read_text())[
        "jobs"
    ].values()
    steps = [words[1] for words in started_by(units / "customer-churn.service")]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert scripts[1:-1] == [f"uv run customer-churn {step}" for step in steps]
    assert steps == list(STEPS)


def started_by(unit: Path) -> list[list[str]]:
    """Return the commands of a unit, in order."""
    lines = re.findall(r"(?m)^ExecStart=(.*)$", unit.read_text())
    return [shlex.split(line) for line in lines]
