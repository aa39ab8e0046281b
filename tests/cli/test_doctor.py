"""`fourhats doctor`: each lack comes with the command that mends it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.shell import Result, Shell

pytestmark = pytest.mark.quick


def findings(done: Result) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in json.loads(done.out)}


def only_git_on_the_path(shell: Shell) -> None:
    programs = shell.folder.parent / "programs"
    programs.mkdir()
    (programs / "git").symlink_to("/usr/bin/git")
    shell.environment["PATH"] = str(programs)


def test_every_lack_has_a_remedy(shell: Shell) -> None:
    only_git_on_the_path(shell)
    done = shell.fourhats("doctor", "--json")
    assert done.code == 1
    found = findings(done)
    assert found["uv"]["needed"]
    assert found["uv"]["remedy"].startswith("curl ")
    assert found["git user.name"]["remedy"].startswith("git config --global user.name ")
    assert found["docker"]["remedy"].endswith("docker.io") or "brew" in found["docker"]["remedy"]
    assert all(finding["ok"] == (not finding["remedy"]) for finding in found.values())


def test_the_page_says_what_json_says(shell: Shell) -> None:
    only_git_on_the_path(shell)
    page = shell.fourhats("doctor")
    assert page.code == 1
    for name, finding in findings(shell.fourhats("doctor", "--json")).items():
        word = "ok" if finding["ok"] else "MISSING" if finding["needed"] else "lacks"
        line = next(line for line in page.out.splitlines() if f"  {name}  " in line)
        assert line.startswith(word)
    assert page.out.splitlines()[-1] == "1 needed thing missing"


def test_what_only_helps_is_not_needed(shell: Shell) -> None:
    only_git_on_the_path(shell)
    uv = Path(shell.environment["PATH"]) / "uv"
    uv.write_text("#!/bin/sh\necho uv 9.9.9\n")
    uv.chmod(0o755)
    done = shell.fourhats("doctor", "--json")
    assert not findings(done)["docker"]["ok"]
    assert done.code == 0


def test_a_project_needs_the_variables_of_its_answers(shell: Shell) -> None:
    made = shell.fourhats(
        *("new", "acme", "--defaults", "-d", "data_sources=files,postgres"),
        *("-d", "alerts=webhook"),
    )
    assert made.code == 0, made.err
    found = findings(shell.fourhats("doctor", "acme", "--json"))
    assert not found["POSTGRES_URL"]["ok"]
    assert found["POSTGRES_URL"]["needed"]
    assert not found["champion"]["ok"]
    (shell.folder / "acme" / ".env").write_text("POSTGRES_URL='postgresql://secret'\n")
    shell.environment["ALERT_WEBHOOK_URL"] = "https://secret"
    done = shell.fourhats("doctor", "acme", "--json")
    found = findings(done)
    assert found["POSTGRES_URL"]["ok"]
    assert found["ALERT_WEBHOOK_URL"]["ok"]
    assert "secret" not in done.out


def test_a_project_without_them_is_not_asked_for_them(shell: Shell) -> None:
    shell.fourhats("new", "acme", "--defaults")
    found = findings(shell.fourhats("doctor", "acme", "--json"))
    assert "environment" in found
    assert "POSTGRES_URL" not in found
    assert "ALERT_WEBHOOK_URL" not in found


def test_what_the_configuration_asks_for_is_looked_for(shell: Shell) -> None:
    shell.fourhats("new", "acme", "--defaults", "-d", "data_sources=rest_api")
    config = shell.folder / "acme" / "config"
    sources = (config / "sources.toml").read_text(encoding="utf-8")
    (config / "sources.toml").write_text(sources.replace('auth = "none"', 'auth = "oauth2"'))
    contract = (config / "contract.toml").read_text(encoding="utf-8")
    (config / "contract.toml").write_text(
        contract.replace('role = "id"', 'role = "id"\npii = true')
    )
    needed = {"REST_API_CLIENT_ID", "REST_API_CLIENT_SECRET", "PSEUDONYM_KEY"}
    found = findings(shell.fourhats("doctor", "acme", "--json"))
    assert {name for name in needed if not found[name]["ok"]} == needed
    assert "REST_API_KEY" not in found
    (shell.folder / "acme" / ".env").write_text(f"PSEUDONYM_KEY={'k' * 32}\n")
    (config / "sources.toml").write_text("[broken")
    found = findings(shell.fourhats("doctor", "acme", "--json"))
    assert found["PSEUDONYM_KEY"]["ok"]
    assert "REST_API_CLIENT_ID" not in found


def test_spark_needs_java(shell: Shell) -> None:
    shell.fourhats("new", "acme", "--defaults", "-d", "engine=spark", "-d", "warehouse=postgres")
    found = findings(shell.fourhats("doctor", "acme", "--json"))
    assert "a DuckDB file stands in" in found["WAREHOUSE_URL"]["detail"]
    assert not found["WAREHOUSE_URL"]["needed"]
    tools = shell.folder / "tools"
    tools.mkdir()
    java = tools / "java"
    shell.environment["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    for version, ok in (("openjdk 17.0.15 2025-04-15", True), ("openjdk 11.0.2 2019-01-15", False)):
        java.write_text(f"#!/bin/sh\necho '{version}'\n")
        java.chmod(0o755)
        found = findings(shell.fourhats("doctor", "acme", "--json"))
        assert (found["java"]["ok"], found["java"]["needed"]) == (ok, True)
    assert "openjdk-17" in found["java"]["remedy"]


def test_a_folder_that_is_no_project_is_said_to_be_none(shell: Shell) -> None:
    (shell.folder / "notes").mkdir()
    (shell.folder / "notes" / "a.txt").touch()
    assert "is no Fourhats project" in shell.refused("doctor", "notes")
    assert "is no folder" in shell.refused("doctor", "nowhere")


def test_broken_answers_are_one_line(shell: Shell) -> None:
    (shell.folder / ".copier-answers.yml").write_text("a: [")
    assert "cannot be read" in shell.refused("doctor")


def test_a_folder_that_cannot_be_written_to_is_found(shell: Shell) -> None:
    shell.environment["PATH"] = os.environ["PATH"]
    shell.folder = Path("/proc/self")
    found = findings(shell.fourhats("doctor", "--json"))
    assert not found["write access"]["ok"]
