"""The DAG as MWAA and Composer read it, and its steps in the cloud's own task or job.

Airflow and its operators are real; ECS is moto with the containers' ends added
(tests/services/ecs.py), Cloud Run is a service that answers as its API does. Neither runs a
container.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.services.airflow import KUBECONFIG, Airflow, airflow
from tests.services.aws import Aws, aws
from tests.services.ecs import LOG_LINE, Ecs, ecs
from tests.services.json_service import Asked, json_service
from tests.services.rendered import Project, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SLUG = "customer-churn"
REGION = "eu-central-1"
LOG_GROUP = f"/{SLUG}-staging/line"
STEPS = (
    "extract",
    "validate",
    "transform",
    "train",
    "evaluate",
    "promote",
    "score",
    "monitor",
    "rollback",
    "report",
)
JOB = f"projects/the-project/locations/europe-west1/jobs/{SLUG}-staging-line"
# What Terraform would put in the place of these.
KNOWN: dict[str, Any] = {
    "var.region": REGION,
    "aws_ecs_cluster.main.name": f"{SLUG}-staging",
    "aws_ecs_task_definition.line.family": f"{SLUG}-staging-line",
    "aws_cloudwatch_log_group.line.name": LOG_GROUP,
    "var.project_id": "the-project",
    "google_cloud_run_v2_job.line.location": "europe-west1",
    "google_cloud_run_v2_job.line.name": f"{SLUG}-staging-line",
}

# Reads two folders, then does what it is given, one after the other; notes what goes wrong.
SCRIPT = """
import json, pathlib, sys, types
from airflow.dag_processing.dagbag import DagBag
folder, bare, written, address, *whats = sys.argv[1:]
{before}
bag = DagBag(folder)
found = {{"errors": list(bag.import_errors.values()), "tasks": {{}}, "said": []}}
(dag,) = bag.dags.values()
for task in dag.tasks:
    fields = {{name: getattr(task, name) for name in task.template_fields}}
    found["tasks"][task.task_id] = {{"operator": type(task).__name__, **fields}}
(module,) = (known for name, known in sys.modules.items() if name.endswith("_customer_churn"))
found["bare"] = list(DagBag(bare).import_errors.values())

def execute(task_id):
    task = dag.get_task(task_id)
    ti = types.SimpleNamespace(
        dag_id=dag.dag_id, task_id=task_id, run_id="r", map_index=-1, xcom_push=lambda **_: None
    )
    task.execute({{"ti": ti, "task": task}})

def leave(task_id):
    task = dag.get_task(task_id)
    task.wait_for_completion = False
    execute(task_id)
    task.wait_for_completion = True
    task.arn = None

for what in whats:
    try:
        eval(what)
        found["said"].append("")
    except Exception as error:
        found["said"].append(f"{{type(error).__name__}}: {{error}}")
pathlib.Path(written).write_text(json.dumps(found, default=str))
"""
CALLED_HERE = """
from airflow.providers.google.cloud.hooks.cloud_run import CloudRunHook
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2 import JobsClient
from google.cloud.run_v2.services.jobs.transports import JobsRestTransport
def here(self, **_):
    nobody = AnonymousCredentials()
    return JobsClient(transport=JobsRestTransport(host=address, credentials=nobody))
CloudRunHook.get_conn = here
"""
A_POD = """
import json, pathlib, sys
from airflow.dag_processing.dagbag import DagBag
from kubernetes.client import ApiClient
(dag,) = DagBag(sys.argv[1]).dags.values()
pod = dag.get_task("extract").build_pod_request_obj()
written = ApiClient().sanitize_for_serialization(pod)
pathlib.Path(sys.argv[2]).write_text(json.dumps(written))
"""


@dataclass(frozen=True)
class Bucket:
    """A folder as it is synced to a managed Airflow, and the Airflow that reads it."""

    project: Project
    reader: Airflow

    def told(self, *whats: str, address: str = "", before: str = "", **env: str) -> dict[str, Any]:
        """Tell what Airflow finds there, and what came of doing these with it."""
        bare = shutil.copytree(self.reader.dags_folder, self.reader.home / "bare")
        shutil.copy(self.project.folder / "config" / "airflow.toml", bare / SLUG / "config")
        written = self.reader.home / "found.json"
        script = SCRIPT.format(before=before)
        folder = self.reader.dags_folder
        self.reader.python(script, folder, bare, written, address, *whats, **env)
        return dict(json.loads(written.read_text()))


def synced(folder: Path, cloud: str, values: dict[str, Any]) -> Bucket:
    """Render a project, and copy of it what its page says to where it says."""
    project = render(folder / SLUG, project_name="Customer churn", cloud=cloud)
    there = folder / "bucket" / "dags" / SLUG
    (there / "dags").mkdir(parents=True)
    (there / "config").mkdir()
    shutil.copy(project.folder / "dags" / "customer_churn.py", there / "dags")
    config = (project.folder / "config" / "airflow.toml").read_text()
    terraform = (project.folder / f"deploy/terraform/{cloud}/airflow.tf").read_text()
    (there / "config" / "airflow.toml").write_text(config + printed(terraform, values))
    return Bucket(project, airflow(there.parent, folder / "home", clouds=True))


def printed(terraform: str, values: dict[str, Any]) -> str:
    """Give what `terraform output -raw airflow` prints: all that it names has to be among these."""
    (text,) = re.findall(r"(?s)<<-TOML\n(.*?)\n *TOML", terraform)
    filled = re.sub(r"\$\{jsonencode\((.*)\)\}", lambda said: json.dumps(values[said[1]]), text)
    return textwrap.dedent(filled) + "\n"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Aws]:
    with aws() as running:
        yield running


def ask(cloud: Aws, words: str) -> Any:  # noqa: ANN401 - whatever AWS answers
    done = subprocess.run(
        ["aws", *words.split(), "--region", REGION, "--output", "json"],
        check=True,
        capture_output=True,
        text=True,
        env=cloud.env,
    )
    return json.loads(done.stdout or "null")


class OnAws(NamedTuple):
    """What Airflow found and did, and what ECS was asked meanwhile."""

    found: dict[str, Any]
    cloud: Ecs

    def said(self, number: int) -> str:
        """Tell what was wrong with the doing of this number, or nothing."""
        return str(self.found["said"][number])

    def started(self, word: str) -> list[dict[str, Any]]:
        """Give the tasks that were asked for with a word in their command."""
        return [body for body in self.cloud.requests("RunTask") if word in str(body["overrides"])]


@pytest.fixture(scope="module")
def on_aws(cloud: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnAws]:
    """What Terraform makes, as far as a step needs it; then steps, and a late run."""
    vpc = ask(cloud, "ec2 create-vpc --cidr-block 10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ask(cloud, f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.0.{number}.0/24")["Subnet"][
            "SubnetId"
        ]
        for number in (10, 11)
    ]
    ask(cloud, f"ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames")
    words = f"ec2 create-security-group --group-name line --description line --vpc-id {vpc}"
    group = ask(cloud, words)["GroupId"]
    folder = tmp_path_factory.mktemp("mwaa")
    bucket = synced(
        folder,
        "aws",
        KNOWN
        | {
            "aws_subnet.private[*].id": subnets,
            'aws_security_group.containers["line"].id': group,
        },
    )
    line = (bucket.project.folder / "deploy/terraform/aws/line.tf").read_text()
    (container,) = re.findall(r'^      name +=  *"(\w+)"', line, re.MULTILINE)
    (prefix,) = re.findall(r'awslogs-stream-prefix = "(\w+)"', line)
    ask(cloud, f"ecs create-cluster --cluster-name {SLUG}-staging")
    ask(cloud, f"logs create-log-group --log-group-name {LOG_GROUP}")
    given = {"name": container, "image": "line:0.1.0", "memory": 4096}  # moto asks for the last
    containers = json.dumps([given], separators=(",", ":"))
    ask(
        cloud,
        f"ecs register-task-definition --family {SLUG}-staging-line --network-mode awsvpc"
        " --requires-compatibilities FARGATE --cpu 2048 --memory 4096"
        f" --container-definitions {containers}",
    )
    with ecs(Ecs(cloud.endpoint, REGION, LOG_GROUP, container, prefix, "validate")) as stand_in:
        env = {
            "AWS_ENDPOINT_URL": stand_in.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
        }
        transform = ('leave("transform")', 'execute("transform")')
        whats = ('execute("extract")', 'execute("validate")', *transform, "module.late()")
        yield OnAws(bucket.told(*whats, **env), stand_in)


def test_mwaa_finds_every_step_as_a_task_of_what_terraform_made(on_aws: OnAws) -> None:
    found = on_aws.found
    assert found["errors"] == []
    assert found["tasks"].keys() == {*STEPS, "today", "done", "tell"}
    steps = {name: found["tasks"][name] for name in (*STEPS, "tell")}
    assert {task["operator"] for task in steps.values()} == {"EcsRunTaskOperator"}
    for task in steps.values():
        assert task["cluster"] == f"{SLUG}-staging"
        assert task["task_definition"] == f"{SLUG}-staging-line"
        assert task["launch_type"] == "FARGATE"
        assert task["awslogs_group"] == LOG_GROUP
        assert task["reattach"] is True
    commands = {
        name: task["overrides"]["containerOverrides"][0]["command"] for name, task in steps.items()
    }
    assert commands["train"] == ["sh", "-c", f"exec {SLUG} train"]
    assert commands["score"][2].startswith(f"exec {SLUG} score {{% if dag_run.run_type")
    assert commands["tell"][2].startswith(
        f"exec {SLUG} alert 'step {{{{ failed_step(ti) }}}} failed'"
    )


def test_a_step_is_a_task_of_ecs_that_is_followed_to_its_end(on_aws: OnAws) -> None:
    assert on_aws.said(0) == ""
    (started,) = on_aws.started("extract")
    assert started["cluster"] == f"{SLUG}-staging"
    assert started["taskDefinition"] == f"{SLUG}-staging-line"
    assert started["launchType"] == "FARGATE"
    assert started["overrides"]["containerOverrides"] == [
        {"name": "line", "command": ["sh", "-c", f"exec {SLUG} extract"]}
    ]
    network = started["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    assert (len(network["subnets"]), len(network["securityGroups"])) == (2, 1)


def test_a_container_that_fails_fails_its_step_with_its_own_words(on_aws: OnAws) -> None:
    assert len(on_aws.started("validate")) == 1
    assert "not in success state" in on_aws.said(1)
    assert LOG_LINE in on_aws.said(1)


def test_a_worker_that_takes_over_finds_the_task_again(on_aws: OnAws) -> None:
    assert (on_aws.said(2), on_aws.said(3)) == ("", "")
    assert len(on_aws.started("transform")) == 1


def test_a_late_run_is_told_by_a_task_of_ecs(on_aws: OnAws) -> None:
    assert on_aws.said(4) == ""
    (started,) = on_aws.started("alert")
    (command,) = (one["command"] for one in started["overrides"]["containerOverrides"])
    assert command[2] == (
        f"exec {SLUG} alert 'a run takes longer than 12 hours' --incident step:deadline"
    )


class OnGcp(NamedTuple):
    """What Airflow found and did, and what Cloud Run was asked meanwhile."""

    found: dict[str, Any]
    asked: list[Asked]

    @property
    def commands(self) -> list[list[str]]:
        """The arguments of every execution that was asked for."""
        runs = (json.loads(request.body) for request in self.asked if request.body)
        return [run["overrides"]["containerOverrides"][0]["args"] for run in runs]


@pytest.fixture(scope="module")
def on_gcp(tmp_path_factory: pytest.TempPathFactory) -> OnGcp:
    """Steps, and a late run, against a service that answers as Cloud Run's API does."""
    folder = tmp_path_factory.mktemp("composer")
    bucket = synced(folder, "gcp", KNOWN | {"var.region": "europe-west1"})
    asked: list[Asked] = []
    place = JOB.partition("/jobs")[0]

    def answer(request: Asked) -> object:
        asked.append(request)
        path = request.path.partition("?")[0].removeprefix("/v2/")
        if path == JOB:
            return {"name": JOB}
        name = "bad" if "validate" in request.body or path.endswith("/bad") else "good"
        execution = {
            "@type": "type.googleapis.com/google.cloud.run.v2.Execution",
            "name": f"{JOB}/executions/{name}",
            "job": JOB.rpartition("/")[2],
            "logUri": "https://console.cloud.google.com/logs",
            "taskCount": 1,
            "succeededCount": int(name == "good"),
            "failedCount": int(name == "bad"),
        }
        operation = {"name": f"{place}/operations/{name}", "metadata": execution}
        if path == f"{JOB}:run":
            return operation
        assert path == operation["name"]
        return operation | {"done": True, "response": execution}

    whats = ('execute("extract")', 'execute("validate")', "module.late()")
    with json_service(answer) as url:
        connection = {"AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "google-cloud-platform://"}
        return OnGcp(bucket.told(*whats, address=url, before=CALLED_HERE, **connection), asked)


def test_composer_finds_every_step_as_an_execution_of_what_terraform_made(on_gcp: OnGcp) -> None:
    found = on_gcp.found
    assert found["errors"] == []
    assert found["tasks"].keys() == {*STEPS, "today", "done", "tell"}
    for name in (*STEPS, "tell"):
        task = found["tasks"][name]
        assert task["operator"] == "CloudRunExecuteJobOperator"
        where = f"projects/{task['project_id']}/locations/{task['region']}"
        assert f"{where}/jobs/{task['job_name']}" == JOB


def test_a_step_is_an_execution_of_the_job_that_is_followed_to_its_end(on_gcp: OnGcp) -> None:
    assert on_gcp.found["said"][0] == ""
    assert on_gcp.commands[0] == ["sh", "-c", f"exec {SLUG} extract"]
    assert any("/operations/good" in request.path for request in on_gcp.asked)


def test_an_execution_that_fails_fails_its_step(on_gcp: OnGcp) -> None:
    assert "failed" in on_gcp.found["said"][1]


def test_a_late_run_is_told_by_an_execution(on_gcp: OnGcp) -> None:
    assert on_gcp.found["said"][2] == ""
    assert on_gcp.commands[2][2] == (
        f"exec {SLUG} alert 'a run takes longer than 12 hours' --incident step:deadline"
    )


@pytest.mark.parametrize(
    ("of", "section", "page"), [("on_aws", "ecs", "mwaa"), ("on_gcp", "cloud_run", "composer")]
)
def test_a_file_without_what_terraform_prints_is_told(
    of: str, section: str, page: str, request: pytest.FixtureRequest
) -> None:
    (error,) = request.getfixturevalue(of).found["bare"]
    assert (
        f"config/airflow.toml (see deploy/airflow/{page}.md)\n{section}\n  Field required" in error
    )


def test_a_git_syncs_folder_is_read_and_a_pod_on_a_bucket_needs_no_volume(tmp_path: Path) -> None:
    """As git-sync lays it out: a link to a folder of the commit, in which Airflow reads dags/."""
    project = render(tmp_path / ".worktrees" / "abc", project_name="Customer churn", cloud="azure")
    (tmp_path / "repo").symlink_to(project.folder)
    reader = airflow(tmp_path / "repo" / "dags", tmp_path / "home")
    written = tmp_path / "pod.json"
    access = tmp_path / "kubeconfig"
    access.write_text(KUBECONFIG.format(url="http://127.0.0.1:1"))
    reader.python(A_POD, reader.dags_folder, written, KUBECONFIG=str(access))
    pod = json.loads(written.read_text())
    assert pod["spec"]["serviceAccountName"] == f"{SLUG}-line"
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert {tuple(sorted(volume)) for volume in pod["spec"]["volumes"]} == {("emptyDir", "name")}
