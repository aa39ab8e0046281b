"""What people wrote in the documents that are signed passes each update, byte by byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.documents import Section
from fourhats_runtime.documents.written import begun

from tests.update.commands import fourhats, undo
from tests.update.real_template import CHANGES, RealTemplate
from tests.update.template import commit, git
from tests.update.workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("proposal", "charter", "risk-register", "decision-log")
MINE = "\nWe meet on Mondays, in Zürich.\n"
AMOUNTS = ("-d", "estimate_day_rate=900")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Workshop[RealTemplate]:
    """Projects of the real template."""
    template = RealTemplate.made(tmp_path_factory.mktemp("signed"))
    return Workshop(template, tmp_path_factory.mktemp("signed-projects"))


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def documented(project: Path) -> dict[Path, bytes]:
    """Write all documents and into each of them; gives what stands in them."""
    done = fourhats("documents", project, *AMOUNTS)
    assert done.code == 0, done.err
    folder = project / "docs" / "engagement"
    paths = [folder / f"{name}.md" for name in NAMES]
    # Those of the project's own commands, as they stand in docs/ beside the template's pages.
    for name in ("acceptance", "status", "exit_report"):
        path = project / "docs" / f"{name}.md"
        sections = [Section("head", "Head", ["As measured."]), Section("own", "Own", asks="To do")]
        path.write_text(begun(sections), encoding="utf-8")
        paths.append(path)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        # Beneath a block, at the end, within a block, and a block that was taken over.
        text = text.replace(
            "<!-- fourhats:end head -->\n", f"<!-- fourhats:end head -->\n{MINE}", 1
        )
        text = re.sub(r"<!-- fourhats:(begin|end) (own|answers|price) -->\n", "", text)
        path.write_text(text + MINE, encoding="utf-8")
    within = folder / "charter.md"
    text = within.read_text(encoding="utf-8")
    assert "## " in text
    within.write_text(text.replace("## ", "## Our ", 1), encoding="utf-8")
    return {path: path.read_bytes() for path in [*paths, *folder.glob("*.pdf")]}


def test_no_word_in_a_document_is_lost_by_an_update(real: Workshop[RealTemplate]) -> None:
    real.template.release(CHANGES)
    project, _ = real.start({})
    written = documented(project)
    early = fourhats("update", project, "--yes")
    assert early.code == 2
    assert "commit or stash them first" in early.err
    commit(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 0, said
    assert {path: path.read_bytes() for path in written} == written
    assert "The template says more." in (project / "README.md").read_text(encoding="utf-8")
    undo(project, said)
    assert {path: path.read_bytes() for path in written} == written


def test_after_an_update_the_documents_are_written_anew_around_what_people_wrote(
    real: Workshop[RealTemplate],
) -> None:
    real.template.release(set(CHANGES) - {"new_question"})  # which this generator does not know
    project, _ = real.start({})
    before = documented(project)
    commit(project)
    assert fourhats("update", project, "--yes").code == 0
    commit(project)
    refused = fourhats("documents", project, *AMOUNTS)
    assert refused.code == 2
    assert "somebody wrote between the marks" in refused.err
    assert {path: path.read_bytes() for path in before} == before
    charter = project / "docs" / "engagement" / "charter.md"
    charter.write_text(charter.read_text("utf-8").replace("## Our ", "## ", 1), encoding="utf-8")
    done = fourhats("documents", project, "-d", "estimate_day_rate=1234")
    assert done.code == 0, done.err
    for name in NAMES:
        text = (charter.parent / f"{name}.md").read_text(encoding="utf-8")
        assert text.count(MINE.strip()) == 2, name
    assert git(project, "status", "--porcelain", "--", "docs/acceptance.md") == ""
