"""The DAG, in a real Airflow: it runs the whole line, and a failing step is heard of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.services.airflow import Airflow, DagRun, airflow
from tests.services.rendered import Project, install, render
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = (
    "extract",
    "validate",
    "transform",
    "today",
    "train",
    "evaluate",
    "promote",
    "score",
    "monitor",
    "rollback",
    "report",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing was run in yet."""
    folder = tmp_path_factory.mktemp("dag") / "a folder of Ann's"
    return install(render(folder, project_name="Customer churn", alerts=["log", "webhook"]))


@pytest.fixture(scope="module")
def line(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    return airflow(project.folder / "dags", tmp_path_factory.mktemp("airflow") / "home")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def failed(line: Airflow, project: Project, receiver: Receiver) -> DagRun:
    """A first run, whose source is not there.

    It has no deadline: with one, `airflow dags test` ends with 1 after all has gone well
    (https://github.com/apache/airflow/issues/73428, in Airflow 3.3.2).
    """
    file = project.folder / "config" / "airflow.toml"
    file.write_text(file.read_text().replace("deadline_hours = 12.0", "deadline_hours = 0"))
    missing = str(project.folder / "data" / "missing.csv")
    return line.test_dag(project.slug, ALERT_WEBHOOK_URL=receiver.url, FILES__PATH=missing)


@pytest.fixture(scope="module")
def firing(failed: DagRun, receiver: Receiver) -> list[dict[str, str]]:
    """What the receiver had heard by the end of the first run."""
    assert failed.exit_code != 0
    return list(receiver.incidents)


@pytest.fixture(scope="module")
def mended(
    line: Airflow, project: Project, receiver: Receiver, firing: list[dict[str, str]]
) -> DagRun:
    """A second run, after the first one's cause was mended."""
    assert firing
    return line.test_dag(project.slug, ALERT_WEBHOOK_URL=receiver.url)


def test_airflow_finds_the_dag_under_the_projects_name(line: Airflow, project: Project) -> None:
    assert line.import_errors() == {}
    assert line.dag_ids() == [project.slug]


def test_the_dag_runs_every_month_and_when_data_has_come_once_at_a_time(
    tmp_path: Path,
) -> None:
    render(tmp_path / "project", project_name="Customer churn")
    assert airflow(tmp_path / "project" / "dags", tmp_path / "home").facts() == {
        "schedule": "0 0 1 * *",
        "assets": ["customer-churn.source"],
        "outlets": ["customer-churn.champion", "customer-churn.clean", "customer-churn.scores"],
        "max_active_runs": 1,
        "catchup": False,
        "deadline_hours": [12.0],
        "retries": [2],
        "backs_off": [True],
    }


def test_a_typing_error_in_the_settings_is_named(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mistyped")
    shutil.copytree(project.folder / "dags", folder / "dags")
    shutil.copytree(project.folder / "config", folder / "config")
    with (folder / "config" / "airflow.toml").open("a") as file:
        file.write("memroy = '4Gi'\n")
    wrong = airflow(folder / "dags", folder / "home")
    (said,) = wrong.import_errors().values()
    assert "config/airflow.toml" in said
    assert "memroy" in said
    assert wrong.dag_ids() == []


def test_a_failing_step_fails_the_run_and_stops_the_line(failed: DagRun) -> None:
    assert failed.exit_code != 0
    assert failed.states == {
        **dict.fromkeys((*STEPS, "done"), "upstream_failed"),
        "extract": "failed",
        "tell": "success",
    }, failed.ending


def test_a_failing_step_is_told_once(
    failed: DagRun, firing: list[dict[str, str]], project: Project
) -> None:
    assert len(firing) == 1, failed.ending
    assert firing[0]["status"] == "firing"
    assert firing[0]["project"] == project.slug
    assert "extract" in firing[0]["message"]


def test_the_line_runs_to_success_step_by_step(mended: DagRun, project: Project) -> None:
    assert mended.exit_code == 0, mended.ending
    assert mended.states == {**dict.fromkeys((*STEPS, "done"), "success"), "tell": "skipped"}
    champion = (project.folder / "artifacts" / "registry" / "champion").read_text().strip()
    model = project.folder / "artifacts" / "registry" / "versions" / champion / "model.onnx"
    assert model.is_file()


def test_the_alert_clears_when_the_line_runs_again(
    mended: DagRun, firing: list[dict[str, str]], receiver: Receiver
) -> None:
    cleared = [message for message in receiver.incidents if message["status"] == "resolved"]
    assert [message["incident"] for message in cleared] == [firing[0]["incident"]], mended.ending
