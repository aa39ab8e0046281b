"""What its user does while an update is shown or applied is seen or refused, never lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from fourhats.change import apply as applying
from fourhats.change import review

from tests.update.commands import Said, fourhats, state
from tests.update.small_template import DEFAULTS
from tests.update.snapshot import differences
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop

MINE = "written meanwhile\n"


@pytest.fixture
def project(workshop: Workshop[SmallTemplate]) -> Iterator[Path]:
    """Give a project whose update changes README.md and adds added.md, removes legacy.py."""
    workshop.template.release({"changed_hunk", "added", "deleted", "deleted_folder"})
    folder, _ = workshop.start(DEFAULTS)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Do something while "Apply this?" is on the screen; the answer is yes."""

    def arrange(work: Callable[[], None]) -> None:
        def agreed() -> bool:
            work()
            return True

        monkeypatch.setattr(review, "_agreed", agreed)

    return arrange


def refused(project: Path, said: Said, *names: str) -> None:
    """See one line that names the files, and nothing else done than what its user did."""
    assert said.code in {1, 2}, said
    (line,) = said.err.splitlines()
    assert all(name in line for name in names), line
    assert "FOUR" not in (project / "README.md").read_text()
    left = {path.name for path in (project / ".git").iterdir()}
    assert not {name for name in left if name.startswith("fourhats") or name == "index.lock"}


@pytest.mark.parametrize(
    ("path", "staged"),
    [
        *(("README.md", False), ("legacy.py", False), ("added.md", False)),
        *(("new.txt", False), ("loader.py", True)),
    ],
)
def test_a_file_saved_while_the_question_stands(
    project: Path, during: Callable[[Callable[[], None]], None], path: str, *, staged: bool
) -> None:
    before = state(project)

    def save() -> None:
        (project / path).write_text(MINE)
        if staged:
            git(project, "add", path)

    during(save)
    refused(project, fourhats("update", project), path)
    assert (project / path).read_text() == MINE
    (project / path).unlink()
    git(project, "reset", "--quiet", "--hard")
    assert not differences(before.files, state(project).files)


def test_a_file_saved_while_set_asks(
    project: Path, during: Callable[[Callable[[], None]], None]
) -> None:
    def save() -> None:
        (project / "README.md").write_text(MINE)

    during(save)
    refused(project, fourhats("set", project, "title=Large"), "README.md")
    assert (project / "README.md").read_text() == MINE


def test_a_commit_made_while_the_question_stands(
    project: Path, during: Callable[[Callable[[], None]], None]
) -> None:
    def save() -> None:
        (project / "README.md").write_text(MINE)
        commit(project)

    during(save)
    refused(project, fourhats("update", project), "another commit")
    assert (project / "README.md").read_text() == MINE


@pytest.mark.parametrize(
    ("mark", "path", "argument"),
    [
        ("--skip-worktree", "README.md", "--yes"),
        ("--assume-unchanged", "legacy.py", "--yes"),
        ("--assume-unchanged", "README.md", "--dry-run"),
    ],
)
def test_an_edit_that_git_was_told_not_to_see(
    project: Path, mark: str, path: str, argument: str
) -> None:
    (project / path).write_text(MINE)
    git(project, "update-index", mark, path)
    before = state(project)
    refused(project, fourhats("update", project, argument), path, f"--no-{mark[2:]}")
    assert state(project) == before


def test_a_mark_on_a_file_that_is_as_committed_is_no_matter(project: Path) -> None:
    git(project, "update-index", "--skip-worktree", "README.md")
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert "FOUR" in (project / "README.md").read_text()


@pytest.mark.parametrize(
    ("moment", "path", "way"),
    [
        *(("_swap", "README.md", "in place"), ("_swap", "lib/one.py", "by renaming")),
        *(("_put", "README.md", "in place"), ("_put", "README.md", "by renaming")),
        ("_check_nothing_was_saved", "README.md", "in place"),
    ],
)
def test_a_file_saved_while_the_update_is_put_in_place(
    project: Path, monkeypatch: pytest.MonkeyPatch, path: str, way: str, moment: str
) -> None:
    before = state(project)
    place = project / path
    file = place.open("r+")
    step = getattr(applying, moment)
    saved: list[str] = []

    def save_first(*arguments: object) -> object:
        if not saved:
            saved.append(path)
            if way == "in place":
                file.truncate()
                file.write(MINE)
                file.flush()
            else:
                place.parent.mkdir(exist_ok=True)
                place.with_name("beside").write_text(MINE)
                place.with_name("beside").replace(place)
        return step(*arguments)

    monkeypatch.setattr(applying, moment, save_first)
    said = fourhats("update", project, "--yes")
    file.close()
    assert saved
    assert place.read_text() == MINE
    if said.code:
        refused(project, said, path)
    assert set(state(project).files) - set(before.files) <= {"added.md", f"{path}.kept"}


def test_a_file_keeps_its_rights(project: Path) -> None:
    (project / "README.md").chmod(0o640)
    assert fourhats("update", project, "--yes").code == 0
    assert "FOUR" in (project / "README.md").read_text()
    assert (project / "README.md").stat().st_mode & 0o777 == 0o640
