"""A release: all of it, or a repository as it was before."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.services.releases import Repository, repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def ours(tmp_path: Path) -> Repository:
    """Start a repository with something to release."""
    found = repository(tmp_path / "fourhats")
    found.has_news("A first page")
    found.commit("Add a page")
    return found


def state(ours: Repository) -> tuple[str, ...]:
    """Return all that a release would change."""
    return (
        ours.git("for-each-ref"),
        ours.git("status", "--porcelain", "--branch"),
        (ours.folder / "CHANGELOG.md").read_text(),
        (ours.folder / "pyproject.toml").read_text(),
        str(ours.dist.exists()),
    )


def test_a_release_is_a_commit_a_tag_and_what_is_published(ours: Repository) -> None:
    done = ours.release("0.3.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "git push --atomic origin main v0.3.0" in done.stdout
    assert ours.git("log", "-1", "--format=%s%d").strip() == (
        "Release 0.3.0 (HEAD -> main, tag: v0.3.0)"
    )
    assert ours.git("cat-file", "-t", "v0.3.0").strip() == "tag"
    assert ours.git("diff", "--stat", "HEAD~").splitlines()[-1].startswith(" 2 files changed")
    assert ours.git("status", "--porcelain") == ""
    today = dt.datetime.now(tz=dt.UTC).date()
    changelog = (ours.folder / "CHANGELOG.md").read_text()
    assert f"## [Unreleased]\n\n## [0.3.0] - {today}\n\n### Added\n\n- A first page\n" in changelog
    assert 'version = "0.3.0"\n' in (ours.folder / "pyproject.toml").read_text()
    assert sorted(path.name for path in ours.dist.iterdir() if path.suffix in {".gz", ".whl"}) == [
        "fourhats-0.3.0-py3-none-any.whl",
        "fourhats-0.3.0.tar.gz",
    ]


def uncommitted(ours: Repository) -> None:
    (ours.folder / "README.md").write_text("Another")


def untracked(ours: Repository) -> None:
    (ours.folder / "template" / "new.txt").write_text("New")


def other_branch(ours: Repository) -> None:
    ours.git("switch", "--quiet", "--create", "work")


def no_branch(ours: Repository) -> None:
    ours.git("switch", "--quiet", "--detach")


def released_already(ours: Repository) -> None:
    ours.git("tag", "v0.3.0")


def released_higher(ours: Repository) -> None:
    ours.git("tag", "v0.10.0")


def nothing_new(ours: Repository) -> None:
    changelog = ours.folder / "CHANGELOG.md"
    heading = "## [Unreleased]\n\n### Added\n"
    changelog.write_text(f"# Changelog\n\n{heading}\n## [0.1.0] - 2026-01-02\n\n- A page\n")
    ours.commit("Nothing new")


@pytest.mark.parametrize(
    ("version", "spoil", "words"),
    [
        ("0.3.0", uncommitted, "there are changes that are not committed"),
        ("0.3.0", untracked, "there are changes that are not committed"),
        ("0.3.0", other_branch, "the branch is work: git switch main"),
        ("0.3.0", no_branch, "the branch is none: git switch main"),
        ("0.3.0", released_already, "0.3.0 is not higher than 0.3.0"),
        ("0.3.0", released_higher, "0.3.0 is not higher than 0.10.0"),
        ("0.3.0", nothing_new, "CHANGELOG.md has no entry under [Unreleased]"),
        ("", lambda _: None, "'' is no version: make release VERSION=0.2.0"),
        ("v0.3.0", lambda _: None, "'v0.3.0' is no version"),
        ("0.3", lambda _: None, "'0.3' is no version"),
        ("0.3.0rc1", lambda _: None, "'0.3.0rc1' is no version"),
    ],
)
def test_what_is_not_ready_is_not_released(
    ours: Repository, version: str, spoil: Callable[[Repository], None], words: str
) -> None:
    spoil(ours)
    before = state(ours)
    done = ours.release(version)
    assert done.returncode == 1
    assert done.stderr.startswith(f"no release: {words}")
    assert done.stderr.count("\n") == 1
    assert state(ours) == before


def broken_template(ours: Repository) -> None:
    (ours.folder / "template" / "zzz.txt.jinja").write_text("{{ no_such_answer }}")


def broken_program(ours: Repository) -> None:
    (ours.folder / "generator" / "fourhats" / "cli.py").write_text("broken(")


def unbuildable(ours: Repository) -> None:
    shutil.rmtree(ours.folder / "questions")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (broken_template, "no_such_answer"),
        (broken_program, "broken("),
        (unbuildable, "uv build"),
    ],
)
def test_what_does_not_work_leaves_the_repository_as_it_was(
    ours: Repository, spoil: Callable[[Repository], None], words: str
) -> None:
    spoil(ours)
    ours.commit("Break it")
    before = state(ours)
    done = ours.release("0.3.0")
    assert done.returncode == 1
    assert done.stderr.startswith("no release: `")
    assert words in done.stderr
    assert state(ours) == before


def test_a_release_that_is_stopped_never_was(ours: Repository) -> None:
    before = state(ours)
    process = ours.start_release("0.3.0")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "no release: stopped\n")
    assert state(ours) == before
