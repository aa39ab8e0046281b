"""One answer decides how the DAG's steps run: in real containers, or as pods, seen as specs."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest

from tests.services.airflow import KUBECONFIG, Airflow, DagRun, airflow
from tests.services.base_image import BASE_PYTHON
from tests.services.rendered import Project, render
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.docker import Engine

ANYBODY = 12345
"""A user that neither the image nor this machine knows."""
KUBERNETES = "1.34"
PODS = """
import json, pathlib, sys
from airflow.dag_processing.dagbag import DagBag
from kubernetes.client import ApiClient
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
(dag,) = bag.dags.values()
pods = {}
for task in dag.tasks:
    if hasattr(task, "build_pod_request_obj"):
        pods[task.task_id] = ApiClient().sanitize_for_serialization(task.build_pod_request_obj())
(module,) = (found for name, found in sys.modules.items() if name.endswith("_customer_churn"))
module.late()
pathlib.Path(sys.argv[2]).write_text(json.dumps(pods))
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def contained(
    engine: Engine, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project without an environment of its own, whose image is there."""
    folder = tmp_path_factory.mktemp("contained") / "customer-churn"
    project = render(
        folder,
        project_name="Customer churn",
        airflow_operator="docker",
        python_version=BASE_PYTHON,
        alerts=["webhook"],
    )
    # `airflow dags test` and deadlines don't go together: see test_dag_run.py.
    set_up(project, network='"host"', deadline_hours="0")
    (folder / ".env").write_text(f"TRAINING__TRIALS=2\nALERT_WEBHOOK_URL={receiver.url}\n")
    for name in ("artifacts", "docs"):
        (folder / name).mkdir(exist_ok=True)
    subprocess.run(["chown", "-R", f"{ANYBODY}:{ANYBODY}", folder], check=True)
    engine.build(folder, folder / "deploy" / "Dockerfile", f"{project.slug}-line", "line")
    return project


@pytest.fixture(scope="module")
def line(contained: Project, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    return airflow(contained.folder / "dags", tmp_path_factory.mktemp("docker-airflow") / "home")


@pytest.fixture(scope="module")
def went(line: Airflow, contained: Project, engine: Engine) -> DagRun:
    return line.test_dag(contained.slug, DOCKER_HOST=engine.env.get("DOCKER_HOST", ""))


def test_the_line_runs_in_containers_to_a_promoted_model(went: DagRun, contained: Project) -> None:
    assert went.exit_code == 0, went.ending
    assert {state for task, state in went.states.items() if task != "tell"} == {"success"}
    champion = contained.folder / "artifacts" / "registry" / "champion"
    assert champion.stat().st_uid == ANYBODY
    assert not (contained.folder / ".venv").exists()
    assert "Model card" in (contained.folder / "docs" / "model_card.md").read_text()


def test_a_step_that_fails_in_a_container_is_told(
    went: DagRun, line: Airflow, contained: Project, engine: Engine, receiver: Receiver
) -> None:
    assert went.exit_code == 0
    with (contained.folder / ".env").open("a") as file:
        file.write("FILES__PATH=data/missing.csv\n")
    failed = line.test_dag(contained.slug, DOCKER_HOST=engine.env.get("DOCKER_HOST", ""))
    assert (failed.states["extract"], failed.states["tell"]) == ("failed", "success"), failed.ending
    assert "step:extract" in [m["incident"] for m in receiver.incidents if m["status"] == "firing"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Receiver]:
    """What takes a cluster's place: it notes the pods that it is asked for, and runs none."""
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def pods(cluster: Receiver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow would ask a cluster for, a task a pod."""
    folder = tmp_path_factory.mktemp("pods") / "customer-churn"
    project = render(folder, project_name="Customer churn", airflow_operator="kubernetes")
    set_up(project, cpu='"2"')
    engine = airflow(folder / "dags", tmp_path_factory.mktemp("kubernetes-airflow") / "home")
    access = engine.home / "kubeconfig"
    access.write_text(KUBECONFIG.format(url=cluster.url.removesuffix("/alerts")))
    written = engine.home / "pods.json"
    engine.python(PODS, folder / "dags", written, KUBECONFIG=str(access))
    return dict(json.loads(written.read_text()))


def test_every_step_and_the_alert_is_a_pod_that_kubernetes_accepts(pods: dict[str, Any]) -> None:
    steps = {"extract", "validate", "transform", "train", "evaluate", "promote"}
    assert set(pods) == {*steps, "score", "monitor", "rollback", "report", "tell"}
    for pod in pods.values():
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_a_missed_deadline_is_told_by_a_pod(pods: dict[str, Any], cluster: Receiver) -> None:
    assert pods
    (pod,) = cluster.messages
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    command = pod["spec"]["containers"][0]["args"][-1]
    assert command.startswith("exec customer-churn alert 'a run takes longer than 12 hours'")


def test_a_pod_has_few_rights_a_limit_and_a_place_for_what_it_makes(pods: dict[str, Any]) -> None:
    spec = pods["train"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/app/artifacts",
        "/app/docs",
        "/tmp",  # noqa: S108 - inside the pod
    }


def set_up(project: Project, **settings: str) -> None:
    """Change settings in config/airflow.toml."""
    file = project.folder / "config" / "airflow.toml"
    text = file.read_text()
    for name, value in settings.items():
        text, found = re.subn(rf"(?m)^{name} = \S+", f"{name} = {value}", text)
        assert found == 1, name
    file.write_text(text)
