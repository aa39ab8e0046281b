"""A template is a stranger's: nothing that it brings is run by the git of `new` and `update`."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.update.commands import fourhats, state
from tests.update.small_template import DEFAULTS, files
from tests.update.snapshot import Entry, write
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop

FOR_SOME_SYSTEM = [
    *(".git", ".GIT", ".Git", ".git. .", ".git ", "GIT~1", "git~2", ".git::$INDEX_ALLOCATION"),
    *(".g\u200cit", "\ufeff.git", "a\\.git"),
]


@pytest.fixture
def stranger(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write a template of these files, each said to be there by a condition in its name."""

    def make(brought: dict[str, str]) -> Path:
        folder = tmp_path / "stranger"
        texts = {
            "copier.yml": "_subdirectory: template\nwanted:\n  type: bool\n  default: true\n",
            "template/README.md": "# Hello\n",
            "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml }}",
        } | {f"template/{path}": text for path, text in brought.items()}
        write({path: Entry(text.encode()) for path, text in texts.items()}, folder)
        git(folder, "init", "--quiet")
        commit(folder)
        return folder

    return make


@pytest.mark.parametrize("name", FOR_SOME_SYSTEM, ids=ascii)
def test_a_folder_that_is_a_repository_to_some_system_is_refused(
    stranger: Callable[[dict[str, str]], Path], tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "was-run"
    config = f"[core]\n\tfileMode = false\n\tfsmonitor = touch {mark};\n\thooksPath = hooks\n"
    conditional = "/".join(f"{{% if wanted %}}{part}{{% endif %}}" for part in name.split("/"))
    template = stranger(
        {
            f"{conditional}/config": config,
            f"{conditional}/HEAD": "ref: refs/heads/main\n",
            f"{conditional}/refs/keep": "",
            f"{conditional}/objects/keep": "",
            f"{conditional}/hooks/pre-commit": f"#!/bin/sh\ntouch {mark}\n",
        }
    )
    made = tmp_path / "made"
    said = fourhats("new", made, "--defaults", "--source", template)
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert "programs it starts" in line
    assert not made.exists()
    assert not mark.exists()


@pytest.mark.parametrize("name", [".github/CODEOWNERS", ".gitignore", "git", "x.git", "gitx~1"])
def test_a_name_that_only_looks_like_it_is_fine(
    stranger: Callable[[dict[str, str]], Path], tmp_path: Path, name: str
) -> None:
    said = fourhats("new", tmp_path / "made", "--defaults", "--source", stranger({name: ""}))
    assert said.code == 0, said
    assert (tmp_path / "made" / name).exists()


@pytest.mark.parametrize("program", ["filter.theirs.clean", "core.fsmonitor", "gpg.program"])
def test_no_program_is_run_on_what_was_rendered(
    stranger: Callable[[dict[str, str]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
) -> None:
    mark = tmp_path / "was-run"
    run = f"sh -c 'touch {mark}; cat'"
    settings = {program: run, "commit.gpgSign": "true", "log.showSignature": "true"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    template = stranger({".gitattributes.jinja": "* filter=theirs\n", "data.txt": "as it is\n"})
    # The git of this test, which made the template, was as trusting as any.
    mark.unlink(missing_ok=True)
    said = fourhats("new", tmp_path / "made", "--defaults", "--source", template)
    assert said.code == 0, said
    assert not mark.exists()
    assert git(tmp_path / "made", "show", "HEAD:data.txt") == "as it is\n"


@pytest.mark.parametrize("within", [False, True], ids=["", "within"])
@pytest.mark.parametrize("program", ["clean", "process"])
def test_no_filter_of_a_templates_own_repository_is_run(
    stranger: Callable[[dict[str, str]], Path], tmp_path: Path, program: str, *, within: bool
) -> None:
    mark = tmp_path / "was-run"
    template = stranger({"data.txt": "as it is\n", ".gitattributes": "* filter=a=b\n"})
    place = template
    if within:
        place = template / "held"
        write({"data.txt": Entry(b"1\n"), ".gitattributes": Entry(b"* filter=a=b\n")}, place)
        git(place, "init", "--quiet")
        commit(place)
        commit(template)
    git(place, "config", f"filter.a=b.{program}", f"sh -c 'touch {mark}; cat'")
    for file in place.rglob("data.txt"):
        os.utime(file, (1, 1))  # it looks changed
    said = fourhats("new", tmp_path / "made", "--defaults", "--source", template)
    assert said.code == 0 or within, said  # a module of no known address is copier's to refuse
    assert not mark.exists()


def test_nothing_is_fetched_into_a_templates_own_repository(
    stranger: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    mark = tmp_path / "was-run"
    template = stranger({"data.txt": "as it is\n"})
    tree = git(template, "rev-parse", "HEAD:template").strip()
    (template / "template" / "data.txt").write_text("otherwise\n")
    git(template, "add", "--all")
    (template / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    remote = {"url": str(template), "promisor": "true", "uploadpack": f"touch {mark};"}
    for key, value in remote.items():
        git(template, "config", f"remote.origin.{key}", value)
    git(template, "config", "core.repositoryFormatVersion", "1")
    git(template, "config", "extensions.partialClone", "origin")
    said = fourhats("new", tmp_path / "made", "--defaults", "--source", template)
    assert said.code == 1
    assert tree in said.err
    assert not mark.exists()


def test_no_filter_of_its_template_is_run_in_an_update(
    workshop: Workshop[SmallTemplate], tmp_path: Path
) -> None:
    mark = tmp_path / "was-run"
    workshop.template.release({"changed_hunk"})
    folder = workshop.template.folder
    project, _ = workshop.start(DEFAULTS)
    attributes = folder / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* filter=theirs\n")
    for program in ("clean", "smudge"):
        git(folder, "config", f"filter.theirs.{program}", f"sh -c 'touch {mark}; cat'")
    try:
        said = fourhats("update", project, "--yes")
    finally:
        attributes.unlink()
        git(folder, "config", "--remove-section", "filter.theirs")
    assert said.code == 0, said
    assert not mark.exists()


def test_an_update_brings_no_repository_either(workshop: Workshop[SmallTemplate]) -> None:
    workshop.template.release({"changed_hunk"})
    folder = workshop.template.folder
    name = "template/{% if guide %}.git{% endif %}/hooks/pre-commit"
    write(files() | {name: Entry(b"#!/bin/sh\n", "executable")}, folder)
    commit(folder)
    git(folder, "tag", "--force", "v2.0.0")
    project, _ = workshop.start(DEFAULTS)
    before = state(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 1
    assert "programs it starts" in said.err
    assert state(project) == before
    shutil.rmtree(project)
