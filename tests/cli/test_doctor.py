"""`fourhats doctor`: each lack comes with the command that fixes it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
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
    (programs / "python3").symlink_to(sys.executable)
    shell.environment["PATH"] = str(programs)


def program(shell: Shell, name: str, script: str) -> Path:
    """Put a command on the path that does what the script says."""
    path = Path(shell.environment["PATH"]) / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def uv_that_finds(shell: Shell, python: Path | str) -> None:
    """Put a uv on the path that takes this Python, whatever is asked for."""
    program(
        shell,
        "uv",
        f'[ "$1" = python ] || {{ echo "uv 9.9.9"; exit 0; }}\n'
        f"[ -n {shlex.quote(str(python))} ] && echo {shlex.quote(str(python))}",
    )


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
    uv_that_finds(shell, sys.executable)
    done = shell.fourhats("doctor", "--json")
    assert not findings(done)["docker"]["ok"]
    assert done.code == 0


def test_the_python_is_the_one_that_uv_takes(shell: Shell) -> None:
    if shutil.which("uv", path=shell.environment["PATH"]) is None:
        pytest.skip("uv is not installed")
    taken = shell.run("uv", "python", "find", ">=3.11,<3.15").out.strip()
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert python["ok"]
    assert f" at {taken} (uv's choice for >=3.11,<3.15)" in python["detail"]


def test_a_project_says_itself_which_python_it_takes(shell: Shell) -> None:
    if shutil.which("uv", path=shell.environment["PATH"]) is None:
        pytest.skip("uv is not installed")
    (shell.folder / ".copier-answers.yml").write_text("project_slug: acme\n")
    pyproject = shell.folder / "pyproject.toml"
    pyproject.write_text('[project]\nname = "acme"\nversion = "0"\nrequires-python = "<3"\n')
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert not python["ok"]
    assert "uv's choice for <3" in python["detail"]
    # The environment that happens to be active is not the project's.
    shell.environment["VIRTUAL_ENV"] = str(Path(sys.executable).parents[1])
    pyproject.write_text('[project]\nname = "acme"\nversion = "0"\nrequires-python = ">=3.11"\n')
    (shell.folder / ".python-version").write_text("3.98\n")
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert python["detail"] == "none is installed (uv's choice by .python-version)"
    assert python["remedy"] == f"cd {shell.folder} && uv python install"


def test_a_python_that_is_too_old_or_does_not_start_is_missing(shell: Shell) -> None:
    only_git_on_the_path(shell)
    old = program(shell, "old-python", "echo Python 3.9.18")
    uv_that_finds(shell, old)
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert python["detail"].startswith(f"3.9.18 at {old} (uv's choice")
    assert python["detail"].endswith("; >=3.11,<3.15 is needed")
    assert python["remedy"] == "uv python install 3.14"
    uv_that_finds(shell, program(shell, "broken", "exit 127"))
    done = shell.fourhats("doctor", "--json")
    assert "broken does not start" in findings(done)["python"]["detail"]
    assert done.code == 1
    uv_that_finds(shell, "")
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert python["detail"].startswith("none is installed")


def test_a_python_chosen_by_a_variable_or_a_pin_is_mended_there(shell: Shell) -> None:
    only_git_on_the_path(shell)
    uv_that_finds(shell, program(shell, "old-python", "echo Python 3.9.18"))
    (shell.folder / ".copier-answers.yml").write_text("project_slug: acme\n")
    (shell.folder / "pyproject.toml").touch()
    (shell.folder / ".python-version").write_text("3.9\n")
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert python["remedy"] == f"cd {shell.folder} && uv python pin 3.14"
    shell.environment["UV_PYTHON"] = "3.9"
    python = findings(shell.fourhats("doctor", "--json"))["python"]
    assert "uv's choice by UV_PYTHON" in python["detail"]
    assert python["remedy"] == "unset UV_PYTHON"


def test_without_uv_the_python_is_the_one_on_the_path(shell: Shell) -> None:
    only_git_on_the_path(shell)
    python = program(shell, "python4", "echo Python 3.14.1")
    (python.parent / "python3").unlink()
    python = python.rename(python.parent / "python3")
    found = findings(shell.fourhats("doctor", "--json"))
    expected = f"3.14.1 at {python} (python3 on the PATH: there is no uv to choose)"
    assert found["python"]["detail"] == expected
    assert found["python"]["ok"]
    assert found["newer pythons"]["detail"] == "none is needed"
    python.unlink()
    assert not findings(shell.fourhats("doctor", "--json"))["python"]["ok"]


def test_a_uv_that_is_not_on_the_path_is_named_by_its_place(shell: Shell) -> None:
    only_git_on_the_path(shell)
    uv_that_finds(shell, sys.executable)
    programs = Path(shell.environment["PATH"])
    uv = (programs / "uv").rename(programs.parent / "uv")
    shell.environment["UV"] = str(uv)
    found = findings(shell.fourhats("doctor", "--json"))
    assert found["uv"]["detail"] == f"9.9.9, at {uv}: not on the PATH"
    assert found["uv"]["remedy"].startswith("curl ")
    assert "uv's choice" in found["python"]["detail"]


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
    for role in ("id", "entity"):
        marked = contract.replace('role = "id"', f'role = "{role}"\npii = true')
        (config / "contract.toml").write_text(marked)
        assert not findings(shell.fourhats("doctor", "acme", "--json"))["PSEUDONYM_KEY"]["ok"]
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
