"""All of Airflow, with its scheduler and its REST API: one start of it serves every claim here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.airflow import Server, airflow
from tests.services.ports import wait_for
from tests.services.rendered import Project, command, install, render
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

TRAINED = ("train", "evaluate", "promote")
ALWAYS = ("extract", "validate", "transform", "today", "score", "monitor", "rollback", "report")
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
        running.wait_for_dag(project.slug)
        yield running


@pytest.fixture(scope="module")
def triggered(server: Server, project: Project) -> dict[str, str]:
    """A run that was asked for by the REST API."""
    run = server.call("POST", f"/api/v2/dags/{project.slug}/dagRuns", {"logical_date": None})
    return server.wait_for_run(project.slug, run["dag_run_id"])


@pytest.fixture(scope="module")
def backfilled(
    server: Server, project: Project, triggered: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """A month of the past, made up for; gives the day after its last one, too."""
    assert triggered[""] == "success"
    set_deadline(project, 12)
    server.call(
        "POST",
        "/api/v2/backfills",
        {
            "dag_id": project.slug,
            "from_date": "2026-02-01T00:00:00Z",
            "to_date": "2026-02-01T00:00:00Z",
            "max_active_runs": 1,
        },
    )
    (run,) = new_runs(server, project, "backfill")
    return "2026-03-01", server.wait_for_run(project.slug, run["dag_run_id"])


@pytest.fixture(scope="module")
def failed(
    server: Server, project: Project, backfilled: tuple[str, dict[str, str]]
) -> dict[str, str]:
    """A run that new data has started, and that cannot read them."""
    assert backfilled
    (project.folder / ".env").write_text("FILES__PATH=data/missing.csv\n")
    (asset,) = server.call("GET", f"/api/v2/assets?name_pattern={project.slug}.source")["assets"]
    server.call("POST", "/api/v2/assets/events", {"asset_id": asset["id"]})
    (run,) = new_runs(server, project, "asset_triggered")
    return server.wait_for_run(project.slug, run["dag_run_id"])


def test_a_run_goes_through_to_a_promoted_model(
    triggered: dict[str, str], project: Project
) -> None:
    assert triggered == {"": "success", **dict.fromkeys((*ALWAYS, *TRAINED), "success")} | {
        "tell": "skipped"
    }
    assert (project.folder / "artifacts" / "registry" / "champion").exists()


def test_what_was_promoted_is_told_with_its_worth(
    triggered: dict[str, str], receiver: Receiver
) -> None:
    assert triggered
    (notice,) = [message for message in receiver.messages if message["status"] == "notice"]
    assert re.search(r"champion v1-\w+ promoted", notice["incident"])
    assert "a month on the holdout" in notice["message"]


def test_a_missed_deadline_is_told(triggered: dict[str, str], receiver: Receiver) -> None:
    assert triggered
    wait_for(lambda: "step:deadline" in incidents(receiver), timeout=120)


def test_a_backfill_scores_the_rows_of_its_interval_and_trains_nothing(
    backfilled: tuple[str, dict[str, str]], project: Project
) -> None:
    day, states = backfilled
    skipped = dict.fromkeys((*TRAINED, "tell"), "skipped")
    assert states == {"": "success", **dict.fromkeys(ALWAYS, "success"), **skipped}
    assert (project.folder / "artifacts" / "scores" / f"scored_on={day}").is_dir()
    again = command(project, "score", "--since", "2026-02-01", "--until", day)
    assert "0 out" not in again.stdout


def test_new_data_starts_a_run_and_a_failing_step_is_told(
    failed: dict[str, str], receiver: Receiver
) -> None:
    assert (failed[""], failed["extract"]) == ("failed", "failed")
    assert failed["report"] == "upstream_failed"
    assert failed["tell"] == "success"
    assert "step:extract" in incidents(receiver)


def incidents(receiver: Receiver) -> list[str]:
    return [m["incident"] for m in receiver.messages if m["status"] == "firing"]


def new_runs(server: Server, project: Project, kind: str) -> list[dict[str, Any]]:
    """Return the runs that were started in a certain way, once there are any."""

    def found() -> list[dict[str, Any]]:
        return [run for run in server.runs(project.slug) if run["run_type"] == kind]

    wait_for(lambda: bool(found()), timeout=120, still_there=server.process.running)
    return found()


def set_deadline(project: Project, hours: float) -> None:
    file = project.folder / "config" / "airflow.toml"
    text = re.sub(r"(?m)^deadline_hours = \S+", f"deadline_hours = {hours}", file.read_text())
    file.write_text(text)
