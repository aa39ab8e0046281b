"""The DAG as MWAA and Composer read it, and its steps in the cloud's own task or job.

Airflow and its operators are real; ECS is moto with the containers' ends added (tests/services/ecs.py),
Cloud Run is a service that answers as its API does. Neither runs a container.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.airflow import Airflow, airflow
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

PARSE = """
import json, pathlib, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
tasks = {}
for dag in bag.dags.values():
    for task in dag.tasks:
        fields = {name: getattr(task, name) for name in task.template_fields}
        tasks[task.task_id] = {"operator": type(task).__name__, **fields}
found = {"errors": list(bag.import_errors.values()), "tasks": tasks}
pathlib.Path(sys.argv[2]).write_text(json.dumps(found, default=str))
"""
# Runs a step by its operator, or `late`; what goes wrong is written down.
RUN = """
import json, pathlib, sys, types
from airflow.dag_processing.dagbag import DagBag
{before}
(dag,) = DagBag(sys.argv[1]).dags.values()
task = dag.get_task("extract")
ti = types.SimpleNamespace(
    dag_id=dag.dag_id, task_id="extract", run_id="r", map_index=-1, xcom_push=lambda **_: None
)
(module,) = (found for name, found in sys.modules.items() if name.endswith("_customer_churn"))
said = ""
try:
    {what}
except Exception as error:
    said = f"{{type(error).__name__}}: {{error}}"
pathlib.Path(sys.argv[2]).write_text(json.dumps(said))
"""
CALLED_HERE = """
from airflow.providers.google.cloud.hooks.cloud_run import CloudRunHook
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2 import JobsClient
from google.cloud.run_v2.services.jobs.transports import JobsRestTransport
def here(self, **_):
    return JobsClient(transport=JobsRestTransport(host=sys.argv[3], credentials=AnonymousCredentials()))
CloudRunHook.get_conn = here
"""


@dataclass(frozen=True)
class Bucket:
    """A folder as it is synced to a managed Airflow, and the Airflow that reads it."""

    project: Project
    reader: Airflow

    def parsed(self) -> dict[str, Any]:
        """Tell what Airflow finds: errors, and tasks with their fields."""
        written = self.reader.home / "found.json"
        self.reader.python(PARSE, self.reader.dags_folder, written)
        return dict(json.loads(written.read_text()))

    def run(self, what: str, *arguments: str, before: str = "", **env: str) -> str:
        """Run something with the DAG; return what was wrong, or nothing."""
        written = self.reader.home / "said.json"
        script = RUN.format(before=before, what=what)
        self.reader.python(script, self.reader.dags_folder, written, *arguments, **env)
        return str(json.loads(written.read_text()))


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


@pytest.fixture(scope="module")
def on_aws(cloud: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bucket, Ecs]]:
    """What Terraform makes, as far as a step needs it; and the DAG that knows of it."""
    vpc = ask(cloud, "ec2 create-vpc --cidr-block 10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ask(cloud, f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.0.{number}.0/24")["Subnet"][
            "SubnetId"
        ]
        for number in (10, 11)
    ]
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
    containers = json.dumps([{"name": container, "image": "line:0.1.0"}], separators=(",", ":"))
    ask(
        cloud,
        f"ecs register-task-definition --family {SLUG}-staging-line --network-mode awsvpc"
        " --requires-compatibilities FARGATE --cpu 2048 --memory 4096"
        f" --container-definitions {containers}",
    )
    with ecs(Ecs(cloud.endpoint, REGION, LOG_GROUP, container, prefix)) as stand_in:
        yield bucket, stand_in


def run_on_aws(on_aws: tuple[Bucket, Ecs], what: str, exit_code: int = 0) -> tuple[str, Ecs]:
    bucket, stand_in = on_aws
    stand_in.asked.clear()
    stand_in.exit_code = exit_code
    env = {
        "AWS_ENDPOINT_URL": stand_in.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
    }
    return bucket.run(what, **env), stand_in


def test_mwaa_finds_every_step_as_a_task_of_what_terraform_made(
    on_aws: tuple[Bucket, Ecs],
) -> None:
    found = on_aws[0].parsed()
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


def test_a_step_is_a_task_of_ecs_that_is_followed_to_its_end(on_aws: tuple[Bucket, Ecs]) -> None:
    said, stand_in = run_on_aws(on_aws, 'task.execute({"ti": ti})')
    assert said == ""
    (started,) = stand_in.requests("RunTask")
    assert started["cluster"] == f"{SLUG}-staging"
    assert started["taskDefinition"] == f"{SLUG}-staging-line"
    assert started["launchType"] == "FARGATE"
    assert started["overrides"]["containerOverrides"] == [
        {"name": "line", "command": ["sh", "-c", f"exec {SLUG} extract"]}
    ]
    network = started["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    assert (len(network["subnets"]), len(network["securityGroups"])) == (2, 1)
    (log, *_) = stand_in.requests("GetLogEvents")
    assert log["logGroupName"] == LOG_GROUP
    assert log["logStreamName"].startswith("line/line/")


def test_a_container_that_fails_fails_its_step_with_its_own_words(
    on_aws: tuple[Bucket, Ecs],
) -> None:
    said, _ = run_on_aws(on_aws, 'ti.run_id = "fails"; task.execute({"ti": ti})', exit_code=1)
    assert "not in success state" in said
    assert LOG_LINE in said


def test_a_worker_that_takes_over_finds_the_task_again(on_aws: tuple[Bucket, Ecs]) -> None:
    leaves = 'ti.run_id = "left"; task.wait_for_completion = False; task.execute({"ti": ti})'
    said, stand_in = run_on_aws(on_aws, leaves)
    assert (said, len(stand_in.requests("RunTask"))) == ("", 1)
    said, stand_in = run_on_aws(on_aws, 'ti.run_id = "left"; task.execute({"ti": ti})')
    assert (said, stand_in.requests("RunTask")) == ("", [])
    assert stand_in.requests("DescribeTasks")


def test_a_late_run_is_told_by_a_task_of_ecs(on_aws: tuple[Bucket, Ecs]) -> None:
    said, stand_in = run_on_aws(on_aws, "module.late()")
    assert said == ""
    (started,) = stand_in.requests("RunTask")
    (command,) = (one["command"] for one in started["overrides"]["containerOverrides"])
    assert command[2] == (
        f"exec {SLUG} alert 'a run takes longer than 12 hours' --incident step:deadline"
    )


@pytest.fixture(scope="module")
def on_gcp(tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    return synced(
        tmp_path_factory.mktemp("composer"), "gcp", KNOWN | {"var.region": "europe-west1"}
    )


def run_on_gcp(bucket: Bucket, what: str, failed: int = 0) -> tuple[str, list[Asked]]:
    """Run something against a service that answers as Cloud Run's API does."""
    asked: list[Asked] = []
    execution = {
        "@type": "type.googleapis.com/google.cloud.run.v2.Execution",
        "name": f"{JOB}/executions/one",
        "job": JOB.rpartition("/")[2],
        "logUri": "https://console.cloud.google.com/logs",
        "taskCount": 1,
        "succeededCount": 1 - failed,
        "failedCount": failed,
    }
    operation = f"{JOB.partition('/jobs')[0]}/operations/one"

    def answer(request: Asked) -> object:
        asked.append(request)
        path = request.path.partition("?")[0]
        if path == f"/v2/{JOB}:run":
            return {"name": operation, "metadata": execution, "done": False}
        if path == f"/v2/{operation}":
            return {"name": operation, "metadata": execution, "done": True, "response": execution}
        assert path == f"/v2/{JOB}"
        return {"name": JOB}

    with json_service(answer) as url:
        connection = {"AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "google-cloud-platform://"}
        return bucket.run(what, url, before=CALLED_HERE, **connection), asked


def arguments(asked: list[Asked]) -> list[list[str]]:
    """Give the arguments of every execution that was asked for."""
    runs = (json.loads(request.body) for request in asked if request.body)
    return [run["overrides"]["containerOverrides"][0]["args"] for run in runs]


def test_composer_finds_every_step_as_an_execution_of_what_terraform_made(on_gcp: Bucket) -> None:
    found = on_gcp.parsed()
    assert found["errors"] == []
    assert found["tasks"].keys() == {*STEPS, "today", "done", "tell"}
    for name in (*STEPS, "tell"):
        task = found["tasks"][name]
        assert task["operator"] == "CloudRunExecuteJobOperator"
        assert (
            JOB
            == f"projects/{task['project_id']}/locations/{task['region']}/jobs/{task['job_name']}"
        )


def test_a_step_is_an_execution_of_the_job_that_is_followed_to_its_end(on_gcp: Bucket) -> None:
    said, asked = run_on_gcp(on_gcp, 'task.execute({"ti": ti, "task": task})')
    assert said == ""
    assert arguments(asked) == [["sh", "-c", f"exec {SLUG} extract"]]


def test_an_execution_that_fails_fails_its_step(on_gcp: Bucket) -> None:
    said, _ = run_on_gcp(on_gcp, 'task.execute({"ti": ti, "task": task})', failed=1)
    assert "failed" in said


def test_a_late_run_is_told_by_an_execution(on_gcp: Bucket) -> None:
    said, asked = run_on_gcp(on_gcp, "module.late()")
    assert said == ""
    ((_, _, command),) = arguments(asked)
    assert (
        command == f"exec {SLUG} alert 'a run takes longer than 12 hours' --incident step:deadline"
    )


@pytest.mark.parametrize(
    ("of", "section", "page"), [("on_aws", "ecs", "mwaa"), ("on_gcp", "cloud_run", "composer")]
)
def test_a_file_without_what_terraform_prints_is_told(
    of: str, section: str, page: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    given = request.getfixturevalue(of)
    bucket: Bucket = given[0] if isinstance(given, tuple) else given
    there = shutil.copytree(bucket.reader.dags_folder, tmp_path / "dags")
    shutil.copy(bucket.project.folder / "config" / "airflow.toml", there / SLUG / "config")
    (error,) = Bucket(bucket.project, airflow(there, tmp_path / "home", clouds=True)).parsed()[
        "errors"
    ]
    assert f"[{section}] in config/airflow.toml lacks " in error
    assert f"deploy/airflow/{page}.md" in error


def test_a_git_syncs_folder_is_read_and_a_pod_on_a_bucket_needs_no_volume(tmp_path: Path) -> None:
    """As git-sync lays it out: a link to a folder of the commit, in which Airflow reads dags/."""
    project = render(tmp_path / ".worktrees" / "abc", project_name="Customer churn", cloud="azure")
    (tmp_path / "repo").symlink_to(project.folder)
    reader = airflow(tmp_path / "repo" / "dags", tmp_path / "home")
    written = tmp_path / "pod.json"
    what = "said = __import__('kubernetes').client.ApiClient().sanitize_for_serialization(task.build_pod_request_obj())"
    reader.python(RUN.format(before="", what=what), reader.dags_folder, written)
    pod = json.loads(written.read_text())
    assert pod["spec"]["serviceAccountName"] == f"{SLUG}-line"
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert {tuple(volume) for volume in pod["spec"]["volumes"]} == {("emptyDir", "name")}
