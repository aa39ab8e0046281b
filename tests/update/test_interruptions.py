"""Whatever interrupts an update, and whenever: the project is in the old state or in the new."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.update import edits
from tests.update.commands import State, fourhats, render, start, state
from tests.update.edits import Edit, edited
from tests.update.small_template import DEFAULTS, SmallTemplate
from tests.update.snapshot import differences, write
from tests.update.template import commit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RUNS = max(20, int(os.environ.get("KILLS", "20")))

CHANGES = {
    *("changed_hunk", "renamed_and_changed", "deleted", "file_became_folder", "made_executable"),
    *("added", "deleted_folder"),
}
EDITS = [
    Edit(edits.change, ("README.md", 4, 1)),  # a conflict
    Edit(edits.insert, ("loader.py", 2, 1)),  # moves on with its file
    Edit(edits.insert, ("legacy.py", 2, 1)),  # is kept
    Edit(edits.add, ("mine.py", b"MARK\n")),
]


@dataclass(frozen=True)
class Scene:
    """A project before and after its update."""

    project: Path
    """To be copied, not to be changed."""
    before: State
    after: State
    steps: int
    """In how many steps the update changes it."""


@pytest.fixture(scope="module")
def scene(template: SmallTemplate, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A project whose update adds, changes, moves, keeps, removes and conflicts."""
    folder = tmp_path_factory.mktemp("interrupted")
    template.release(CHANGES)
    tree = render(template.folder, "v1.0.0", DEFAULTS, folder / "rendered")
    project = start(folder / "rendered", folder / "project")
    write(edited(tree, EDITS), project)
    commit(project)
    updated = folder / "updated"
    shutil.copytree(project, updated, symlinks=True)
    done = run_interrupted("SIGTERM", 0, updated)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    return Scene(project, state(project), state(updated), int(done.stdout.split()[-1]))


@pytest.fixture
def project(scene: Scene, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the project, with the name that it had."""
    place = tmp_path / scene.project.name
    shutil.copytree(scene.project, place, symlinks=True)
    yield place
    shutil.rmtree(place)


def run_interrupted(number: str, step: int, project: Path) -> subprocess.CompletedProcess[str]:
    """Update a project, with a signal at one of the steps."""
    program = [sys.executable, "-m", "tests.update.interrupted"]
    return subprocess.run(
        [*program, number, str(step), project, "update", str(project), "--yes"],
        cwd=ROOT,
        # Byte code that is written on a first run would be steps that the next one has not.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def some_steps(scene: Scene, count: int) -> list[int]:
    """Choose steps all over the update, others at each run of the tests."""
    print(f"seed: {(seed := random.randrange(10**6))}")
    chance = random.Random(seed)
    size = scene.steps / count
    return [int((run + chance.random()) * size) + 1 for run in range(count)]


def apart(one: State, other: State) -> str:
    """Say in what two states differ: files, index, branch, or what lies about in .git."""
    return "\n".join(
        [
            differences(one.files, other.files),
            "" if one.index == other.index else f"index: {one.index}\n{other.index}",
            "" if one.head == other.head else f"branch: {one.head} {other.head}",
            " ".join(leftovers(one) ^ leftovers(other)),
        ]
    ).strip()


def leftovers(project: State) -> set[str]:
    """Name what is in .git, but for what git keeps there of its own accord."""
    own = ("logs", "refs", "ORIG_HEAD", "FETCH_HEAD")
    return {name for name in project.repository if not name.startswith(own)}


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_leaves_the_old_state_or_the_new(scene: Scene, project: Path, number: str) -> None:
    ends = set()
    for step in some_steps(scene, RUNS // 2):
        done = run_interrupted(number, step, project)
        assert "Traceback" not in done.stderr, (step, done.stderr)
        found = state(project)
        ends.add(found.files == scene.before.files)
        if found.files == scene.before.files:
            assert not apart(scene.before, found), step
            assert done.returncode == 128 + signal.Signals[number], step
        else:
            assert not apart(scene.after, found), step
        reset(scene, project)
    assert ends == {True, False}


def test_after_a_power_cut_the_next_update_finishes_the_work(scene: Scene, project: Path) -> None:
    killed = 0
    for step in some_steps(scene, RUNS):
        done = run_interrupted("SIGKILL", step, project)
        if done.returncode == 1:  # it waited for git in fewer steps, and was through before
            assert not apart(scene.after, state(project)), step
        else:
            assert done.returncode == -signal.SIGKILL, step
            finish(scene, project, step)
            killed += 1
        reset(scene, project)
    assert killed >= RUNS - 1


def test_a_power_cut_while_a_power_cut_is_mended_is_mended_too(scene: Scene, project: Path) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed: {seed}")
    for _ in range(RUNS // 4):
        steps = [chance.randint(1, scene.steps), chance.randint(1, scene.steps)]
        for step in steps:
            run_interrupted("SIGKILL", step, project)
        finish(scene, project, *steps)
        reset(scene, project)


def test_a_process_that_is_killed_at_any_time_loses_nothing(scene: Scene, project: Path) -> None:
    command = [sys.executable, "-m", "fourhats.cli", "update", str(project), "--yes"]
    began = time.monotonic()
    subprocess.run(command, capture_output=True, check=False)
    lasts = time.monotonic() - began
    reset(scene, project)
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed: {seed}")
    for _ in range(RUNS // 4):
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            time.sleep(lasts * chance.uniform(0.3, 1))
            # The power fails for git, too.
            os.killpg(process.pid, signal.SIGKILL)
        finish(scene, project)
        reset(scene, project)


def test_what_was_edited_after_a_power_cut_is_not_overwritten(scene: Scene, project: Path) -> None:
    for step in some_steps(scene, RUNS // 2)[-3:]:
        run_interrupted("SIGKILL", step, project)
        (project / "README.md").write_text("written in the half-updated project\n")
        said = fourhats("update", project, "--yes")
        assert said.code in {1, 2}
        assert "README.md" in said.err
        assert (project / "README.md").read_text() == "written in the half-updated project\n"
        reset(scene, project)


def test_where_another_git_command_is_at_work_nothing_changes(scene: Scene, project: Path) -> None:
    lock = project / ".git" / "index.lock"
    lock.write_bytes(b"another's")
    said = fourhats("update", project, "--yes")
    assert said.code == 1
    assert "index.lock" in said.err
    assert lock.read_bytes() == b"another's"
    lock.unlink()
    assert not apart(scene.before, state(project))


def finish(scene: Scene, project: Path, *steps: int) -> None:
    """Update again, and see the whole update and nothing else."""
    said = fourhats("update", project, "--yes")
    found = state(project)
    if said.code == 2:
        # It was put in place as a whole before the cut.
        assert "not committed" in said.err, (steps, said.err)
    else:
        assert said.code == 1, (steps, said.err)
    assert not apart(scene.after, found), steps


def reset(scene: Scene, project: Path) -> None:
    """Put the project back as it was."""
    shutil.rmtree(project)
    shutil.copytree(scene.project, project, symlinks=True)
