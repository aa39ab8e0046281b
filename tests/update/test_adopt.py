"""A repository that was no project becomes one: it gets what it lacks, its own files stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.template_versions import NEW, OLD, TemplateVersions, template_versions
from tests.update.commands import fourhats
from tests.update.snapshot import read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> TemplateVersions:
    return template_versions(tmp_path_factory.mktemp("versions") / "template")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a README and a package of its own."""
    folder = tmp_path / "demand"
    (folder / "src/demand").mkdir(parents=True)
    (folder / "README.md").write_text("# Demand\n\nOurs.\n")
    (folder / "src/demand/train.py").write_text('"""Ours."""\n')
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def test_it_gets_what_it_lacks(repository: Path, versions: TemplateVersions) -> None:
    before = read(repository)
    said = fourhats("adopt", repository, "--source", versions.folder, "--yes")
    assert said.code == 0, said.out + said.err
    after = read(repository)
    assert {path: after[path] for path in before} == before
    assert "project_name: Demand" in (repository / ".copier-answers.yml").read_text()
    assert (repository / "src/demand/features.py").is_file()
    assert "Yours, left alone though the template has them otherwise (2)" in said.out
    commit(repository)
    assert fourhats("update", repository, "--yes").out.endswith(f"is up to date ({NEW})\n")


def test_it_is_updated_like_any_other(repository: Path, versions: TemplateVersions) -> None:
    versions.ours.git("tag", "--delete", NEW)
    try:
        versions.show(OLD)
        assert fourhats("adopt", repository, "--source", versions.folder, "--yes").code == 0
    finally:
        versions.ours.git("tag", NEW, "main")
    commit(repository)
    said = fourhats("update", repository, "--yes")
    assert said.code == 1, said.out
    assert "Conflicts, which you resolve afterwards (1)\n  src/demand/train.py" in said.out
    assert "Ours." in (repository / "src/demand/train.py").read_text()
    assert (repository / "README.md").read_text() == "# Demand\n\nOurs.\n"
    assert (repository / "runtime/fourhats_runtime/profile/leaks.py").is_file()


def test_a_dry_run_changes_nothing(repository: Path, versions: TemplateVersions) -> None:
    before = read(repository)
    said = fourhats("adopt", repository, "--source", versions.folder, "--dry-run")
    assert said.code == 0
    assert "pyproject.toml" in said.out
    assert read(repository) == before


def test_what_cannot_be_adopted_is_refused(tmp_path: Path, versions: TemplateVersions) -> None:
    said = fourhats("adopt", tmp_path, "--source", versions.folder, "--yes")
    assert said.code == 2
    assert "is in no git repository" in said.err
    project = tmp_path / "acme"
    assert fourhats("new", project, "--defaults", "--source", versions.folder).code == 0
    said = fourhats("adopt", project, "--source", versions.folder, "--yes")
    assert said.err == (
        f"fourhats: {project} is a project already: `fourhats update` keeps it so\n"
    )
