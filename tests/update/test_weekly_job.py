"""The weekly job opens the template's update as a pull request: its own script, in a real clone.

`uvx` is a stand-in that runs this `fourhats`. So are `gh`, for GitHub, and the APIs of GitLab and
Azure DevOps: they note what they are asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from fourhats.source import CANONICAL_URL

from tests.services.json_service import Asked, json_service
from tests.services.rendered import ROOT
from tests.update.commands import render, start
from tests.update.small_template import DEFAULTS, SmallTemplate
from tests.update.snapshot import Entry, read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.update.snapshot import Tree

BRANCH = "template-update/v2.0.0"
UVX = """\
#!/bin/sh
test "$1 $2 $4" = "--quiet --from fourhats" || exit 3
echo "$3" >> {asked}
shift 4
exec {program} "$@"
"""
GIT = """\
#!/bin/sh
case "$*" in *"commit --quiet --no-verify"*) echo there is no room >&2; exit 1;; esac
exec {git} "$@"
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


class Host(ABC):
    """The place where a project's repository is: its branches, its pull requests, its job."""

    job: ClassVar[Path]
    """The file of the job in the template."""
    request: ClassVar[str] = "pull request"
    error: ClassVar[str] = ""
    """How the host marks an error among what a job prints."""

    def __init__(self, folder: Path, project: Path) -> None:
        """Put the project there."""
        self.folder = folder
        self.origin = folder / "origin.git"
        git(project, "clone", "--quiet", "--bare", ".", str(self.origin))
        self.programs = folder / "programs"
        self.programs.mkdir()
        fourhats = Path(sys.executable).with_name("fourhats")
        self.program("uvx", UVX.format(program=fourhats, asked=self.installed))
        self.program("pip", "#!/bin/sh\n")

    def program(self, name: str, text: str) -> None:
        """Put a stand-in where the job finds it."""
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    @abstractmethod
    def run(self) -> Ran:
        """Run the job's steps one after the other, as its runner does."""

    def checkout(self, *, detached: bool) -> Path:
        """Bring one commit, without its history, into a folder of a folder of its own."""
        checkout = Path(mkdtemp(dir=self.folder)) / "checkout"
        git(self.folder, "clone", "--quiet", "--depth=1", self.origin.as_uri(), str(checkout))
        if detached:
            git(checkout, "checkout", "--quiet", "--detach")
        return checkout

    def shell(self, script: str, checkout: Path, env: dict[str, str], *options: str) -> Ran:
        """Run a script in a checkout."""
        file = checkout.with_name("step.sh")
        file.write_text(script)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *options, str(file)],
            cwd=checkout,
            env=os.environ | {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def steps(self, steps: list[Callable[[], Ran]]) -> Ran:
        """Run steps until one fails."""
        output = ""
        for step in steps:
            ran = step()
            output += ran.output
            if ran.code:
                return Ran(ran.code, output)
        return Ran(0, output)

    @property
    def installed(self) -> Path:
        """Where the stand-in notes from where `fourhats` was to be installed."""
        return self.folder / "installed.txt"

    @property
    def noted(self) -> Path:
        """Where the stand-ins note what was opened."""
        return self.folder / "pull-requests.json"

    @property
    def pull_requests(self) -> list[dict[str, Any]]:
        """What was opened, oldest first."""
        return list(json.loads(self.noted.read_text())) if self.noted.exists() else []

    @property
    def branches(self) -> set[str]:
        """The branches that the repository has."""
        return set(git(self.origin, "for-each-ref", "--format=%(refname:short)").split())

    def files(self, branch: str) -> Tree:
        """Read what a branch holds."""
        place = Path(mkdtemp(dir=self.folder))
        git(self.folder, "clone", "--quiet", "--branch", branch, str(self.origin), str(place))
        return read(place)

    @contextmanager
    def api(self) -> Iterator[str]:
        """Answer the API's requests; yield its address."""

        def answer(asked: Asked) -> object:
            url = urlsplit(asked.path)
            query = {name: value for name, (value,) in parse_qs(url.query).items()}
            return self.answered(url.path, query, asked.headers, asked.body)

        with json_service(answer) as url:
            yield url

    def answered(
        self, path: str, asked: dict[str, str], headers: dict[str, str], body: str
    ) -> object:
        """Answer one request of the job to the API. Raises PermissionError."""
        raise NotImplementedError

    def note(self, **request: object) -> None:
        """Open a pull request of a branch that is there, if that is allowed."""
        if (self.folder / "forbidden").exists() or request["head"] not in self.branches:
            raise PermissionError("not permitted to open it")
        self.noted.write_text(json.dumps([*self.pull_requests, request]))


class GitHub(Host):
    """GitHub, whose pull requests are opened by its own command."""

    job = ROOT / "template" / ".github" / "workflows" / "template-update.yml"
    error = "::error::"

    def run(self) -> Ran:
        """Run the workflow's steps, each as a script of its own."""
        self.program("gh", GH.format(python=sys.executable, folder=str(self.folder)))
        workflow = yaml.safe_load(self.job.read_text())
        assert workflow["defaults"]["run"]["shell"] == "bash"
        checkout = self.checkout(detached=False)
        env = {"RUNNER_TEMP": str(checkout.parent), "GITHUB_REF_NAME": "main"}
        return self.steps(
            [
                lambda step=step: self.shell(  # type: ignore[misc]
                    step["run"],
                    checkout,
                    env | dict.fromkeys(step.get("env", {}), "a token"),
                    "-eo",
                    "pipefail",
                )
                for step in workflow["jobs"]["update"]["steps"]
                if "run" in step
            ]
        )


class GitLab(Host):
    """GitLab, by its API."""

    job = ROOT / "template" / ".gitlab" / "ci" / "template-update.yml"
    request = "merge request"
    token: str = "glpat-1"  # noqa: S105
    scope: str = "template-update"
    """The environment that the token is for."""

    def run(self) -> Ran:
        """Run each job in a checkout of its own, its lines in one shell, as the runner does."""
        jobs = yaml.safe_load(self.job.read_text())
        handed_on = self.folder / "artifacts"
        shutil.rmtree(handed_on, ignore_errors=True)
        with self.api() as url:
            address = f"{url.removeprefix('http://')}/team/project.git"
            env = {
                "CI_API_V4_URL": f"{url}/api/v4",
                "CI_COMMIT_BRANCH": "main",
                "CI_PROJECT_ID": "7",
                "CI_PROJECT_URL": f"{url}/team/project",
                "CI_SERVER_PROTOCOL": "http",
                # Only who signs in by the token meets the repository.
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.{self.origin.as_uri()}.insteadOf",
                "GIT_CONFIG_VALUE_0": f"http://template-update:glpat-1@{address}",
            }

            def run(job: dict[str, Any]) -> Ran:
                checkout = self.checkout(detached=True)
                if "needs" in job and handed_on.exists():
                    shutil.copytree(handed_on, checkout / handed_on_as)
                scopes = {"*", job.get("environment", {}).get("name")}
                given = {"TEMPLATE_UPDATE_TOKEN": self.token} if self.scope in scopes else {}
                ran = self.shell("\n".join(job["script"]), checkout, env | given, "-eo", "pipefail")
                if (checkout / handed_on_as).exists() and "artifacts" in job:
                    shutil.copytree(checkout / handed_on_as, handed_on)
                return ran

            (handed_on_as,) = jobs["template-update"]["artifacts"]["paths"]
            assert jobs["template-update-request"]["needs"] == ["template-update"]
            return self.steps(
                [
                    lambda name=name: run(jobs[name])  # type: ignore[misc]
                    for name in ("template-update", "template-update-request")
                ]
            )

    def answered(
        self, path: str, asked: dict[str, str], headers: dict[str, str], body: str
    ) -> object:
        """List merge requests, or open one."""
        assert path == "/api/v4/projects/7/merge_requests"
        if headers["PRIVATE-TOKEN"] != "glpat-1":
            raise PermissionError("401 Unauthorized")
        if not body:
            assert asked.keys() == {"state", "source_branch"}
            assert asked["state"] == "all"
            return [one for one in self.pull_requests if one["head"] == asked["source_branch"]]
        opened = {name: value for name, (value,) in parse_qs(body).items()}
        assert opened.pop("remove_source_branch") == "true"
        title = opened.pop("title")
        self.note(
            head=opened.pop("source_branch"),
            base=opened.pop("target_branch"),
            title=title.removeprefix("Draft: "),
            draft=title.startswith("Draft: "),
            body=opened.pop("description"),
        )
        assert not opened
        return {"iid": 1}


class AzureDevOps(Host):
    """Azure DevOps, by its API."""

    job = ROOT / "template" / ".azure-pipelines" / "template-update.yml.jinja"
    error = "##vso[task.logissue type=error]"

    def run(self) -> Ran:
        """Run the pipeline's steps, each as a script of its own."""
        (job,) = yaml.safe_load(self.job.read_text())["jobs"]
        checkout = self.checkout(detached=True)
        with self.api() as url:
            env = {
                "AGENT_TEMPDIRECTORY": str(checkout.parent),
                "BUILD_REPOSITORY_ID": "0d1e",
                "BUILD_SOURCEBRANCH": "refs/heads/main",
                "SYSTEM_COLLECTIONURI": f"{url}/acme/",
                "SYSTEM_TEAMPROJECTID": "2b3c",
            }
            return self.steps(
                [
                    lambda step=step: self.shell(  # type: ignore[misc]
                        step.get("bash", step.get("script")),
                        checkout,
                        env | dict.fromkeys(step.get("env", {}), "a-token"),
                    )
                    for step in job["steps"]
                    if {"bash", "script"} & step.keys()
                ]
            )

    def answered(
        self, path: str, asked: dict[str, str], headers: dict[str, str], body: str
    ) -> object:
        """List pull requests, or open one."""
        assert path == "/acme/2b3c/_apis/git/repositories/0d1e/pullrequests"
        assert headers["Authorization"] == "Bearer a-token"
        assert asked.pop("api-version") == "7.1"
        if not body:
            assert asked.pop("searchCriteria.status") == "all"
            branch = asked.pop("searchCriteria.sourceRefName").removeprefix("refs/heads/")
            found = [one for one in self.pull_requests if one["head"] == branch]
            return {"value": found, "count": len(found)}
        assert headers["Content-Type"] == "application/json"
        opened = json.loads(body)
        assert len(opened["description"]) <= 4000
        self.note(
            head=opened["sourceRefName"].removeprefix("refs/heads/"),
            base=opened["targetRefName"].removeprefix("refs/heads/"),
            title=opened["title"],
            draft=opened["isDraft"],
            body=opened["description"],
        )
        return {"pullRequestId": 1}


@pytest.fixture(params=[GitHub, GitLab, AzureDevOps])
def host_of(request: pytest.FixtureRequest) -> type[Host]:
    """Where the project is."""
    kind: type[Host] = request.param
    return kind


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
    note_source(tmp_path / "rendered", f"git+{template.folder.as_uri()}")
    return start(tmp_path / "rendered", tmp_path / "project")


def note_source(project: Path, address: str) -> None:
    """Say in the answers file that the project was made from a repository's address."""
    answers = project / ".copier-answers.yml"
    noted = f"_src_path: {address}\n"
    text = re.sub(r"^_src_path:.*\n( .*\n)*", noted, answers.read_text(), flags=re.MULTILINE)
    answers.write_text(text)


def without_source(tree: Tree) -> Tree:
    """Leave out what the answers file says of the template's place."""
    answers = tree[".copier-answers.yml"].content
    kept = b"".join(
        sorted(
            line
            for line in answers.splitlines(keepends=True)
            if not line.startswith((b"_src_path", b" "))
        )
    )
    return tree | {".copier-answers.yml": Entry(kept)}


def hosted(host_of: type[Host], project: Path, **mine: str) -> Host:
    """Put a project on a host, after somebody's work on it (new texts, by file name)."""
    for name, text in mine.items():
        next(project.glob(f"{name}.*")).write_text(text)
    commit(project)
    folder = project.parent / "host"
    folder.mkdir()
    return host_of(folder, project)


def test_an_update_is_opened_as_a_pull_request(
    host_of: type[Host], project: Path, template: SmallTemplate, tmp_path: Path
) -> None:
    host = hosted(host_of, project)
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
    fresh = render(template.folder, "v2.0.0", DEFAULTS, tmp_path / "fresh")
    assert without_source(host.files(BRANCH)) == without_source(fresh)
    released = git(template.folder, "rev-parse", "v2.0.0^{commit}").strip()
    assert host.installed.read_text() == f"git+{template.folder.as_uri()}@{released}\n"
    assert git(host.origin, "rev-list", "--count", f"main..{BRANCH}").strip() == "1"
    assert git(host.origin, "rev-parse", "main") == git(project, "rev-parse", "HEAD")


def test_a_project_that_is_up_to_date_is_left_alone(
    host_of: type[Host], template: SmallTemplate, tmp_path: Path
) -> None:
    render(template.folder, "v2.0.0", DEFAULTS, tmp_path / "rendered")
    note_source(tmp_path / "rendered", f"git+{template.folder.as_uri()}")
    host = hosted(host_of, start(tmp_path / "rendered", tmp_path / "project"))
    ran = host.run()
    assert ran.code == 0
    assert "up to date" in ran.output
    assert host.pull_requests == []
    assert host.branches == {"main"}


@pytest.mark.parametrize("source", ["/home/ada/fourhats", CANONICAL_URL], ids=["folder", "wheel"])
def test_a_project_without_a_repository_is_told_so_and_installs_nothing(
    host_of: type[Host], project: Path, source: str
) -> None:
    note_source(project, source)
    host = hosted(host_of, project)
    ran = host.run()
    assert ran.code == 0
    assert "docs/runbook.md, Template updates" in ran.output
    assert not host.installed.exists()
    assert host.branches == {"main"}


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:acme/four", "https://github.com/acme/four"),
        ("gl:acme/four.git", "https://gitlab.com/acme/four.git"),
        ("git@host.example:acme/four.git", "ssh://git@host.example/acme/four.git"),
        ("https://host.example/four.git", "https://host.example/four.git"),
    ],
)
def test_the_newest_release_of_the_recorded_address_is_installed(
    host_of: type[Host], project: Path, source: str, address: str
) -> None:
    note_source(project, source)
    host = hosted(host_of, project)
    tags = {"v1.9.0": "a" * 40, "v1.10.0": "b" * 40, "v1.10.0^{}": "c" * 40, "v2.0.0rc1": "d" * 40}
    listed = "\\n".join(f"{oid}\\trefs/tags/{tag}" for tag, oid in tags.items())
    host.program(
        "git",
        f'#!/bin/sh\ncase "$1 $2 $3" in "ls-remote --tags {address}") printf "{listed}\\n";; '
        f'*) exec {shutil.which("git")} "$@";; esac\n',
    )
    host.program("uvx", f'#!/bin/sh\necho "$3" >> {host.installed}\n')
    assert host.run().code == 0
    assert host.installed.read_text() == f"git+{address}@{'c' * 40}\n"


def test_a_pull_request_is_opened_once(host_of: type[Host], project: Path) -> None:
    host = hosted(host_of, project)
    host.run()
    before = git(host.origin, "rev-parse", BRANCH)
    ran = host.run()
    assert ran.code == 0
    assert "not opened again" in ran.output
    assert len(host.pull_requests) == 1
    assert git(host.origin, "rev-parse", BRANCH) == before


def test_one_that_was_closed_is_not_opened_again(host_of: type[Host], project: Path) -> None:
    host = hosted(host_of, project)
    host.run()
    git(host.origin, "branch", "--delete", "--force", BRANCH)
    assert host.run().code == 0
    assert len(host.pull_requests) == 1
    assert host.branches == {"main"}


def test_a_conflict_is_opened_as_a_draft_that_names_it(host_of: type[Host], project: Path) -> None:
    readme = (project / "README.md").read_text()
    mine = readme.replace("readme says 4 ", "I say ")
    assert mine != readme
    host = hosted(host_of, project, README=mine)
    assert host.run().code == 0
    (request,) = host.pull_requests
    assert request["draft"]
    assert "- [ ] `README.md`" in request["body"]
    text = host.files(BRANCH)["README.md"].content.decode()
    assert "<<<<<<< " in text
    assert "I say " in text
    assert "readme says FOUR " in text


def test_a_kept_file_makes_a_draft_that_names_it(host_of: type[Host], project: Path) -> None:
    mine = (project / "legacy.py").read_text() + "of my own\n"
    host = hosted(host_of, project, legacy=mine)
    assert host.run().code == 0
    (request,) = host.pull_requests
    assert request["draft"]
    assert "- [ ] `legacy.py.kept`" in request["body"]
    assert host.files(BRANCH)["legacy.py.kept"].content.decode() == mine


def test_a_pull_request_that_could_not_be_opened_is_opened_the_next_time(
    host_of: type[Host], project: Path
) -> None:
    host = hosted(host_of, project)
    forbidden = host.folder / "forbidden"
    forbidden.touch()
    ran = host.run()
    assert ran.code == 1
    assert f"{host.error}No {host.request} can be opened. docs/runbook.md" in ran.output
    forbidden.unlink()
    assert host.run().code == 0
    assert [request["head"] for request in host.pull_requests] == [BRANCH]


def test_a_branch_that_may_not_be_pushed_is_said(host_of: type[Host], project: Path) -> None:
    host = hosted(host_of, project)
    hook = host.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho refusing to update a workflow >&2\nexit 1\n")
    hook.chmod(0o755)
    ran = host.run()
    assert ran.code == 1
    assert "refusing to update a workflow" in ran.output
    assert f"{host.error}The branch cannot be pushed. docs/runbook.md" in ran.output
    assert host.pull_requests == []


@pytest.mark.parametrize("code", [1, 2])
def test_an_update_that_fails_fails_the_job(host_of: type[Host], project: Path, code: int) -> None:
    host = hosted(host_of, project)
    host.program("uvx", f"#!/bin/sh\necho there is no network >&2\nexit {code}\n")
    ran = host.run()
    assert ran.code == code
    assert "there is no network" in ran.output
    assert host.pull_requests == []
    assert host.branches == {"main"}


def test_a_step_that_fails_ends_the_job(host_of: type[Host], project: Path) -> None:
    host = hosted(host_of, project)
    host.program("git", GIT.format(git=shutil.which("git")))
    ran = host.run()
    assert ran.code == 1
    assert "there is no room" in ran.output
    assert host.pull_requests == []
    assert host.branches == {"main"}


@pytest.mark.parametrize(("token", "said"), [("", "is not set"), ("old", "401 Unauthorized")])
def test_a_token_that_gitlab_does_not_take_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setattr(GitLab, "token", token)
    host = hosted(GitLab, project)
    ran = host.run()
    assert ran.code == 1
    assert said in ran.output
    assert "docs/runbook.md, Template updates, says which token" in ran.output
    assert host.branches == {"main"}


def test_githubs_token_is_for_the_last_step_alone() -> None:
    job = yaml.safe_load(GitHub.job.read_text())["jobs"]["update"]
    *before, last = job["steps"]
    assert "GH_TOKEN" in last["env"]
    assert "token" not in json.dumps(before)
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}


def test_azures_token_is_for_the_last_step_alone() -> None:
    (job,) = yaml.safe_load(AzureDevOps.job.read_text())["jobs"]
    *before, last = job["steps"]
    assert last["env"] == {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}
    assert "token" not in json.dumps(before).lower()
    assert "persistCredentials" not in json.dumps(before)


def test_gitlabs_token_is_for_the_job_that_opens_the_request_alone(project: Path) -> None:
    first, second = (
        yaml.safe_load(GitLab.job.read_text())[name]
        for name in ("template-update", "template-update-request")
    )
    assert "environment" not in first
    assert second["environment"] == {"name": GitLab.scope, "action": "access"}
    assert second["variables"] == {"GIT_STRATEGY": "clone"}
    host = hosted(GitLab, project)
    host.program("uvx", '#!/bin/sh\ntest -z "$TEMPLATE_UPDATE_TOKEN" || exit 3\n')
    assert host.run().code == 0


def test_a_token_that_gitlab_gives_to_every_job_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GitLab, "scope", "*")
    host = hosted(GitLab, project)
    ran = host.run()
    assert ran.code == 1
    assert "is given to every job. docs/runbook.md, Template updates" in ran.output
    assert not host.installed.exists()
