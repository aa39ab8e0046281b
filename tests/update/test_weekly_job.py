"""The weekly job opens the template's update as a pull request: its own script, in a real clone.

`gh` and `uvx` are stand-ins: the one notes what it is asked, the other runs this `fourhats`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.services.rendered import ROOT
from tests.update.commands import render, start
from tests.update.small_template import DEFAULTS, SmallTemplate
from tests.update.snapshot import read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from tests.update.snapshot import Tree

BRANCH = "template-update/v2.0.0"
WORKFLOW = ROOT / "template" / ".github" / "workflows" / "template-update.yml"
UVX = """\
#!/bin/sh
test "$1 $2" = "--quiet fourhats" || exit 3
shift 2
exec {program} "$@"
"""
GH = """\
#!{python}
import argparse, json, os, subprocess, sys
from pathlib import Path

assert os.environ["GH_TOKEN"]
noted = Path({folder!r}, "pull-requests.json")
requests = json.loads(noted.read_text()) if noted.exists() else []
parser = argparse.ArgumentParser()
kinds = parser.add_subparsers(dest="kind", required=True)
kinds.add_parser("auth").add_argument("action", choices=["setup-git"])
actions = kinds.add_parser("pr").add_subparsers(dest="action", required=True)
find, create = actions.add_parser("list"), actions.add_parser("create")
for name in ("--head", "--state", "--json", "--jq"):
    find.add_argument(name, required=True)
for name in ("--head", "--base", "--title", "--body-file"):
    create.add_argument(name, required=True)
create.add_argument("--draft", action="store_true")
asked = parser.parse_args()
if asked.action == "list":
    assert (asked.state, asked.json, asked.jq) == ("all", "url", ".[].url")
    print(*("https://host/" + asked.head for one in requests if one["head"] == asked.head))
elif asked.action == "create":
    there = ["git", "ls-remote", "--exit-code", "origin", "refs/heads/" + asked.head]
    if Path({folder!r}, "forbidden").exists() or subprocess.run(there).returncode:
        sys.exit("GitHub Actions is not permitted to create or approve pull requests")
    opened = vars(asked) | {{"body": Path(asked.body_file).read_text()}}
    noted.write_text(json.dumps([*requests, opened]))
"""


@dataclass
class Ran:
    """How a run of the job ended, and what it printed."""

    code: int
    output: str


class Host:
    """The place where a project's repository is: its branches, its pull requests, its job."""

    def __init__(self, folder: Path, project: Path) -> None:
        """Put the project there."""
        self.folder = folder
        self.origin = folder / "origin.git"
        git(project, "clone", "--quiet", "--bare", ".", str(self.origin))
        self.programs = folder / "programs"
        self.programs.mkdir()
        fourhats = Path(sys.executable).with_name("fourhats")
        self.program("uvx", UVX.format(program=fourhats))
        self.program("gh", GH.format(python=sys.executable, folder=str(folder)))
        self.program("pip", "#!/bin/sh\n")

    def program(self, name: str, text: str) -> None:
        """Put a stand-in where the job finds it."""
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self) -> Ran:
        """Run the job's steps one after the other, as its runner does."""
        workflow = yaml.safe_load(WORKFLOW.read_text())
        assert workflow["defaults"]["run"]["shell"] == "bash"
        temporary = Path(mkdtemp(dir=self.folder))
        checkout = temporary / "checkout"
        # actions/checkout brings one commit, without its history.
        git(temporary, "clone", "--quiet", "--depth=1", self.origin.as_uri(), str(checkout))
        output = ""
        for step in workflow["jobs"]["update"]["steps"]:
            if "run" not in step:
                continue
            script = temporary / "step.sh"
            script.write_text(step["run"])
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=checkout,
                env=os.environ
                | {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}
                | {"RUNNER_TEMP": str(temporary), "GITHUB_REF_NAME": "main"}
                | dict.fromkeys(step.get("env", {}), "a token"),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            output += done.stdout
            if done.returncode:
                return Ran(done.returncode, output)
        return Ran(0, output)

    @property
    def pull_requests(self) -> list[dict[str, Any]]:
        """What was opened, oldest first."""
        noted = self.folder / "pull-requests.json"
        return list(json.loads(noted.read_text())) if noted.exists() else []

    @property
    def branches(self) -> set[str]:
        """The branches that the repository has."""
        return set(git(self.origin, "for-each-ref", "--format=%(refname:short)").split())

    def files(self, branch: str) -> Tree:
        """Read what a branch holds."""
        place = Path(mkdtemp(dir=self.folder))
        git(self.folder, "clone", "--quiet", "--branch", branch, str(self.origin), str(place))
        return read(place)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallTemplate:
    """The small template, with a next version."""
    made = SmallTemplate.made(tmp_path_factory.mktemp("weekly") / "template")
    made.release(["changed_hunk", "added", "deleted"])
    return made


@pytest.fixture
def project(template: SmallTemplate, tmp_path: Path) -> Path:
    """A project of the first version."""
    render(template.folder, "v1.0.0", DEFAULTS, tmp_path / "rendered")
    return start(tmp_path / "rendered", tmp_path / "project")


def hosted(project: Path, **mine: str) -> Host:
    """Put a project on a host, after somebody's work on it (new texts, by file name)."""
    for name, text in mine.items():
        next(project.glob(f"{name}.*")).write_text(text)
    commit(project)
    folder = project.parent / "host"
    folder.mkdir()
    return Host(folder, project)


def test_an_update_is_opened_as_a_pull_request(
    project: Path, template: SmallTemplate, tmp_path: Path
) -> None:
    host = hosted(project)
    assert host.run().code == 0
    (request,) = host.pull_requests
    assert request["head"] == BRANCH
    assert request["base"] == "main"
    assert request["title"] == "Update the template to v2.0.0"
    assert not request["draft"]
    for said in ("README.md", "added.md", "legacy.py"):
        assert said in request["body"]
    assert "by hand" not in request["body"]
    assert str(tmp_path) not in request["body"]
    assert host.files(BRANCH) == render(template.folder, "v2.0.0", DEFAULTS, tmp_path / "fresh")
    assert git(host.origin, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    assert git(host.origin, "rev-parse", "main") == git(project, "rev-parse", "HEAD")


def test_a_project_that_is_up_to_date_is_left_alone(
    template: SmallTemplate, tmp_path: Path
) -> None:
    render(template.folder, "v2.0.0", DEFAULTS, tmp_path / "rendered")
    host = hosted(start(tmp_path / "rendered", tmp_path / "project"))
    ran = host.run()
    assert ran.code == 0
    assert "up to date" in ran.output
    assert host.pull_requests == []
    assert host.branches == {"main"}


def test_a_pull_request_is_opened_once(project: Path) -> None:
    host = hosted(project)
    host.run()
    before = git(host.origin, "rev-parse", BRANCH)
    ran = host.run()
    assert ran.code == 0
    assert "not opened again" in ran.output
    assert len(host.pull_requests) == 1
    assert git(host.origin, "rev-parse", BRANCH) == before


def test_one_that_was_closed_is_not_opened_again(project: Path) -> None:
    host = hosted(project)
    host.run()
    git(host.origin, "branch", "--delete", "--force", BRANCH)
    assert host.run().code == 0
    assert len(host.pull_requests) == 1
    assert host.branches == {"main"}


def test_a_conflict_is_opened_as_a_draft_that_names_it(project: Path) -> None:
    readme = (project / "README.md").read_text()
    mine = readme.replace("readme says 4 ", "I say ")
    assert mine != readme
    host = hosted(project, README=mine)
    assert host.run().code == 0
    (request,) = host.pull_requests
    assert request["draft"]
    assert "- [ ] `README.md`" in request["body"]
    text = host.files(BRANCH)["README.md"].content.decode()
    assert "<<<<<<< " in text
    assert "I say " in text
    assert "readme says FOUR " in text


def test_a_kept_file_makes_a_draft_that_names_it(project: Path) -> None:
    mine = (project / "legacy.py").read_text() + "of my own\n"
    host = hosted(project, legacy=mine)
    assert host.run().code == 0
    (request,) = host.pull_requests
    assert request["draft"]
    assert "- [ ] `legacy.py.kept`" in request["body"]
    assert host.files(BRANCH)["legacy.py.kept"].content.decode() == mine


def test_a_pull_request_that_could_not_be_opened_is_opened_the_next_time(project: Path) -> None:
    host = hosted(project)
    forbidden = host.folder / "forbidden"
    forbidden.touch()
    ran = host.run()
    assert ran.code == 1
    assert "::error::No pull request can be opened. docs/runbook.md" in ran.output
    forbidden.unlink()
    assert host.run().code == 0
    assert [request["head"] for request in host.pull_requests] == [BRANCH]


def test_a_branch_that_may_not_be_pushed_is_said(project: Path) -> None:
    host = hosted(project)
    hook = host.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho refusing to update a workflow >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = host.run()
    assert ran.code == 1
    assert "refusing to update a workflow" in ran.output
    assert "::error::The branch cannot be pushed. docs/runbook.md" in ran.output
    assert host.pull_requests == []


@pytest.mark.parametrize("code", [1, 2])
def test_an_update_that_fails_fails_the_job(project: Path, code: int) -> None:
    host = hosted(project)
    host.program("uvx", f"#!/bin/sh\necho there is no network >&2\nexit {code}\n")
    ran = host.run()
    assert ran.code == code
    assert "there is no network" in ran.output
    assert host.pull_requests == []
    assert host.branches == {"main"}


def test_the_token_is_for_the_last_step_alone() -> None:
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["update"]
    *before, last = job["steps"]
    assert "GH_TOKEN" in last["env"]
    assert "token" not in json.dumps(before)
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
