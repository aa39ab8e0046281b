"""What an update cannot do is said in one line, and nothing has changed; what it can, it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.update.commands import Said, fourhats, state, undo
from tests.update.small_template import DEFAULTS, files
from tests.update.snapshot import Entry, read, write
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop

ANSWERS_FILE = ".copier-answers.yml"


@pytest.fixture
def project(workshop: Workshop[SmallTemplate]) -> Iterator[Path]:
    """Give a project of the first version, when there is a second one."""
    workshop.template.release({"changed_hunk", "added"})
    folder, _ = workshop.start(DEFAULTS)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def refused(project: Path, *arguments: str) -> str:
    """Run a command, see it refuse in one line and change nothing; return the line."""
    before = state(project) if (project / ".git").exists() else None
    said = fourhats(arguments[0], project, *arguments[1:])
    assert said.code in {1, 2}, said
    (line,) = said.err.splitlines()
    assert line.startswith("fourhats: ")
    if before is not None:
        assert state(project) == before
    return line.removeprefix("fourhats: ")


def note(project: Path, old: str, new: str) -> None:
    """Change the answers file, and commit that."""
    file = project / ANSWERS_FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    commit(project)


def publish(workshop: Workshop[SmallTemplate], change: Callable[[dict[str, Entry]], None]) -> None:
    """Release a second version with a change of its own."""
    workshop.template.release({"changed_hunk"})
    folder = workshop.template.folder
    tree = files()
    change(tree)
    write(tree, folder)
    commit(folder)
    git(folder, "tag", "--force", "v2.0.0")


def ask(question: str) -> Callable[[dict[str, Entry]], None]:
    """Add text to the template's copier.yml."""

    def change(tree: dict[str, Entry]) -> None:
        tree["copier.yml"] = Entry(tree["copier.yml"].content + question.encode())

    return change


def updated(project: Path, *arguments: str) -> Said:
    """Update, and see the new version there."""
    said = fourhats("update", project, "--yes", *arguments)
    assert said.code == 0, said
    assert "FOUR" in (project / "README.md").read_text()
    return said


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "no folder" in refused(tmp_path / "nowhere", "update", "--yes")


def test_a_project_without_answers(project: Path) -> None:
    (project / ANSWERS_FILE).unlink()
    commit(project)
    assert "fourhats adopt" in refused(project, "update", "--yes")


@pytest.mark.parametrize(
    "content",
    [b"{: [", b"- a\n- list\n", b"", b"\xff\xfe", b"a: !!python/object:os.system x", b"&a [*a]"],
)
def test_answers_that_cannot_be_read(project: Path, content: bytes) -> None:
    (project / ANSWERS_FILE).write_bytes(content)
    commit(project)
    assert ANSWERS_FILE in refused(project, "update", "--yes")


def test_a_template_that_moved_away_is_named_anew(
    project: Path, workshop: Workshop[SmallTemplate], tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(workshop.template.folder, moved)
    note(project, str(workshop.template.folder), "/nowhere/template")
    assert "--source" in refused(project, "update", "--yes")
    updated(project, "--source", str(moved))
    assert str(moved) in (project / ANSWERS_FILE).read_text()


@pytest.mark.parametrize("source", ["../template", "''", "12", "https://localhost:1/template.git"])
def test_a_source_that_says_nothing(
    project: Path, workshop: Workshop[SmallTemplate], source: str
) -> None:
    note(project, f"_src_path: {workshop.template.folder}", f"_src_path: {source}")
    refused(project, "update", "--yes")


def test_a_template_without_history(
    project: Path, workshop: Workshop[SmallTemplate], tmp_path: Path
) -> None:
    write(files(), tmp_path / "plain")
    note(project, str(workshop.template.folder), str(tmp_path / "plain"))
    assert "no git repository" in refused(project, "update", "--yes")


def test_a_template_with_uncommitted_changes(
    project: Path, workshop: Workshop[SmallTemplate]
) -> None:
    file = workshop.template.folder / "template" / "app.py.jinja"
    before = file.read_bytes()
    file.write_bytes(before + b"not committed\n")
    try:
        assert "not committed" in refused(project, "update", "--yes")
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize(
    "version", ["v0.0.9", "1234abc", "''", "--help", "HEAD~99", "v1.0.0-3-gabc"]
)
def test_a_recorded_version_that_never_was(project: Path, version: str) -> None:
    note(project, "_commit: v1.0.0", f"_commit: {version}")
    refused(project, "update", "--yes")


def test_a_version_that_there_is_not(project: Path) -> None:
    assert "v2.0.0" in refused(project, "update", "--yes", "--to", "v9.0.0")


def test_an_older_version(project: Path, workshop: Workshop[SmallTemplate]) -> None:
    updated(project)
    commit(project)
    assert "older" in refused(project, "update", "--yes", "--to", "v1.0.0")
    assert workshop.template.folder.exists()


def test_a_new_question_without_default_is_answered_on_the_command_line(
    project: Path, workshop: Workshop[SmallTemplate]
) -> None:
    def change(tree: dict[str, Entry]) -> None:
        ask("region:\n  type: str\n")(tree)
        readme = tree["template/README.md.jinja"].content.replace(b"readme says 4", b"FOUR")
        tree["template/README.md.jinja"] = Entry(readme + b"In {{ region }}.\n")

    publish(workshop, change)
    assert "region" in refused(project, "update", "--yes")
    updated(project, "--data", "region=Tyrol")
    assert "In Tyrol." in (project / "README.md").read_text()


def test_a_choice_that_went_is_chosen_anew(workshop: Workshop[SmallTemplate]) -> None:
    workshop.template.release({"removed_choice", "changed_hunk"})
    project, _ = workshop.start({**DEFAULTS, "flavour": "sour"})
    line = refused(project, "update", "--yes")
    assert "flavour" in line
    assert "sour" in line
    updated(project, "--data", "flavour=sweet")
    assert "It is sweet." in (project / "README.md").read_text()


def test_the_answer_to_a_renamed_question_goes_only_after_it_was_said(
    project: Path, workshop: Workshop[SmallTemplate]
) -> None:
    def change(tree: dict[str, Entry]) -> None:
        for name in (
            "copier.yml",
            "template/README.md.jinja",
            "template/config/settings.toml.jinja",
        ):
            content = (
                tree[name].content.replace(b"title:", b"name:").replace(b"{{ title", b"{{ name")
            )
            tree[name] = Entry(content)

    publish(workshop, change)
    before = state(project)
    said = fourhats("update", project, "--dry-run")
    assert said.code == 0
    assert "title" in said.out
    assert "Small" in said.out
    assert state(project) == before


@pytest.mark.parametrize(
    "text",
    [
        "_min_copier_version: '99'\n",
        "_tasks:\n  - touch made-by-a-task\n",
        "_migrations:\n  - touch made-by-a-migration\n",
        "broken: [\n",
    ],
)
def test_a_version_that_cannot_be_used(
    project: Path, workshop: Workshop[SmallTemplate], text: str
) -> None:
    publish(workshop, ask(text))
    refused(project, "update", "--yes")


def test_a_version_with_a_broken_file(project: Path, workshop: Workshop[SmallTemplate]) -> None:
    def change(tree: dict[str, Entry]) -> None:
        tree["template/README.md.jinja"] = Entry(b"{% if %}")

    publish(workshop, change)
    refused(project, "update", "--yes")


def test_a_project_that_git_does_not_know(project: Path) -> None:
    shutil.rmtree(project / ".git")
    before = read(project)
    assert "git init" in refused(project, "update", "--yes")
    assert read(project) == before


def test_a_project_without_a_commit(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project, "init", "--quiet")
    before = read(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 2
    assert "no commit" in said.err
    assert read(project) == before


@pytest.mark.parametrize("path", ["README.md", "new-file.txt"])
@pytest.mark.parametrize("staged", [False, True])
def test_changes_that_are_not_committed(project: Path, path: str, *, staged: bool) -> None:
    (project / path).write_text("not committed\n")
    if staged:
        git(project, "add", path)
    assert path in refused(project, "update", "--yes")


def test_an_update_upon_an_update_that_is_not_committed(project: Path) -> None:
    updated(project)
    assert "not committed" in refused(project, "update", "--yes")


def test_nobody_there_to_say_yes(project: Path) -> None:
    before = state(project)
    said = fourhats("update", project)
    assert said.code == 2
    assert "--yes" in said.err
    assert state(project) == before


def test_other_answers_that_there_are_not(project: Path) -> None:
    assert "spice" in refused(project, "set", "spice=hot", "--yes")
    assert "hot" in refused(project, "set", "flavour=hot", "--yes")
    assert "flavour" in refused(project, "set", "flavour+=sweet", "--yes")
    assert "nothing" in refused(project, "set", "parts+=nothing", "--yes")
    refused(project, "set", "--yes")


def refused_on_path(path: str, project: Path) -> str:
    """Run an update in a process of its own, which finds git on another path."""
    before = state(project)
    done = subprocess.run(
        [sys.executable, "-m", "fourhats.cli", "update", project, "--yes"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert len(done.stderr.splitlines()) == 1
    assert state(project) == before
    return done.stderr


def test_no_git(project: Path, tmp_path: Path) -> None:
    assert "git is needed" in refused_on_path(str(tmp_path), project)


def test_a_git_that_is_too_old(project: Path, tmp_path: Path) -> None:
    old = tmp_path / "git"
    says = 'case "$*" in *version) echo git version 2.37.1; exit;; esac'
    old.write_text(f'#!/bin/sh\n{says}\nexec {shutil.which("git")} "$@"\n')
    old.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert "2.38" in refused_on_path(path, project)


def test_a_project_within_a_bigger_repository(project: Path, tmp_path: Path) -> None:
    top = tmp_path / "everything"
    within = top / "some projects" / "this one"
    shutil.copytree(project, within)
    shutil.rmtree(within / ".git")
    (top / "other.txt").write_text("committed\n")
    git(top, "init", "--quiet")
    commit(top)
    (top / "other.txt").write_text("not committed, and nobody's business here\n")
    (top / "untracked.txt").write_text("neither\n")
    before = state(top)
    said = updated(within)
    after = state(top)
    changed = {path for path in after.files if after.files[path] != before.files.get(path)}
    assert changed == {
        f"some projects/this one/{name}" for name in ("README.md", "added.md", ANSWERS_FILE)
    }
    undo(within, said)
    undone = state(top)
    assert (undone.files, undone.index) == (before.files, before.index)


def test_a_checkout_of_a_commit(project: Path) -> None:
    git(project, "checkout", "--quiet", "--detach")
    updated(project)


def test_a_worktree(project: Path, tmp_path: Path) -> None:
    git(project, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    before = state(project)
    said = updated(tmp_path / "tree")
    assert state(project).files == before.files
    assert state(project).index == before.index
    undo(tmp_path / "tree", said)
    assert git(tmp_path / "tree", "status", "--porcelain") == ""


def test_a_shallow_clone(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{project}", "clone")
    updated(tmp_path / "clone")


def test_a_project_behind_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    updated(tmp_path / "link")


def test_a_project_in_the_present_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.chdir(project)
        said = fourhats("update", "--yes")
    assert said.code == 0
    assert (project / "added.md").exists()


def test_a_git_hook_as_the_caller(
    project: Path, workshop: Workshop[SmallTemplate], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git(workshop.template.folder, "status", "--porcelain")
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(workshop.template.folder / ".git"))
        patch.setenv("GIT_INDEX_FILE", str(workshop.template.folder / ".git" / "index"))
        said = fourhats("update", project, "--yes")
    assert said.code == 0
    assert (project / "added.md").exists()
    assert git(workshop.template.folder, "status", "--porcelain") == before


@pytest.mark.parametrize("attribute", ["* text=auto eol=crlf\n", "* text=auto\n"])
def test_a_project_that_git_checks_out_with_windows_line_ends(
    project: Path, attribute: str
) -> None:
    (project / ".gitattributes").write_text(attribute)
    git(project, "config", "core.autocrlf", "true")
    commit(project)
    git(project, "rm", "--quiet", "--cached", "-r", ".")
    git(project, "reset", "--quiet", "--hard")
    assert b"\r\n" in (project / "app.py").read_bytes()
    updated(project)
    assert b"FOUR of its 14\r\n" in (project / "README.md").read_bytes()
    assert b"\r\n" in (project / "added.md").read_bytes()
    commit(project)
    assert git(project, "status", "--porcelain") == ""


def test_a_local_file_in_the_place_of_a_new_one_stays_and_is_named(project: Path) -> None:
    (project / ".git" / "info" / "exclude").write_text("added.md\n")
    (project / "added.md").write_text("mine\n")
    said = updated(project)
    assert (project / "added.md").read_text() == "mine\n"
    assert said.names("added.md")


def test_nothing_is_put_into_a_repository_that_the_project_ignores(
    project: Path, workshop: Workshop[SmallTemplate]
) -> None:
    publish(workshop, lambda tree: tree.update({"template/vendor/new.py": Entry(b"new\n")}))
    (project / "vendor").mkdir()
    git(project / "vendor", "init", "--quiet")
    (project / ".git" / "info" / "exclude").write_text("vendor\n")
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert said.names("vendor/new.py")
    assert [path.name for path in (project / "vendor").iterdir()] == [".git"]


def test_a_hook_of_the_project_is_not_run(project: Path) -> None:
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        hook = project / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{project}/made-by-a-hook'\nexit 1\n")
        hook.chmod(0o755)
    said = fourhats("update", project, "--yes")
    assert said.code == 0
    assert not (project / "made-by-a-hook").exists()


def test_ownership_that_git_doubts_is_said_in_its_words(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        said = fourhats("update", project, "--yes")
    assert said.code == 2
    (line,) = said.err.splitlines()
    assert "dubious ownership" in line
    assert "safe.directory" in line
    assert "git init" not in line


def test_a_repository_of_another_format(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".git"))
    git(folder, "init", "--quiet", "--object-format=sha256")
    commit(folder)
    assert "sha256" in refused(folder, "update", "--yes")


def test_a_project_that_the_repository_around_it_ignores(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "outer" / "inner"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".git"))
    (tmp_path / "outer" / ".gitignore").write_text("inner/\n")
    git(tmp_path / "outer", "init", "--quiet")
    commit(tmp_path / "outer")
    assert "ignores it" in refused(folder, "update", "--yes")
    (tmp_path / "outer" / ".gitignore").write_text("")
    commit(tmp_path / "outer", "All but what is ignored no more")
    git(tmp_path / "outer", "rm", "-r", "--quiet", "--cached", "inner")
    git(tmp_path / "outer", "commit", "--quiet", "-m", "Not the project")
    assert "is not committed" in refused(folder, "update", "--yes")
