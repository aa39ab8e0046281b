"""CI looks for known flaws: its own commands, of each service, in a rendered project.

uv is real, and asks a stand-in of OSV's service. Docker, and with it the scanner and Terraform, is
a stand-in that notes what it is asked.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.services.ci_job import run_shells
from tests.services.json_service import Asked, json_service
from tests.services.ports import free_port
from tests.services.rendered import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = ["github", "gitlab", "azure_devops"]
FLAW = {
    "id": "GHSA-1111-2222-3333",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "It takes what it should not",
}
UV = """\
#!/bin/sh
exec {uv} "$@" --service-url {url}
"""
DOCKER = """\
#!/bin/sh
printf '%s\\n' "$*" >> {noted}
case $1 in
  save) printf 'the archive of %s' "$4" > "$3" ;;
  run) cat image.tar >> {noted}; printf '\\n' >> {noted}; exit "${{FOUND:-0}}" ;;
esac
"""

TERRAFORM = """\
#!/bin/sh
printf '%s\\n' "$*" >> {noted}
case "$*" in *"$FAULT"*) exit 1 ;; esac
"""
DOCKER_WITH_TERRAFORM = """\
#!/bin/sh
case $1 in
  create) echo container ;;
  cp) test "$2" = container:/bin/terraform && cp {terraform} "$3" ;;
esac
"""


@dataclass(frozen=True)
class Project:
    """A rendered project, the service that checks it, and the programs put before the real ones."""

    ci: str
    folder: Path
    programs: Path

    def program(self, name: str, text: str) -> None:
        """Put a stand-in where a job finds it."""
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def commands(self, job: str) -> list[str]:
        """Give the commands of a job."""
        if self.ci == "github":
            steps = self.yaml(".github/workflows/ci.yml")["jobs"][job]["steps"]
            return [step["run"] for step in steps if "run" in step]
        if self.ci == "gitlab":
            return list(self.yaml(".gitlab/ci/checks.yml")[job]["script"])
        jobs = self.yaml(".azure-pipelines/ci.yml")["stages"][0]["jobs"]
        (steps,) = (one["steps"] for one in jobs if one["job"] == job)
        return [step["script"] for step in steps if "script" in step]

    def yaml(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """Read one of its YAML files."""
        return yaml.safe_load((self.folder / name).read_text())

    def run(self, job: str, **env: str) -> tuple[int, str]:
        """Run a job's commands until one fails; return how it ended, and what was printed."""
        return run_shells(self.commands(job), self.folder, self.programs, env)


@pytest.fixture(params=SERVICES)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project that this service checks."""
    project = checked_by(request.param, tmp_path)
    project.program("pip", '#!/bin/sh\ntest "$1" = install\n')
    return project


def checked_by(ci: str, folder: Path, **answers: Any) -> Project:  # noqa: ANN401 - of any question
    """Render a project that this service checks."""
    made = render(folder / "project", ci=ci, **answers)
    (folder / "programs").mkdir()
    return Project(ci, made.folder, folder / "programs")


@contextmanager
def osv(flawed: str) -> Iterator[str]:
    """Answer what OSV does, with a flaw in one package; yield the address."""

    def answer(asked: Asked) -> object:
        if not asked.body:
            assert asked.path.endswith(str(FLAW["id"]))
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}]
            package = {"name": flawed, "ecosystem": "PyPI"}
            return FLAW | {"affected": [{"package": package, "ranges": ranges}]}
        found = {"vulns": [{name: FLAW[name] for name in ("id", "modified")}]}
        names = [one["package"]["name"] for one in json.loads(asked.body)["queries"]]
        assert "fastapi" in names
        return {"results": [found if name == flawed else {} for name in names]}

    with json_service(answer) as url:
        yield f"{url}/"


def test_the_audit_fails_on_a_known_flaw_alone(project: Project) -> None:
    with osv("fastapi") as url:
        project.program("uv", UV.format(uv=which("uv"), url=url))
        code, output = project.run("audit")
        assert code == 1
        assert "fastapi" in output
        assert "GHSA-1111-2222-3333: It takes what it should not" in output
        assert "Fixed in: 99" in output
        file = project.folder / "pyproject.toml"
        mine = '\n[tool.uv.audit]\nignore = ["GHSA-1111-2222-3333"]\n'
        file.write_text(file.read_text() + mine)
        code, output = project.run("audit")
        assert code == 0, output
    with osv("a-package-that-is-not-there") as url:
        project.program("uv", UV.format(uv=which("uv"), url=url))
        assert project.run("audit")[0] == 0


@pytest.mark.parametrize("project", ["github"], indirect=True)
def test_an_audit_without_its_service_fails(project: Project) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    project.program("uv", UV.format(uv=which("uv"), url=url))
    code, output = project.run("audit", UV_HTTP_RETRIES="0")
    assert code == 2
    assert "error sending request" in output


def test_both_images_are_built_and_then_scanned(project: Project) -> None:
    noted = project.programs / "docker.txt"
    project.program("docker", DOCKER.format(noted=noted))
    code, output = project.run("images")
    assert code == 0, output
    lines = noted.read_text().splitlines()
    assert lines[:2] == [
        "build --file deploy/Dockerfile --target line --tag customer-churn-line .",
        "build --file deploy/Dockerfile --tag customer-churn .",
    ]
    asked, scanned = [line.split() for line in lines[2::3]], lines[4::3]
    assert [line[-1] for line in asked] == ["customer-churn-line", "customer-churn"]
    assert scanned == [f"the archive of {line[-1]}" for line in asked]
    for line in lines[3::3]:
        archive, config = (project.folder / name for name in ("image.tar", "deploy/grype.yaml"))
        assert f" --volume {archive}:/image.tar:ro --volume {config}:/grype.yaml:ro " in line
        assert line.endswith(" --config /grype.yaml docker-archive:/image.tar")
        assert "docker.sock" not in line
    assert not (project.folder / "image.tar").exists()


def test_a_flaw_in_an_image_fails_the_job(project: Project) -> None:
    noted = project.programs / "docker.txt"
    project.program("docker", DOCKER.format(noted=noted))
    assert project.run("images", FOUND="2")[0] == 2
    assert not (project.folder / "image.tar").exists()
    assert "docker-archive" in noted.read_text().splitlines()[-2]


@pytest.mark.parametrize("ci", SERVICES)
def test_the_files_for_a_cloud_are_held_against_its_provider(ci: str, tmp_path: Path) -> None:
    project = checked_by(ci, tmp_path, cloud="gcp")
    noted = tmp_path / "terraform.txt"
    terraform = project.programs / "terraform-of-the-image"
    project.program(terraform.name, TERRAFORM.format(noted=noted))
    project.program("docker", DOCKER_WITH_TERRAFORM.format(terraform=terraform))
    code, output = project.run("infrastructure", FAULT="none of it")
    assert code == 0, output
    place = "-chdir=deploy/terraform/gcp"
    assert noted.read_text().splitlines() == [
        f"{place} fmt -check -diff -recursive",
        f"{place} init -backend=false -input=false",
        f"{place} validate",
    ]
    for fault in ("fmt", "init", "validate"):
        assert project.run("infrastructure", FAULT=f" {fault}")[0] == 1


def test_what_fails_the_scan_is_grave_and_mended_somewhere(project: Project) -> None:
    settings = project.yaml("deploy/grype.yaml")
    assert settings["fail-on-severity"] == "high"
    assert settings["only-fixed"] is True
    assert settings["ignore"] == []
