"""CI releases a version: its own steps of each service, to each cloud, in a rendered project.

Docker, Terraform, AWS's command and the clouds that hand out tokens are stand-ins: they note what
they are asked, and refuse what is not right. The API is real, and so is the prediction; the server
in front of it gives none while a version runs that is broken.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.services.json_service import Asked, http_service, json_service
from tests.services.ports import free_port
from tests.services.rendered import ROOT, command, render, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.rendered import Project

QUESTIONS = yaml.safe_load((ROOT / "questions" / "50_ml_engineer.yml").read_text())
CLOUDS = sorted(set(QUESTIONS["cloud"]["choices"].values()) - {"none"})
SERVICES = ["github", "gitlab", "azure_devops"]
REGISTRIES = {
    "aws": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "gcp": "europe-west1-docker.pkg.dev/acme/churn",
    "azure": "acme.azurecr.io",
}
PASSWORDS = {"aws": "ecr-password", "gcp": "google-access", "azure": "acr-refresh"}
USERS = {
    "aws": "AWS",
    "gcp": "oauth2accesstoken",
    "azure": "00000000-0000-0000-0000-000000000000",
}
VARIABLES = {
    "AWS_REGION": "eu-central-1",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci",
    "GCP_SERVICE_ACCOUNT": "ci@acme.iam.gserviceaccount.com",
    "GCP_WORKLOAD_IDENTITY_PROVIDER": (
        "projects/1/locations/global/workloadIdentityPools/ci/providers/ci"
    ),
    "ARM_CLIENT_ID": "the-client",
    "ARM_SUBSCRIPTION_ID": "the-subscription",
    "ARM_TENANT_ID": "the-tenant",
}
OLD, NEW = "0" * 40, "1" * 40
DOCKER = """\
#!/bin/sh
printf 'docker %s\\n' "$*" >> {noted}
case $1 in
  create) echo container ;;
  cp) test "$2" = container:/bin/terraform && cp {programs}/terraform-of-the-image "$3" ;;
  login) printf '%s %s %s\\n' "$5" "$3" "$(cat)" >> {folder}/logins.txt ;;
  manifest) grep -qsxF "$3" {folder}/pushed.txt ;;
  push) echo "$3" >> {folder}/pushed.txt ;;
esac
"""
TERRAFORM = """\
#!{python}
import json, os, sys
from pathlib import Path

cloud, folder = {cloud!r}, Path({folder!r})
place, *words = sys.argv[1:]
assert place == "-chdir=deploy/terraform/" + cloud, place
needed = {{
    "aws": {{"AWS_SESSION_TOKEN": "session"}},
    "gcp": {{"GOOGLE_OAUTH_ACCESS_TOKEN": "google-access"}},
    "azure": {{
        "ARM_USE_OIDC": "true",
        "ARM_CLIENT_ID": "the-client",
        "ARM_TENANT_ID": "the-tenant",
        "ARM_SUBSCRIPTION_ID": "the-subscription",
    }},
}}[cloud]
assert {{name: os.environ.get(name) for name in needed}} == needed
with Path({noted!r}).open("a") as notes:
    notes.write("terraform " + " ".join(words) + chr(10))
state = folder / "state.json"
if words[0] == "output":
    if not state.exists():
        sys.exit("No outputs found")
    print(json.loads(state.read_text())[words[2]], end="")
elif words[0] == "apply":
    (tag,) = (word.rpartition("=")[2] for word in words if word.startswith("-var=image_tag="))
    if tag in (folder / "refused.txt").read_text():
        sys.exit("Error: the service did not become stable")
    state.write_text(json.dumps(json.loads(state.read_text()) | {{"image_tag": tag}}))
"""
AWS = """\
#!/bin/sh
case "$1 $2" in
  "sts assume-role-with-web-identity")
    case "$*" in
      *"--role-arn $AWS_ROLE_ARN "*"--web-identity-token the-ci's-token "*)
        printf 'id\\tkey\\tsession\\n' ;;
      *) exit 254 ;;
    esac ;;
  "ecr get-login-password")
    test "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN" = "id key session"
    test "$AWS_REGION" = eu-central-1 && echo ecr-password ;;
esac
"""
PYTHON = """\
#!{python} -IS
import sys
from pathlib import Path

program = sys.argv[1]
text = Path(program).read_text()
for host in ("sts.googleapis.com", "iamcredentials.googleapis.com", "login.microsoftonline.com"):
    text = text.replace("https://" + host, {clouds!r} + "/" + host)
text = text.replace("https://{{host}}", {clouds!r} + "/{{host}}")
sys.argv = sys.argv[1:]
exec(compile(text, program, "exec"), {{"__name__": "__main__"}})
"""


@dataclass
class Clouds:
    """Those who hand out tokens: `url`, and what they were asked for."""

    url: str = ""
    audiences: list[str] = field(default_factory=list)

    def answer(  # noqa: PLR0911 - one for each who is asked
        self, path: str, query: dict[str, str], by: str, body: str
    ) -> dict[str, str]:
        """Answer who asks rightly. Raises AssertionError."""
        if path == "/github":
            assert by == "Bearer the-job's-token"
            self.audiences.append(query["audience"])
            return {"value": "the-ci's-token"}
        if path == "/azure-pipelines":
            assert by == "Bearer the-job's-token"
            assert query == {"api-version": "7.1"}
            self.audiences.append("api://AzureADTokenExchange")
            return {"oidcToken": "the-ci's-token"}
        if path == "/sts.googleapis.com/v1/token":
            asked = json.loads(body)
            assert asked["subjectToken"] == "the-ci's-token"
            provider = VARIABLES["GCP_WORKLOAD_IDENTITY_PROVIDER"]
            assert asked["audience"] == f"//iam.googleapis.com/{provider}"
            return {"access_token": "google-federated"}
        account = f"/v1/projects/-/serviceAccounts/{VARIABLES['GCP_SERVICE_ACCOUNT']}"
        if path.startswith(f"/iamcredentials.googleapis.com{account}:"):
            assert by == "Bearer google-federated"
            if path.endswith(":generateAccessToken"):
                assert json.loads(body)["lifetime"] == "3600s"
                return {"accessToken": "google-access"}
            return {"token": f"identity for {json.loads(body)['audience']}"}
        form = {name: value for name, (value,) in parse_qs(body).items()}
        if path == "/login.microsoftonline.com/the-tenant/oauth2/v2.0/token":
            assert form["client_id"] == "the-client"
            assert form["client_assertion"] == "the-ci's-token"
            return {"access_token": "entra-access"}
        assert path == "/acme.azurecr.io/oauth2/exchange"
        assert form["service"] == "acme.azurecr.io"
        assert form["access_token"] == "entra-access"  # noqa: S105
        return {"refresh_token": "acr-refresh"}


@dataclass(frozen=True)
class Pipeline:
    """A rendered project, what its CI runs, and the stand-ins with what they noted."""

    ci: str
    cloud: str
    folder: Path
    clouds: Clouds
    key: str

    @property
    def programs(self) -> Path:
        """Where the stand-ins are."""
        return self.folder.with_name("programs")

    @property
    def noted(self) -> list[str]:
        """What was asked of Docker and Terraform, in order."""
        return self.folder.with_name("noted.txt").read_text().splitlines()

    @property
    def tags(self) -> list[str]:
        """The versions that were applied, in order."""
        applied = [line for line in self.noted if line.startswith("terraform apply")]
        return [line.rpartition("=")[2] for line in applied]

    def side(self, name: str) -> Path:
        """Give a file of the stand-ins."""
        return self.folder.with_name(name)

    def yaml(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """Read one of its YAML files."""
        return yaml.safe_load((self.folder / name).read_text())

    def release(self, environment: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the steps of the job that releases to an environment, until one fails."""
        done = None
        for shell, script, env in getattr(self, self.ci)(environment):
            done = subprocess.run(
                [*shell, "-c", script],
                cwd=self.folder,
                env={
                    "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                    "HOME": str(self.folder.with_name("home")),
                    "SMOKE_PATIENCE": "0",
                }
                | env
                | more,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            if done.returncode:
                break
        assert done is not None
        return done

    def github(self, environment: str) -> Iterator[tuple[list[str], str, dict[str, str]]]:
        """Give the steps of GitHub's job, as its runner does."""
        job = self.yaml(".github/workflows/ci.yml")["jobs"][environment]
        assert job["environment"] == environment
        known = {f"${{{{ vars.{name} }}}}": value for name, value in VARIABLES.items()}
        known["${{ secrets.API_KEY }}"] = self.key
        base = {
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-job's-token",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.clouds.url}/github?api-version=2.0",
            "GITHUB_SHA": NEW,
        }
        for step in job["steps"]:
            if "run" in step:
                shell = ["bash", "-e", *(["-o", "pipefail"] if "shell" in step else [])]
                env = {name: known[value] for name, value in step.get("env", {}).items()}
                yield shell, step["run"], base | env

    def gitlab(self, environment: str) -> Iterator[tuple[list[str], str, dict[str, str]]]:
        """Give the lines of GitLab's job: one script of the shell of a small image."""
        jobs = self.yaml(".gitlab/ci/deploy.yml")
        job = jobs[".release"] | jobs[environment]
        assert job["environment"] == environment
        tokens = dict.fromkeys(job["id_tokens"], "the-ci's-token")
        self.clouds.audiences.extend(token["aud"] for token in job["id_tokens"].values())
        set_by = {
            "API_KEY": self.key,
            "CI_COMMIT_SHA": NEW,
            "CI_ENVIRONMENT_NAME": environment,
            "CI_REGISTRY": "registry.gitlab.com",
            "CI_REGISTRY_IMAGE": "registry.gitlab.com/acme/churn",
            "CI_REGISTRY_PASSWORD": "the-job's-token",
            "CI_REGISTRY_USER": "gitlab-ci-token",
        }
        yield ["sh", "-e"], "\n".join(job["script"]), VARIABLES | tokens | set_by

    def azure_devops(self, environment: str) -> Iterator[tuple[list[str], str, dict[str, str]]]:
        """Give the steps of Azure's job, with the parameter and the variables put in."""
        text = (self.folder / ".azure-pipelines" / "deploy.yml").read_text()
        text = text.replace("${{ parameters.environment }}", environment)
        (stage,) = yaml.safe_load(text)["stages"]
        (job,) = stage["jobs"]
        assert stage["variables"] == [{"group": environment}]
        assert job["environment"] == environment
        known = {"$(System.AccessToken)": "the-job's-token", "$(API_KEY)": self.key}
        base = {
            "BUILD_SOURCEVERSION": NEW,
            "SYSTEM_OIDCREQUESTURI": f"{self.clouds.url}/azure-pipelines",
        }
        if self.cloud == "azure":
            self.clouds.audiences.append("api://AzureADTokenExchange")
            base |= {"idToken": "the-ci's-token", "servicePrincipalId": "the-client"}
            base |= {"tenantId": "the-tenant", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "one"}
        else:
            base |= VARIABLES
        for step in job["strategy"]["runOnce"]["deploy"]["steps"]:
            script = step.get("bash") or step.get("script")
            script = script or step.get("inputs", {}).get("inlineScript")
            if script:
                env = {name: known[value] for name, value in step.get("env", {}).items()}
                yield ["bash"], script.replace("$(Pipeline.Workspace)", "/agent"), base | env


@pytest.fixture(scope="module")
def api(default_project: Project) -> Iterator[tuple[str, str]]:
    """The address of a real API that asks for a key, and the key."""
    lines = command(default_project, "api-key").stdout.splitlines()[:2]
    made = dict(line.split() for line in lines)
    with serve(default_project, {"API_KEY_HASHES": made["hash"], "SERVE__VERSION": NEW}) as url:
        yield url, made["key"]


@pytest.fixture(scope="module")
def clouds() -> Iterator[Clouds]:
    """Those who hand out tokens."""
    made = Clouds()

    def answer(asked: Asked) -> dict[str, str]:
        url = urlsplit(asked.path)
        query = {name: value for name, (value,) in parse_qs(url.query).items()}
        try:
            return made.answer(url.path, query, asked.headers.get("Authorization", ""), asked.body)
        except AssertionError as error:
            raise PermissionError(str(error)) from error

    with json_service(answer) as url:
        made.url = url
        yield made


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A project of each service and cloud, once they were asked for."""
    return {("", ""): tmp_path_factory.mktemp("releases")}


@pytest.fixture(params=[(ci, cloud) for ci in SERVICES for cloud in CLOUDS], ids="-".join)
def pipeline(
    request: pytest.FixtureRequest,
    templates: dict[tuple[str, str], Path],
    api: tuple[str, str],
    clouds: Clouds,
    tmp_path: Path,
) -> Iterator[Pipeline]:
    """A project whose version OLD runs; NEW is what its CI releases."""
    ci, cloud = request.param
    if (ci, cloud) not in templates:
        place = templates["", ""] / f"{ci}-{cloud}"
        templates[ci, cloud] = render(place, ci=ci, cloud=cloud).folder
    shutil.copytree(templates[ci, cloud], tmp_path / "project")
    (tmp_path / "broken.txt").write_text("")
    (tmp_path / "refused.txt").write_text("")
    clouds.audiences.clear()
    url, key = api

    def in_front(asked: Asked) -> tuple[int, bytes]:
        state = json.loads((tmp_path / "state.json").read_text())
        if state["image_tag"] in (tmp_path / "broken.txt").read_text():
            return 503, b'{"status": "no model"}'
        if asked.path == "/health" and (tmp_path / "stuck.txt").exists():
            return 200, json.dumps({"status": "alive", "version": OLD}).encode()
        request = Request(url + asked.path, asked.body.encode() or None, asked.headers)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()

    with http_service(in_front) as front:
        made = Pipeline(ci, cloud, tmp_path / "project", clouds, key)
        state = {"image_tag": OLD, "registry": REGISTRIES[cloud], "api_url": front}
        (tmp_path / "state.json").write_text(json.dumps(state))
        stand_ins(made)
        yield made


def stand_ins(pipeline: Pipeline) -> None:
    """Put the stand-ins where the jobs find them."""
    folder = str(pipeline.folder.parent)
    noted = str(pipeline.side("noted.txt"))
    programs = {
        "docker": DOCKER.format(noted=noted, folder=folder, programs=pipeline.programs),
        "terraform-of-the-image": TERRAFORM.format(
            python=sys.executable, cloud=pipeline.cloud, folder=folder, noted=noted
        ),
        "aws": AWS,
        "apk": '#!/bin/sh\ntest "$1 $2" = "add --no-cache"\n',
        "az": '#!/bin/sh\ntest "$1 $2" = "account show" && echo the-subscription\n',
        "python3": PYTHON.format(python=sys.executable, clouds=pipeline.clouds.url),
    }
    pipeline.programs.mkdir()
    for name, text in programs.items():
        path = pipeline.programs / name
        path.write_text(text)
        path.chmod(0o755)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_version_is_pushed_applied_and_asked(pipeline: Pipeline, environment: str) -> None:
    done = pipeline.release(environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "predicts {" in done.stdout
    assert f"{environment} runs {NEW}; before, {OLD}." in done.stdout
    registry = REGISTRIES[pipeline.cloud]
    images = [f"{registry}/{name}:{NEW}" for name in ("customer-churn", "customer-churn-line")]
    assert pipeline.side("pushed.txt").read_text().split() == images
    logins = pipeline.side("logins.txt").read_text().splitlines()
    cloud = pipeline.cloud
    host = ("https://" if cloud == "gcp" else "") + registry.split("/")[0]
    # docker login --username USER --password-stdin HOST
    assert logins[-1] == f"{host} {USERS[cloud]} {PASSWORDS[cloud]}"
    asked = [line for line in pipeline.noted if line.startswith("terraform")]
    assert asked[0] == (
        f"terraform init -input=false -backend-config=environments/{environment}.tfbackend"
    )
    (apply,) = (line for line in asked if " apply " in line)
    assert f" -var-file=environments/{environment}.tfvars -var=image_tag={NEW}" in apply
    order = [line.split()[1] for line in pipeline.noted]
    assert order.index("push") < order.index("apply")
    provider = VARIABLES["GCP_WORKLOAD_IDENTITY_PROVIDER"]
    if pipeline.ci == "gitlab":
        provider = "$GCP_WORKLOAD_IDENTITY_PROVIDER"
    wanted = {
        "aws": "sts.amazonaws.com",
        "gcp": f"https://iam.googleapis.com/{provider}",
        "azure": "api://AzureADTokenExchange",
    }[cloud]
    if pipeline.ci == "azure_devops":
        wanted = "api://AzureADTokenExchange"
    assert set(pipeline.clouds.audiences) == {wanted}


def test_a_version_that_gives_no_prediction_is_taken_back(pipeline: Pipeline) -> None:
    pipeline.side("broken.txt").write_text(NEW)
    done = pipeline.release("production")
    assert done.returncode == 1
    assert pipeline.tags == [NEW, OLD]
    assert json.loads(pipeline.side("state.json").read_text())["image_tag"] == OLD
    said = done.stderr.splitlines()
    (smoke,) = (line for line in said if line.startswith("smoke test: "))
    assert smoke.endswith('/health answers 503: {"status": "no model"}')
    assert f"{NEW} fails in production: back to {OLD}." in said
    assert "Traceback" not in done.stderr
    # The version before was asked, too.
    assert "predicts {" in done.stdout


def test_a_version_that_cannot_be_applied_is_taken_back(pipeline: Pipeline) -> None:
    pipeline.side("refused.txt").write_text(NEW)
    done = pipeline.release("staging")
    assert done.returncode == 1
    assert pipeline.tags == [NEW, OLD]
    assert "did not become stable" in done.stderr
    assert f"{NEW} fails in staging: back to {OLD}." in done.stderr


def test_a_version_that_does_not_take_over_is_taken_back(pipeline: Pipeline) -> None:
    pipeline.side("stuck.txt").touch()
    done = pipeline.release("production")
    assert done.returncode == 1
    assert pipeline.tags == [NEW, OLD]
    assert f" is still version {OLD}, not {NEW}" in done.stderr


one = pytest.mark.parametrize("pipeline", [("github", CLOUDS[0])], indirect=True, ids="-".join)


@one
def test_both_versions_failing_is_said(pipeline: Pipeline) -> None:
    pipeline.side("broken.txt").write_text(NEW + OLD)
    done = pipeline.release("production")
    assert done.returncode == 1
    assert pipeline.tags == [NEW, OLD]
    assert f"{OLD} fails in production, too: see to it by hand" in done.stderr


@one
def test_a_release_that_is_run_again_pushes_nothing_and_has_nothing_to_go_back_to(
    pipeline: Pipeline,
) -> None:
    assert pipeline.release("staging").returncode == 0
    pipeline.side("broken.txt").write_text(NEW)
    done = pipeline.release("staging")
    assert done.returncode == 1
    assert done.stdout.count("is there already.") == 2
    assert len(pipeline.side("pushed.txt").read_text().split()) == 2
    assert pipeline.tags == [NEW, NEW]
    assert "there is nothing else to go back to" in done.stderr


@one
def test_an_environment_that_was_never_made_is_said(pipeline: Pipeline) -> None:
    pipeline.side("state.json").unlink()
    done = pipeline.release("staging")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Nothing runs in staging yet: ")
    assert pipeline.tags == []
    assert not pipeline.side("pushed.txt").exists()


@one
def test_a_key_that_the_api_does_not_know_is_taken_for_a_failure(pipeline: Pipeline) -> None:
    done = pipeline.release("staging", API_KEY="not-a-key")
    assert done.returncode == 1
    assert "/predict answers 401: " in done.stderr
    assert pipeline.tags == [NEW, OLD]


@one
def test_a_token_of_the_ci_that_is_not_trusted_changes_nothing(pipeline: Pipeline) -> None:
    done = pipeline.release("staging", ACTIONS_ID_TOKEN_REQUEST_TOKEN="somebody's")  # noqa: S106
    assert done.returncode != 0
    assert not pipeline.side("noted.txt").exists() or pipeline.tags == []


@one
def test_an_api_that_is_not_there_is_said_in_one_line(pipeline: Pipeline) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-IS", "deploy/smoke.py", url],
        cwd=pipeline.folder,
        env={"SMOKE_PATIENCE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"smoke test: {url}/health does not answer: ")


def test_production_waits_for_staging_and_for_somebody(pipeline: Pipeline) -> None:
    if pipeline.ci == "github":
        jobs = pipeline.yaml(".github/workflows/ci.yml")["jobs"]
        assert jobs["staging"]["needs"] == ["test", "audit", "images", "infrastructure"]
        assert jobs["production"]["needs"] == "staging"
        for name in ("staging", "production"):
            assert jobs[name]["if"] == "github.event_name == 'push'"
            assert jobs[name]["permissions"] == {"contents": "read", "id-token": "write"}
    elif pipeline.ci == "gitlab":
        jobs = pipeline.yaml(".gitlab/ci/deploy.yml")
        assert jobs["production"]["needs"] == ["staging"]
        (rule,) = jobs["production"]["rules"]
        assert rule["when"] == "manual"
        assert rule["if"] == jobs["staging"]["rules"][0]["if"]
        assert "merge_request" not in rule["if"]
        assert jobs[".release"]["stage"] == "deploy"
    else:
        checks, *releases = pipeline.yaml(".azure-pipelines/ci.yml")["stages"]
        assert checks["stage"] == "checks"
        named = [one["parameters"]["environment"] for one in releases]
        assert named == ["staging", "production"]
        (stage,) = pipeline.yaml(".azure-pipelines/deploy.yml")["stages"]
        assert "succeeded()" in stage["condition"]
        assert "'refs/heads/main'" in stage["condition"]
        assert "dependsOn" not in stage


def test_no_key_of_a_cloud_is_kept(pipeline: Pipeline) -> None:
    files = [*pipeline.folder.glob("deploy/*"), *pipeline.folder.glob(".github/workflows/*")]
    files += [*pipeline.folder.glob(".gitlab/ci/*"), *pipeline.folder.glob(".azure-pipelines/*")]
    for path in files:
        if path.is_file():
            text = path.read_text()
            for name in ("secrets.AWS", "secrets.ARM", "secrets.GCP", "CLIENT_SECRET", "KEY_FILE"):
                assert name not in text, path
