"""Files that their user moved, or made a link of: an update follows, and names what is there."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.update.commands import Said, fourhats, state
from tests.update.small_template import DEFAULTS
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop


@pytest.fixture
def project(workshop: Workshop[SmallTemplate]) -> Iterator[Path]:
    """Give a project whose template then moves, changes and moves again."""
    workshop.template.release({"renamed_and_changed", "renamed_folder", "changed_hunk"})
    folder, _ = workshop.start(DEFAULTS)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def only_names_what_there_is(project: Path, said: Said) -> None:
    """See that each file named exists, and that each piece of advice can be followed."""
    assert "~" not in said.out
    _, _, advice = said.out.partition("To resolve:")
    for line in advice.partition("Next:")[0].splitlines():
        path, _, hint = line.strip().partition(": ")
        if not path:
            continue
        assert (project / path).exists(), line
        if "--theirs" in hint:
            subprocess.run(["git", "checkout", "--theirs", path], cwd=project, check=True)


def test_a_folder_that_both_moved_is_where_its_user_moved_it(project: Path) -> None:
    git(project, "mv", "lib", "mine")
    git(project, "mv", "loader.py", "mine/loader.py")
    commit(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert not state(project).unmerged
    assert sorted(path.name for path in (project / "mine").iterdir()) == [
        *("loader.py", "one.py", "two.py")
    ]
    for name in ("library", "lib", "loader.py", "reader.py"):
        assert not (project / name).exists()
    came = git(project, "diff", "--staged", "--", "mine/loader.py")
    assert "+" in came
    only_names_what_there_is(project, said)


def test_a_file_that_its_user_made_a_link_of_stays_one(project: Path) -> None:
    (project / "README.md").unlink()
    (project / "README.md").symlink_to("app.py")
    commit(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert (project / "README.md").is_symlink()
    assert said.names("README.md")
    assert "Yours, left alone" in said.out
    only_names_what_there_is(project, said)


def test_both_moved_it_and_changed_the_same_line(project: Path) -> None:
    git(project, "mv", "loader.py", "mine.py")
    text = (project / "mine.py").read_text().splitlines(keepends=True)
    (project / "mine.py").write_text("".join("I say\n" for _ in text[:3]) + "".join(text[3:]))
    (project / "README.md").unlink()
    commit(project)
    said = fourhats("update", project, "--yes")
    assert not (project / "reader.py").exists()
    assert "I say" in (project / "mine.py").read_text()
    only_names_what_there_is(project, said)
