"""The answers file is rendered anew: what a person wrote into it is kept, a tool's note is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.update.commands import fourhats, render, start
from tests.update.small_template import DEFAULTS, SmallTemplate
from tests.update.template import commit

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS_FILE = ".copier-answers.yml"


@pytest.fixture
def project(template: SmallTemplate, tmp_path: Path) -> Path:
    """A project of the first version, of which there is a second one."""
    template.release(["changed_hunk"])
    render(template.folder, "v1.0.0", DEFAULTS, tmp_path / "rendered")
    return start(tmp_path / "rendered", tmp_path / "project")


def test_the_mark_that_renovate_left_goes_with_the_update(project: Path) -> None:
    answers = project / ANSWERS_FILE
    # Its copier manager puts the mark after an empty line, and no line end after it.
    answers.write_text(answers.read_text() + "\n#copier updated")
    commit(project)
    assert fourhats("update", project, "--yes").code == 0
    assert "_commit: v2.0.0" in answers.read_text()
    assert "#copier updated" not in answers.read_text()
    assert not list(project.glob("*.kept"))


def test_what_somebody_wrote_into_the_answers_is_kept(project: Path) -> None:
    answers = project / ANSWERS_FILE
    mine = answers.read_text() + "# the client wanted it so\n"
    answers.write_text(mine)
    commit(project)
    said = fourhats("update", project, "--yes")
    kept = project / f"{ANSWERS_FILE}.kept"
    assert said.names(kept.name)
    assert kept.read_text() == mine
