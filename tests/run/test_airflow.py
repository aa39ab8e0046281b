"""All of Airflow, with its scheduler and its REST API: one start of it serves every claim here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from tests.services.airflow import Server, airflow
from tests.services.ports import wait_for
from tests.services.rendered import Project, install, render
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

TRAINED = ("train", "evaluate", "promote")
ALWAYS = (
    "extract",
    "validate",
    "transform",
    "today",
    "score",
    "monitor",
    "rollback",
    "report",
    "done",
)
TWO_SECONDS = 2 / 3600


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose rows are of a known time, and whose runs are late after two seconds."""
    folder = tmp_path_factory.mktemp("airflow") / "trip-times"
    project = render(folder, project_name="Trip times", task="regression", alerts=["webhook"])
    set_deadline(project, TWO_SECONDS)
    return install(project)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    project: Project, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    engine = airflow(project.folder / "dags", tmp_path_factory.mktemp("standalone") / "home")
    env = {"ALERT_WEBHOOK_URL": receiver.url, "TRAINING__TRIALS": "2"}
    with engine.standalone(**env) as running:
        yield running


@pytest.fixture(scope="module")
def failed(server: Server, project: Project) -> dict[str, str]:
    """The run that is due by the schedule, and whose source is not there."""
    environment = project.folder / ".env"
    environment.write_text("FILES__PATH=data/missing.csv\n")
    server.wait_for_dag(project.slug)
    states = server.wait_for_run(project.slug, new_run(server, project, "scheduled"))
    environment.unlink()
    return states


@pytest.fixture(scope="module")
def triggered(server: Server, project: Project, failed: dict[str, str]) -> dict[str, str]:
    """A run that is asked for by the REST API, after the first one's cause was mended."""
    assert failed
    run = server.call("POST", f"/api/v2/dags/{project.slug}/dagRuns", {"logical_date": None})
    return server.wait_for_run(project.slug, run["dag_run_id"])


@pytest.fixture(scope="module")
def backfilled(server: Server, project: Project, triggered: dict[str, str]) -> dict[str, str]:
    """A month of the past, made up for."""
    assert triggered
    month = "2025-02-01T00:00:00Z"
    asked = {"dag_id": project.slug, "from_date": month, "to_date": month, "max_active_runs": 1}

    def is_taken() -> bool:
        try:
            server.call("POST", "/api/v2/backfills", asked)
        except AssertionError as refusal:
            if "Database is locked" not in str(refusal):  # SQLite's, while the scheduler writes
                raise
            return False
        return True

    wait_for(is_taken, timeout=120, still_there=server.process.running)
    return server.wait_for_run(project.slug, new_run(server, project, "backfill"))


def test_a_failing_step_fails_the_run_and_is_told(
    failed: dict[str, str], receiver: Receiver
) -> None:
    assert (failed[""], failed["extract"], failed["report"]) == (
        "failed",
        "failed",
        "upstream_failed",
    )
    assert failed["tell"] == "success"
    assert "step:extract" in incidents(receiver)


def test_a_missed_deadline_is_told(failed: dict[str, str], receiver: Receiver) -> None:
    assert failed
    wait_for(lambda: "step:deadline" in incidents(receiver), timeout=120)


def test_a_run_goes_through_to_a_promoted_model(
    triggered: dict[str, str], project: Project
) -> None:
    steps = dict.fromkeys((*ALWAYS, *TRAINED), "success")
    assert triggered == {"": "success", "tell": "skipped", **steps}
    assert (project.folder / "artifacts" / "registry" / "champion").exists()


def test_what_was_promoted_is_told_with_its_worth(
    triggered: dict[str, str], receiver: Receiver
) -> None:
    assert triggered
    (notice,) = receiver.notices
    assert re.fullmatch(r"champion:v1-\w+", notice["incident"])
    assert re.search(r"v1-\w+ promoted: ", notice["message"])
    assert "a month to the best policy without a model" in notice["message"]


def test_a_backfill_scores_the_rows_of_its_interval_and_trains_nothing(
    backfilled: dict[str, str], project: Project
) -> None:
    skipped = dict.fromkeys((*TRAINED, "tell"), "skipped")
    assert backfilled == {"": "success", **dict.fromkeys(ALWAYS, "success"), **skipped}
    month = project.folder / "artifacts/scores/backtests/since=2025-02-01/until=2025-03-01"
    scores = parquet.read_table(month)
    assert scores.num_rows > 0
    hours = scores["hour_start"].to_pylist()
    assert (min(hours).month, max(hours).month) == (2, 2)


def test_new_data_starts_a_run(
    server: Server, project: Project, backfilled: dict[str, str]
) -> None:
    assert backfilled
    (asset,) = server.call("GET", f"/api/v2/assets?name_pattern={project.slug}.source")["assets"]
    server.call("POST", "/api/v2/assets/events", {"asset_id": asset["id"]})
    assert new_run(server, project, "asset_triggered")


def incidents(receiver: Receiver) -> list[str]:
    return [m["incident"] for m in receiver.incidents if m["status"] == "firing"]


def new_run(server: Server, project: Project, kind: str) -> str:
    """Return the id of the run that was started in a certain way, once there is one."""

    def found() -> list[str]:
        return [run["dag_run_id"] for run in server.runs(project.slug) if run["run_type"] == kind]

    wait_for(lambda: bool(found()), timeout=120, still_there=server.process.running)
    return found()[0]


def set_deadline(project: Project, hours: float) -> None:
    file = project.folder / "config" / "airflow.toml"
    text = re.sub(r"(?m)^deadline_hours = \S+", f"deadline_hours = {hours}", file.read_text())
    file.write_text(text)
