"""What is handed over is the project with its champion, and all of it is accounted for."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from importlib.metadata import distributions
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.handover import hand_over
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry

from tests.runtime.sample_project import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fourhats_runtime import Project

VALIDATE = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.from_version(sys.argv[1]))
for path in map(Path, sys.argv[2:]):
    fault = validator.validate_str(path.read_text(encoding="utf-8"))
    print(str(fault).splitlines()[0])
"""
spared = pytest.mark.usefixtures("without_tool")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def committed(project: Project) -> None:
    (project.folder / ".gitignore").write_text(".env\n/artifacts/\n/docs/\n", encoding="utf-8")
    git(project.folder, "init", "--quiet")
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message", "all")


def run(command: str, folder: Path) -> int:
    done = subprocess.run(["sh", "-c", command], cwd=folder, check=False, capture_output=True)
    return done.returncode


def check(folder: Path) -> int:
    return run("sha256sum --check --quiet checksums.txt", folder)


@spared
def test_the_zip_holds_the_folder_and_the_champion_answers_from_it(
    ready: Project, tmp_path: Path
) -> None:
    made = hand_over(ready, ready.artifacts / "handover")
    with zipfile.ZipFile(made.zip) as archive:
        archive.extractall(tmp_path / "there")
    there = tmp_path / "there" / "sample-handover"
    assert check(there) == 0
    names = {path.relative_to(there) for path in there.rglob("*")}
    assert names == {path.relative_to(made.folder) for path in made.folder.rglob("*")}
    before, after = Model.champion(ready), Model.champion(ready.at(there / "project"))
    assert after.version == before.version == made.champion
    (case,) = json.loads((there / "example.json").read_text())
    record = {name: [value] for name, value in case.items()}
    assert after.predict(record).tolist() == before.predict(record).tolist()
    assert not (there / "project" / "artifacts" / "handover").exists()


@spared
def test_a_changed_file_is_found_by_the_checksums(ready: Project) -> None:
    made = hand_over(ready, ready.artifacts / "handover")
    assert check(made.folder) == 0
    (made.folder / "data.md").write_text("other\n", encoding="utf-8")
    assert check(made.folder) == 1


@spared
def test_without_git_what_gitignore_names_stays_behind(ready: Project) -> None:
    (ready.folder / "noise.log").write_text("noise", encoding="utf-8")
    (ready.folder / "kept.txt").write_text("kept", encoding="utf-8")
    inside = ready.folder / "out"
    for _ in range(2):  # the second finds the first, and does not take it along
        made = hand_over(ready, inside)
    names = {path.name for path in (made.folder / "project").iterdir()}
    assert {"kept.txt", "config", ".env.example"} <= names
    assert not {"noise.log", "out", "out.zip"} & names
    assert "in no git repository" in (made.folder / "START.md").read_text()


@spared
def test_in_git_the_commit_is_handed_over_and_what_is_not_in_it_is_named(ready: Project) -> None:
    committed(ready)
    contract = ready.contract_file.read_text(encoding="utf-8")
    ready.contract_file.write_text(contract + "# not committed\n", encoding="utf-8")
    (ready.folder / "new.txt").write_text("new", encoding="utf-8")
    made = hand_over(ready, ready.artifacts / "handover")
    assert made.uncommitted == ("config/contract.toml", "new.txt")
    there = made.folder / "project"
    assert (there / "config" / "contract.toml").read_text(encoding="utf-8") == contract
    assert not (there / "new.txt").exists()
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    assert "left out: `config/contract.toml`, `new.txt`" in start


@spared
def test_the_checksums_are_signed_where_git_has_a_key(ready: Project, tmp_path: Path) -> None:
    committed(ready)
    assert not hand_over(ready, ready.artifacts / "handover").signed
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    git(ready.folder, "config", "gpg.format", "ssh")
    git(ready.folder, "config", "user.signingkey", str(key))
    made = hand_over(ready, ready.artifacts / "handover")
    assert made.signed
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    (command,) = (line for line in start.split("`") if line.startswith("ssh-keygen"))
    assert run(command, made.folder) == 0
    with (made.folder / "checksums.txt").open("a", encoding="utf-8") as file:
        file.write("more\n")
    assert run(command, made.folder) != 0
    key.unlink()
    key.with_suffix(".pub").unlink()
    with pytest.raises(ProjectError, match=r"could not be signed with git's key"):
        hand_over(ready, ready.artifacts / "other")
    assert not (ready.artifacts / "other").exists()


@pytest.fixture
def gpg_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a key of gpg's in a home whose path is short: its agent has a socket there."""
    with TemporaryDirectory(dir="/tmp", prefix="gpg-") as home:
        monkeypatch.setenv("GNUPGHOME", home)
        who = "Ann <ann@example.com>"
        make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", who]
        try:
            subprocess.run([*make, "ed25519", "sign"], check=True, capture_output=True)
            yield who
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


@spared
def test_the_checksums_are_signed_by_gpg_where_git_signs_by_it(
    ready: Project, gpg_key: str
) -> None:
    committed(ready)
    git(ready.folder, "config", "user.signingkey", gpg_key)
    made = hand_over(ready, ready.artifacts / "handover")
    assert made.signed
    start = (made.folder / "START.md").read_text(encoding="utf-8")
    (command,) = (line for line in start.split("`") if line.startswith("gpg --verify"))
    assert run(command, made.folder) == 0
    with (made.folder / "checksums.txt").open("a", encoding="utf-8") as file:
        file.write("more\n")
    assert run(command, made.folder) == 1
    git(ready.folder, "config", "user.signingkey", "Nobody <nobody@example.com>")
    with pytest.raises(ProjectError, match=r"could not be signed with git's key .*No secret key"):
        hand_over(ready, ready.artifacts / "other")
    assert not (ready.artifacts / "other").exists()


def test_the_bill_of_materials_is_cyclonedx_of_what_is_installed(ready: Project) -> None:
    made = hand_over(ready, ready.artifacts / "handover")
    text = (made.folder / "sbom.json").read_text(encoding="utf-8")
    bill = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    listed = {(each["name"].lower(), each["version"]) for each in bill["components"]}
    assert listed == {(each.metadata["Name"].lower(), each.version) for each in distributions()}
    assert "file:" not in text  # where on this machine something was installed from
    # Of each form and licence one: of all, it takes 13 seconds.
    forms = {str((sorted(each), each.get("licenses"))): each for each in bill["components"]}
    bill["components"] = list(forms.values())
    few, broken = (made.folder / name for name in ("few.json", "broken.json"))
    few.write_text(json.dumps(bill), encoding="utf-8")
    bill["components"] = bill["components"][:1]
    del bill["components"][0]["name"]
    broken.write_text(json.dumps(bill), encoding="utf-8")
    fine, fault = faults(bill["specVersion"], few, broken)
    assert fine == "None"
    assert "'name' is a required property" in fault


def faults(version: str, *paths: Path) -> list[str]:
    """Hold bills against CycloneDX's own schema, which comes with their library."""
    tools = TEMPLATE / "deploy" / "tools.txt"
    tool = ["uv", "tool", "run", "--quiet", "--from", "cyclonedx-bom", "--constraints", str(tools)]
    asked = [*tool, "python", "-c", VALIDATE, version, *map(str, paths)]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()


@spared
def test_a_folder_of_somebody_else_is_left_alone(ready: Project, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"theirs exists, and is no hand-over of before"):
        hand_over(ready, theirs)
    (tmp_path / "mine.zip").write_text("years", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"mine.zip exists, and is no hand-over of before"):
        hand_over(ready, tmp_path / "mine")
    assert (theirs / "thesis.txt").read_text(encoding="utf-8") == "years"


@spared
@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("artifacts/registry/champion", "there is no champion in .* run the step `promote` first"),
        ("docs/lineage.md", "lineage.md is not there: run the step `report` first"),
    ],
)
def test_what_is_missing_is_named_with_the_step_that_makes_it(
    ready: Project, missing: str, words: str
) -> None:
    (ready.folder / missing).unlink()
    with pytest.raises(ProjectError, match=words):
        hand_over(ready, ready.artifacts / "handover")


@spared
def test_a_model_card_of_another_version_is_refused(ready: Project) -> None:
    registry = Registry(ready.artifacts / "registry")
    version = registry.require("champion")
    card = ready.folder / "docs" / "model_card.md"
    text = card.read_text(encoding="utf-8").replace(version, "v9-00000000")
    card.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=f"is not about the champion {version}"):
        hand_over(ready, ready.artifacts / "handover")


def test_without_the_tools_versions_it_is_said_in_one_line(ready: Project) -> None:
    shutil.rmtree(ready.folder / "deploy")
    with pytest.raises(ProjectError, match=r"^deploy/tools.txt is missing, which says"):
        hand_over(ready, ready.artifacts / "handover")
    assert not (ready.artifacts / "handover.zip").exists()
    assert not list(ready.artifacts.glob("unfinished-*"))


def test_a_tool_that_fails_is_said_in_one_line(
    ready: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no way to the index' >&2\nexit 2\n", encoding="utf-8")
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    words = r"^the bill of materials could not be made: error: no way to the index$"
    with pytest.raises(ProjectError, match=words):
        hand_over(ready, ready.artifacts / "handover")
    assert not list(ready.artifacts.glob("*handover*"))
