"""Installed from a wheel, outside any checkout, with no git host to reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from fourhats.render.template import instead_of
from fourhats.source import CANONICAL_URL

from tests.cli.shell import BIN, Shell
from tests.cli.test_new import answers_of, differing
from tests.services.releases import repository
from tests.services.rendered import ROOT, project_env

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.releases import Repository


@dataclass(frozen=True)
class Wheels:
    """Two releases, each installed into an environment of its own."""

    repository: Repository
    first: Path
    later: Path
    environments: Path

    def program(self, version: str) -> str:
        """Name the command of one release."""
        return str(self.environments / version / "bin" / "fourhats")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Release 0.1.0, change the template, and release 0.2.0."""
    place = tmp_path_factory.mktemp("releases")
    ours = repository(place / "fourhats")
    first = ours.released("0.1.0")
    readme = ours.folder / "template" / "README.md.jinja"
    readme.write_text(f"{readme.read_text()}\nA line of the later version.\n")
    (ours.folder / "template" / "docs" / "later.md").write_text("# Later\n")
    ours.has_news("A page")
    ours.commit("Say more")
    later = ours.released("0.2.0")
    for version, wheel in (("0.1.0", first), ("0.2.0", later)):
        environment = str(place / version)
        subprocess.run(["uv", "venv", "--quiet", environment], check=True)
        options = [
            "--quiet",
            "--python",
            environment,
            "--constraint",
            str(ROOT / "constraints.txt"),
        ]
        subprocess.run(["uv", "pip", "install", *options, wheel], check=True)
    return Wheels(ours, first, later, place)


@pytest.fixture
def away(shell: Shell) -> Shell:
    """Give a person who has neither a checkout nor a network."""
    scratch = shell.folder.parent / "scratch"
    scratch.mkdir()
    del shell.environment["FOURHATS_SOURCE"]
    shell.environment |= {"GIT_ALLOW_PROTOCOL": "file", "TMPDIR": str(scratch)}
    return shell


@pytest.fixture
def installer(shell: Shell) -> Shell:
    """Give a person who reaches the package index as this machine does, but no git host."""
    tools = shell.folder.parent / "tools"
    settings = {"PIPX_HOME": str(tools), "PIPX_BIN_DIR": str(tools / "bin")}
    settings |= {"GIT_ALLOW_PROTOCOL": "file", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return Shell(shell.folder, project_env(settings))


def test_a_project_notes_a_source_that_any_machine_knows(away: Shell, wheels: Wheels) -> None:
    done = away.run(wheels.program("0.1.0"), "new", "acme", "--defaults")
    assert (done.code, done.err) == (0, "")
    answers = answers_of(away.folder / "acme")
    assert (answers["_src_path"], answers["_commit"]) == (CANONICAL_URL, "v0.1.0")
    assert str(wheels.environments) not in (away.folder / "acme/.copier-answers.yml").read_text()
    left = [*(away.folder.parent / "scratch").iterdir()]
    left += (away.folder.parent / "home").rglob("*")
    assert left == []


def test_it_is_the_project_that_copier_makes_of_the_url(away: Shell, wheels: Wheels) -> None:
    ours = away.run(wheels.program("0.2.0"), "new", "by-us", "--defaults", "--no-git")
    assert ours.code == 0, ours.err
    away.environment |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{wheels.repository.folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": CANONICAL_URL,
    }
    theirs = away.run(
        *(str(BIN / "copier"), "copy", "--quiet", "--defaults"),
        *("--data", "project_name=By us", CANONICAL_URL, "by-copier"),
    )
    assert theirs.code == 0, theirs.err
    assert (away.folder / "by-us" / "docs" / "later.md").is_file()
    assert differing(away.folder / "by-us", away.folder / "by-copier") == []


def test_a_git_hook_may_call_it(away: Shell, wheels: Wheels) -> None:
    away.environment |= {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"}
    done = away.run(wheels.program("0.1.0"), "new", "acme", "--defaults")
    assert (done.code, done.err) == (0, "")


def test_without_git_it_is_the_same_project(away: Shell, wheels: Wheels) -> None:
    with_git = away.run(wheels.program("0.1.0"), "new", "acme", "--defaults", "--no-git")
    assert with_git.code == 0, with_git.err
    shutil.move(away.folder / "acme", away.folder / "with-git")
    away.environment["PATH"] = str(away.folder.parent / "empty")
    without = away.run(wheels.program("0.1.0"), "new", "acme", "--defaults")
    assert (without.code, without.err) == (0, "")
    assert "git is not installed" in without.out
    assert differing(away.folder / "acme", away.folder / "with-git") == []


def test_a_later_wheel_updates_the_project(away: Shell, wheels: Wheels) -> None:
    away.run(wheels.program("0.1.0"), "new", "acme", "--defaults")
    updated = away.run(wheels.program("0.2.0"), "update", "acme", "--yes")
    assert updated.code == 0, updated.out + updated.err
    shutil.rmtree(away.folder / "acme" / ".git")
    shutil.move(away.folder / "acme", away.folder / "updated")
    away.run(wheels.program("0.2.0"), "new", "acme", "--defaults", "--no-git")
    assert answers_of(away.folder / "updated")["_commit"] == "v0.2.0"
    assert differing(away.folder / "updated", away.folder / "acme") == []


def test_an_earlier_wheel_sends_for_the_later_one(away: Shell, wheels: Wheels) -> None:
    away.run(wheels.program("0.2.0"), "new", "acme", "--defaults")
    done = away.run(wheels.program("0.1.0"), "update", "acme", "--yes")
    assert done.code == 2
    assert "has no version 'v0.2.0' (known: v0.1.0): a newer fourhats brings it" in done.err
    assert done.err.count("\n") == 1
    assert away.git("-C", "acme", "status", "--porcelain") == ""


def test_uvx_runs_it(installer: Shell, wheels: Wheels) -> None:
    uvx = ("uvx", "--quiet", "--from", str(wheels.later))
    done = installer.run(*uvx, "fourhats", "new", "acme", "--defaults")
    assert (done.code, done.err) == (0, "")
    assert answers_of(installer.folder / "acme")["_commit"] == "v0.2.0"


def test_pipx_installs_it(installer: Shell, wheels: Wheels) -> None:
    pipx = ("uvx", "--quiet", "pipx")
    installed = installer.run(*pipx, "install", str(wheels.later))
    assert installed.code == 0, installed.err
    program = f"{installer.environment['PIPX_BIN_DIR']}/fourhats"
    done = installer.run(program, "new", "acme", "--defaults")
    assert (done.code, done.err) == (0, "")
    assert answers_of(installer.folder / "acme")["_commit"] == "v0.2.0"


def test_pip_installs_it_from_the_sdist(installer: Shell, wheels: Wheels) -> None:
    environment = installer.folder / "environment"
    installer.run("uv", "venv", "--quiet", "--seed", str(environment))
    (sdist,) = wheels.repository.dist.glob("fourhats-0.2.0.tar.gz")
    pip = (str(environment / "bin" / "pip"), "install", "--quiet")
    installed = installer.run(*pip, "--constraint", str(ROOT / "constraints.txt"), str(sdist))
    assert installed.code == 0, installed.err
    done = installer.run(str(environment / "bin" / "fourhats"), "new", "acme", "--defaults")
    assert (done.code, done.err) == (0, "")
    assert answers_of(installer.folder / "acme")["_commit"] == "v0.2.0"


def test_a_wheel_of_the_repository_is_that_of_the_sdist(tmp_path: Path, wheels: Wheels) -> None:
    def content(wheel: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(wheel) as files:
            names = [name for name in files.namelist() if not name.endswith("/RECORD")]
            return {name: files.read(name) for name in names}

    assert wheels.repository.build("--wheel", "--out-dir", str(tmp_path)).returncode == 0
    (wheel,) = tmp_path.glob("*.whl")
    one, other = content(wheel), content(wheels.later)
    assert [name for name in one | other if one.get(name) != other.get(name)] == []


def test_what_git_was_told_before_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Ada")
    before = dict(os.environ)
    with instead_of(CANONICAL_URL, tmp_path):
        settings = subprocess.run(
            ["git", "config", "--list"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert {"user.name=Ada", f"url.{tmp_path}.insteadof={CANONICAL_URL}"} <= {*settings}
    assert dict(os.environ) == before


def no_repository(ours: Repository) -> None:
    shutil.rmtree(ours.folder / ".git")


def in_another_repository(ours: Repository) -> None:
    shutil.move(ours.folder / ".git", ours.folder.parent)


def shallow(ours: Repository) -> None:
    ours.git("commit", "--quiet", "--allow-empty", "-m", "Two")
    ours.git("clone", "--quiet", "--bare", "--depth", "1", f"file://{ours.folder}", "../shallow")
    shutil.rmtree(ours.folder / ".git")
    shutil.move(ours.folder.parent / "shallow", ours.folder / ".git")
    ours.git("config", "core.bare", "false")


def uncommitted(ours: Repository) -> None:
    (ours.folder / "questions" / "99_later.yml").write_text("later: not committed")


def another_tag(ours: Repository) -> None:
    ours.git("tag", "v7.0.0")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_repository, "is no git repository"),
        (in_another_repository, "is no git repository"),
        (shallow, "is a shallow clone"),
        (uncommitted, "has changes of the template that are not committed"),
        (another_tag, "the commit is tagged v7.0.0, but pyproject.toml says "),
    ],
    ids=["folder", "below another", "shallow", "uncommitted", "tag"],
)
def test_what_has_no_versions_to_carry_is_not_built(
    tmp_path: Path, spoil: object, words: str
) -> None:
    ours = repository(tmp_path / "fourhats")
    assert callable(spoil)
    spoil(ours)
    done = ours.build("--wheel", "--out-dir", "dist")
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not [*ours.dist.glob("*.whl")]
