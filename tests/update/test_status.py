"""Many projects at once: what `status` says of them, and `update --all` makes of them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.services.template_versions import NEW, OLD, TemplateVersions, template_versions
from tests.update.commands import Said, fourhats, quiet_git
from tests.update.snapshot import read
from tests.update.template import commit, git

FOURHATS = Path(sys.executable).with_name("fourhats")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> TemplateVersions:
    return template_versions(tmp_path_factory.mktemp("versions") / "template")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, versions: TemplateVersions) -> Path:
    """A project of the older version."""
    folder = tmp_path_factory.mktemp("first") / "acme"
    versions.show(OLD)
    made = fourhats("new", folder, "--defaults", "--source", versions.folder)
    assert made.code == 0, made.err
    return folder


@pytest.fixture
def fleet(tmp_path: Path, first: Path) -> Path:
    """A folder of projects, each in another state."""
    for name in ("behind", "conflicting", "unfinished", "moved", "broken", "copied"):
        shutil.copytree(first, tmp_path / name, symlinks=True)
    (tmp_path / "no project").mkdir()
    train = tmp_path / "conflicting/src/acme/train.py"
    train.write_text(train.read_text().replace('"""The experiment', '"""Mine: the experiment'))
    commit(tmp_path / "conflicting")
    (tmp_path / "unfinished/notes.md.kept").write_text("mine\n")
    commit(tmp_path / "unfinished")
    (tmp_path / "unfinished/later.md").write_text("mine\n")
    answers = tmp_path / "moved/.copier-answers.yml"
    answers.write_text(answers.read_text().replace("_src_path: ", "_src_path: /moved"))
    commit(tmp_path / "moved")
    (tmp_path / "broken/.copier-answers.yml").write_text("{")
    git(tmp_path / "copied", "update-ref", "-d", _noted(tmp_path / "copied"))
    train = tmp_path / "copied/src/acme/train.py"
    train.write_text(train.read_text().replace('"""The experiment', '"""Ours: the experiment'))
    commit(tmp_path / "copied")
    return tmp_path


def test_the_state_of_each_project_is_said(fleet: Path) -> None:
    found = statuses(fourhats("status", fleet, "--json"))
    assert sorted(found) == [
        *("behind", "broken", "conflicting", "copied", "moved", "unfinished"),
    ]
    assert found["behind"] == {
        "project": str(fleet / "behind"),
        "version": OLD,
        "newest": NEW,
        "behind": 1,
        "answers_changed": [],
        "conflicts": [],
        "runtime_edited": [],
        "attention": [],
    }
    assert found["conflicting"]["conflicts"] == ["src/acme/train.py"]
    assert found["copied"]["conflicts"] == ["src/acme/train.py"], "as well without the note in .git"
    assert found["unfinished"]["attention"] == [
        "1 files are not committed",
        "left open by an update: notes.md.kept",
    ]
    (moved,) = found["moved"]["attention"]
    assert moved.startswith("the template /moved")
    assert found["moved"]["behind"] is None
    (broken,) = found["broken"]["attention"]
    assert "no valid YAML" in broken


def test_the_forecast_is_what_the_update_meets(fleet: Path) -> None:
    found = statuses(fourhats("status", fleet / "behind", fleet / "conflicting", "--json"))
    for name, code in (("behind", 0), ("conflicting", 1)):
        said = fourhats("update", fleet / name, "--yes")
        assert said.code == code, said.out + said.err
        assert all(file in said.out for file in found[name]["conflicts"])


def test_changed_answers_are_named(fleet: Path) -> None:
    assert fourhats("set", fleet / "behind", "alerts+=webhook", "--yes").code == 0
    commit(fleet / "behind")
    found = statuses(fourhats("status", fleet / "behind", "--json"))
    assert found["behind"]["answers_changed"] == ["alerts"]
    assert found["behind"]["version"] == OLD


def test_the_table_has_a_line_for_each(fleet: Path) -> None:
    said = fourhats("status", fleet)
    assert (said.code, said.err) == (0, "")
    heading, *lines = said.out.splitlines()
    assert heading.split()[:3] == ["project", "version", "behind"]
    assert [line.split()[0] for line in lines] == sorted(
        ["behind", "broken", "conflicting", "copied", "moved", "unfinished"]
    )


def test_an_edited_runtime_is_said_and_keeps_its_edits(fleet: Path) -> None:
    project = fleet / "behind"
    edited = project / "runtime/fourhats_runtime/profile/inference.py"
    edited.write_text(f"{edited.read_text()}\n# ours\n")
    own = project / "runtime/fourhats_runtime/ours.py"
    own.write_text('"""Ours."""\n')
    commit(project)
    found = statuses(fourhats("status", project, "--json"))
    names = ["runtime/fourhats_runtime/ours.py", "runtime/fourhats_runtime/profile/inference.py"]
    assert found["behind"]["runtime_edited"] == names
    assert "2 edited" in fourhats("status", project).out
    assert fourhats("update", project, "--yes").code == 0
    text = edited.read_text()
    assert text.endswith("# ours\n")
    assert "profile.leaks import" in text
    assert own.read_text() == '"""Ours."""\n'
    commit(project)
    found = statuses(fourhats("status", project, "--json"))
    assert found["behind"]["runtime_edited"] == names


def test_an_unedited_runtime_is_replaced_as_a_whole(
    fleet: Path, versions: TemplateVersions
) -> None:
    project = fleet / "behind"
    assert fourhats("update", project, "--yes").code == 0
    versions.ours.git("checkout", "--quiet", NEW)
    try:
        theirs = read(versions.folder / "template/runtime")
    finally:
        versions.ours.git("checkout", "--quiet", OLD)
    assert read(project / "runtime") == theirs


def test_where_there_is_no_project_that_is_said(fleet: Path) -> None:
    said = fourhats("status", fleet / "no project")
    assert said.code == 2
    assert said.err == f"fourhats: there is no project in {fleet / 'no project'}\n"


def test_a_terminal_shows_how_many_are_done(fleet: Path, person: Path) -> None:
    home = {**quiet_git(person), "PATH": str(FOURHATS.parent) + ":/usr/bin:/bin", "TERM": "xterm"}
    shown = pexpect.spawn(
        str(FOURHATS), ["status", str(fleet)], env=home, encoding="utf-8", dimensions=(24, 200)
    )
    try:
        shown.expect(r"projects.*\d/ +6")
        shown.expect_exact("would conflict")
        shown.expect(pexpect.EOF, timeout=60)
    finally:
        shown.close(force=True)
    assert shown.exitstatus == 0


def test_each_update_is_on_a_branch_of_its_own(fleet: Path) -> None:
    before = {name: git(fleet / name, "rev-parse", "HEAD") for name in ("behind", "unfinished")}
    said = fourhats("update", "--all", fleet)
    assert said.code == 1, "some could not be updated"
    for name, head in before.items():
        project = fleet / name
        assert git(project, "rev-parse", "HEAD") == head
        assert git(project, "rev-parse", f"fourhats/{NEW}~1") == head
        assert f"_commit: {NEW}" in git(project, "show", f"fourhats/{NEW}:.copier-answers.yml")
        assert git(project, "ls-tree", f"fourhats/{NEW}", "docs/decisions.md")
    assert git(fleet / "behind", "status", "--porcelain") == ""
    assert (fleet / "unfinished/later.md").read_text() == "mine\n"
    assert git(fleet / "conflicting", "branch", "--list", "fourhats/*") == ""
    assert "conflicts in src/acme/train.py: fourhats update" in said.out
    assert fourhats("update", fleet / "behind", "--yes").code == 0
    commit(fleet / "behind")
    assert git(fleet / "behind", "diff", "HEAD", f"fourhats/{NEW}") == "", (
        "it is what the update gives"
    )


def test_a_branch_of_that_name_is_not_overwritten(fleet: Path) -> None:
    git(fleet / "behind", "branch", f"fourhats/{NEW}")
    again = fourhats("update", "--all", fleet / "behind", "--dry-run")
    assert f"there is a branch fourhats/{NEW} already: merge or delete it first" in again.out


def statuses(said: Said) -> dict[str, dict[str, Any]]:
    """Read what `--json` prints, by the folder's name."""
    assert (said.code, said.err) == (0, ""), said
    return {Path(status["project"]).name: status for status in json.loads(said.out)}


def _noted(project: Path) -> str:
    return git(project, "for-each-ref", "--format=%(refname)", "refs/fourhats").strip()
