"""Where a project may begin: a repository without a commit, one around it, a template's URL."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.update.commands import fourhats, undo
from tests.update.snapshot import read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.update.small_template import SmallTemplate


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Clone a repository in which nothing is yet."""
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(tmp_path, "clone", "--quiet", "origin.git", "acme")
    return tmp_path / "acme"


def test_a_clone_of_an_empty_repository_takes_a_new_project(
    empty: Path, template: SmallTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(empty)
    said = fourhats("new", ".", "--defaults", "--source", template.folder)
    assert said.code == 0, said
    assert f"Inside the git repository {empty}: commit it there" in said.out
    assert "origin.git" in git(empty, "remote", "get-url", "origin")
    commit(empty)
    assert (empty / "README.md").exists()
    assert [path.name for path in empty.glob(".fourhats*")] == []
    assert "up to date" in fourhats("update", ".", "--yes").out


def test_a_clone_of_an_empty_repository_is_adopted(empty: Path, template: SmallTemplate) -> None:
    said = fourhats("adopt", empty, "--source", template.folder, "--yes")
    assert said.code == 0, said
    assert "README.md" in git(empty, "diff", "--staged", "--name-only")
    undo(empty, said)
    assert read(empty) == {}
    assert git(empty, "ls-files") == ""
    assert fourhats("adopt", empty, "--source", template.folder, "--yes").code == 0
    commit(empty)
    assert "up to date" in fourhats("update", empty, "--yes").out


def test_a_new_folder_of_a_bigger_repository_is_adopted(
    tmp_path: Path, template: SmallTemplate
) -> None:
    (tmp_path / "README.md").write_text("ours\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    (tmp_path / "acme").mkdir()
    said = fourhats("adopt", tmp_path / "acme", "--source", template.folder, "--yes")
    assert said.code == 0, said
    assert "acme/README.md" in git(tmp_path, "diff", "--staged", "--name-only")


def test_a_repository_around_it_that_ignores_it_is_said(
    tmp_path: Path, template: SmallTemplate
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("clients/\n")
    project = tmp_path / "clients" / "acme"
    said = fourhats("new", project, "--defaults", "--source", template.folder)
    assert said.code == 0
    assert f"Inside the git repository {tmp_path}, which ignores it" in said.out


def test_a_files_url_is_a_source(tmp_path: Path, template: SmallTemplate) -> None:
    said = fourhats("new", tmp_path / "acme", "--defaults", "--source", template.folder.as_uri())
    assert said.code == 0, said
    noted = (tmp_path / "acme" / ".copier-answers.yml").read_text()
    address = re.sub(r"\n +", " ", noted)
    assert f"_src_path: git+{template.folder.as_uri()}" in address
    assert "up to date" in fourhats("update", tmp_path / "acme", "--yes").out


def test_what_a_person_starts_in_another_format_can_still_be_updated(
    tmp_path: Path, template: SmallTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ("--source", template.folder)
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    assert fourhats("new", tmp_path / "acme", "--defaults", *source).code == 0
    assert "up to date" in fourhats("update", tmp_path / "acme", "--yes").out


def test_a_person_who_stops_it_reads_that_it_stopped(
    tmp_path: Path, template: SmallTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run

    def stopped(command: list[str], **options: object) -> object:
        if "add" in command:
            raise KeyboardInterrupt
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("fourhats.git.subprocess.run", stopped)
    said = fourhats("new", tmp_path / "acme", "--defaults", "--source", template.folder)
    assert said.code == 130
    assert said.err.strip().splitlines()[-1] == "fourhats: stopped"
    assert not (tmp_path / "acme").exists()
