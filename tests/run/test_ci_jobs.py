"""The jobs of GitLab and Azure Pipelines: their own scripts, in order, in a checkout of a project.

What the scripts ask of the machine is there already: `pip install uv` is a stand-in, and uv's cache
is the one that all tests share, which no test may prune.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.services.ci_job import run_shells
from tests.services.draw import drawn
from tests.services.rendered import project_env, render

if TYPE_CHECKING:
    from pathlib import Path

PRUNE = "uv cache prune --ci"


@dataclass(frozen=True)
class Checkout:
    """A project's commit, detached, as a runner brings it."""

    ci: str
    folder: Path
    programs: Path

    def yaml(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """Read one of its YAML files."""
        return yaml.safe_load((self.folder / name).read_text())

    def git(self, *arguments: str) -> str:
        """Run git there; return what it prints."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout

    def checks(self) -> list[str]:
        """The shells of the job of the checks: GitLab runs all lines in one, Azure one a step."""
        if self.ci == "gitlab":
            lines = self.yaml(".gitlab/ci/checks.yml")["test"]["script"]
            assert lines[-1] == PRUNE
            return ["\n".join(lines[:-1])]
        steps = self.yaml(".azure-pipelines/ci.yml")["stages"][0]["jobs"][0]["steps"]
        shells = [step["script"] for step in steps if "script" in step]
        assert shells[-1] == PRUNE
        return shells[:-1]

    def line(self, status: str) -> list[str]:
        """The shells of the job of the line, where it has ended so: those that then still run."""
        if self.ci == "gitlab":
            job = self.yaml(".gitlab/ci/line.yml")["line"]
            after = "\n".join(job["after_script"])
            return [*(["\n".join(job["script"])] if status == "success" else []), after]
        (job,) = self.yaml(".azure-pipelines/line.yml")["jobs"]
        steps = [step for step in job["steps"] if "script" in step]
        wanted = {"success": None, "failed": "or(failed(), canceled())"}[status]
        return [step["script"] for step in steps if step.get("condition") == wanted]

    def run(self, shells: list[str], status: str = "") -> tuple[int, str]:
        """Run shells until one fails; return how it ended, and all that was printed."""
        set_by = {"gitlab": {"GITLAB_CI": "true"}, "azure_devops": {"TF_BUILD": "True"}}[self.ci]
        env = set_by | {"CI": "true", "CI_JOB_STATUS": status, "TRAINING__TRIALS": "2"}
        options = ["-eo", "pipefail"] if self.ci == "gitlab" else []
        return run_shells(shells, self.folder, self.programs, env, options)


@pytest.fixture(scope="module", params=drawn(["gitlab", "azure_devops"]))
def checkout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout of a project that its service's schedule runs."""
    folder = tmp_path_factory.mktemp(request.param)
    project = render(folder / "project", orchestrator="none", ci=request.param).folder
    person = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        [*person, "commit", "--quiet", "--message=Start"],
        ["clone", "--quiet", "--depth=1", project.as_uri(), str(folder / "checkout")],
    ):
        subprocess.run(["git", *words], cwd=project, check=True)
    pip = folder / "programs" / "pip"
    pip.parent.mkdir()
    pip.write_text('#!/bin/sh\ntest "$1" = install\n')
    pip.chmod(0o755)
    made = Checkout(request.param, folder / "checkout", pip.parent)
    made.git("checkout", "--quiet", "--detach")
    return made


@pytest.mark.slow
def test_the_checks_pass_on_a_fresh_project(checkout: Checkout) -> None:
    code, output = checkout.run(checkout.checks())
    assert code == 0, output
    assert " passed" in output


def test_the_checks_refuse_code_that_is_not_clean(checkout: Checkout) -> None:
    module = checkout.folder / "src" / "customer_churn" / "mine.py"
    module.write_text('"""Mine."""\n\nLIMIT: int = "none"\n')
    checkout.git("add", "--all")
    try:
        code, output = checkout.run(checkout.checks())
        assert code == 1
        assert "Incompatible types in assignment" in output
        assert " passed" not in output
    finally:
        checkout.git("reset", "--quiet", "--hard")


def test_the_line_runs_and_keeps_what_it_made(checkout: Checkout) -> None:
    code, output = checkout.run(checkout.line("success"), "success")
    assert code == 0, output
    assert "ALERT firing step:line" not in output
    # The next checkout is forced, but cleans nothing.
    checkout.git("checkout", "--quiet", "--force", "--detach", "HEAD")
    assert (checkout.folder / "artifacts" / "registry" / "champion").exists()


def test_a_line_that_fails_is_told(checkout: Checkout) -> None:
    code, output = checkout.run(checkout.line("failed"), "failed")
    assert code == 0, output
    assert "ALERT firing step:line" in output


@pytest.mark.parametrize("checkout", ["gitlab"], indirect=True)
def test_gitlabs_cache_is_nothing_that_git_sees(checkout: Checkout, tmp_path: Path) -> None:
    job = checkout.yaml(".gitlab/ci/checks.yml")["test"]
    cache = job["variables"]["UV_CACHE_DIR"].replace("$CI_PROJECT_DIR", str(checkout.folder))
    assert job["cache"]["paths"] == [".uv-cache"]
    for words in (["venv", "--quiet", str(tmp_path / "made")], ["cache", "prune", "--ci"]):
        subprocess.run(
            ["uv", *words],
            cwd=checkout.folder,
            env=project_env({"UV_CACHE_DIR": cache}),
            check=True,
        )
    assert (checkout.folder / ".uv-cache").is_dir()
    assert checkout.git("status", "--porcelain", "--", ".uv-cache") == ""
