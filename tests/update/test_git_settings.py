"""What a person's git is set to changes neither what is rendered nor what is merged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.services.rendered import ROOT
from tests.update.commands import fourhats
from tests.update.snapshot import Entry, read, write
from tests.update.template import commit, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop

WINDOWS = {"core.autocrlf": "true"}
WITH_AND_WITHOUT_ATTRIBUTES = [
    (WINDOWS, True),
    (WINDOWS, False),
    (WINDOWS | {"core.safecrlf": "true"}, True),
    ({"core.autocrlf": "input", "core.safecrlf": "true"}, False),
    ({"core.eol": "crlf"}, True),
]


def be(given: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a person whose git converts line ends."""
    file = home / "gitconfig"
    named = {"user.name": "Ada", "user.email": "ada@example.com"}
    for key, value in (given | named).items():
        git(home, "config", "--file", str(file), key, value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))


def new(template: Path, folder: Path, version: str = "v1.0.0") -> None:
    """Start a project with a version of a template, as the command does."""
    git(template, "checkout", "--quiet", "--detach", version)
    said = fourhats("new", folder, "--defaults", "--source", template)
    git(template, "checkout", "--quiet", "main")
    assert said.code == 0, said


@pytest.mark.parametrize(("given", "attributes"), WITH_AND_WITHOUT_ATTRIBUTES)
def test_an_untouched_project_is_updated_without_a_conflict(
    workshop: Workshop[SmallTemplate],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    *,
    attributes: bool,
) -> None:
    be(given, tmp_path, monkeypatch)
    template, project = tmp_path / "template", tmp_path / "project"
    workshop.template.release({"changed_hunk", "added"})
    shutil.copytree(workshop.template.folder, template)
    for version in ("v1.0.0", "v2.0.0"):
        git(template, "checkout", "--quiet", "--force", "-B", "main", version)
        if attributes:
            name = "template/.gitattributes"
            content = (ROOT / name).read_bytes()
            write(read(template) | {name: Entry(content)}, template)
            commit(template)
            git(template, "tag", "--force", version)
    new(template, project)
    assert git(project, "status", "--porcelain") == ""
    assert b"\r" not in (project / "run.sh").read_bytes()
    # As the next clone has it.
    git(project, "rm", "--quiet", "--cached", "-r", ".")
    git(project, "reset", "--quiet", "--hard")
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert "Conflicts" not in said.out
    assert "FOUR" in (project / "README.md").read_text()
    commit(project)
    assert git(project, "status", "--porcelain") == ""
    assert b"\r" not in git(project, "show", "HEAD:README.md").encode()
    if attributes:
        for name in ("run.sh", "README.md", "added.md"):
            assert b"\r" not in (project / name).read_bytes()
    shutil.rmtree(project)


def test_one_conflict_is_one_hunk(
    workshop: Workshop[SmallTemplate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(WINDOWS, tmp_path, monkeypatch)
    workshop.template.release({"changed_hunk"})
    template, project = tmp_path / "template", tmp_path / "project"
    shutil.copytree(workshop.template.folder, template)
    new(template, project)
    text = (project / "README.md").read_text()
    (project / "README.md").write_text(text.replace("readme says 4 ", "readme says mine "))
    commit(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 1, said
    merged = (project / "README.md").read_text()
    assert merged.count("<<<<<<<") == 1
    assert merged.index("readme says 3 ") < merged.index("<<<<<<<")
    shutil.rmtree(project)
