"""Regression from a real PostgreSQL, by LightGBM, scored in batches, alerts to a webhook."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.availability import unavailable
from tests.services.postgres import PostgresMissingError, postgres_server, server_binaries
from tests.services.rendered import Project, champion, command, install, render
from tests.services.tables import deliveries
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS, OPEN_ROWS = 1500, 120
TABLE = """
CREATE TABLE deliveries (
    order_no text, ordered_at timestamp, distance_km numeric(9, 3), weight_kg double precision,
    weather text, express boolean, hours numeric(9, 2)
);
"""
# What the deliveries' hours depend on.
AS_USUAL = """
4 + distance_km / 50 * CASE weather WHEN 'dry' THEN 1.0 WHEN 'rain' THEN 1.3 ELSE 2.0 END
  * CASE WHEN express THEN 0.5 ELSE 1 END + CASE WHEN weight_kg > 20 THEN 6 ELSE 0 END
"""


@dataclass(frozen=True)
class Line:
    """The project, its database and its webhook."""

    project: Project
    database: str
    receiver: Receiver

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the project's command beside its database and webhook."""
        surroundings = {
            "POSTGRES_URL": self.database,
            "ALERT_WEBHOOK_URL": self.receiver.url,
            "TRAINING__TRIALS": "4",
        }
        return command(self.project, *words, env=surroundings, check=check)

    def sql(self, text: str, stdin: str | None = None) -> None:
        """Run a statement in the database."""
        psql = str(server_binaries() / "psql")
        command = [psql, "--quiet", "--set", "ON_ERROR_STOP=1", self.database, "--command", text]
        subprocess.run(command, input=stdin, text=True, check=True)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("postgres")
    table = folder / "deliveries.csv"
    deliveries(table, ROWS, OPEN_ROWS)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            model_family=["lightgbm"],
            data_sources=["postgres"],
            postgres_query="SELECT * FROM deliveries",
            serving=["batch"],
            orchestrator="none",
            alerts=["webhook"],
            value_tolerance=4.0,
        )
    )
    try:
        with postgres_server() as database, webhook_receiver() as receiver:
            line = Line(project, database, receiver)
            line.sql(TABLE)
            copy = "COPY deliveries FROM STDIN WITH (FORMAT csv, HEADER)"
            line.sql(copy, table.read_text(encoding="utf-8"))
            line.run("contract", "infer", str(table), "--target", "hours", "--force")
            yield line
    except PostgresMissingError as error:
        unavailable(error)


@pytest.fixture(scope="module")
def first_run(line: Line) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(line.run("run", "--json").stdout)
    return result


def test_every_row_of_the_database_is_extracted_and_valid(first_run: dict[str, Any]) -> None:
    assert first_run["extract"]["rows_out"] == ROWS
    assert first_run["validate"]["rows_out"] == ROWS


def test_the_model_beats_the_baselines_in_money(first_run: dict[str, Any]) -> None:
    facts = first_run["evaluate"]
    assert first_run["promote"]["promoted"] is True
    assert facts["value"] > max(facts["baselines"].values())
    assert facts["gain"]["low"] > 0
    assert facts["metrics"]["r2"] > 0.8


def test_the_orders_without_an_outcome_are_scored(line: Line, first_run: dict[str, Any]) -> None:
    assert first_run["score"]["rows_out"] == OPEN_ROWS
    (scores,) = (line.project.folder / "artifacts" / "scores").glob("*/part-*.parquet")
    assert scores.stat().st_size > 0
    assert line.receiver.incidents == []
    (promoted,) = line.receiver.notices
    assert promoted["incident"].startswith("champion:")


def test_outcomes_far_off_bring_an_alert_and_good_ones_clear_it(
    line: Line, first_run: dict[str, Any]
) -> None:
    del first_run
    arrived = len(line.receiver.incidents)
    line.sql("UPDATE deliveries SET hours = 500 WHERE hours IS NULL")
    for step in ("extract", "validate", "transform", "monitor", "monitor"):
        line.run(step)
    fired = line.receiver.incidents[arrived:]
    about = [m for m in fired if m["incident"] == "performance:value"]
    assert [(m["status"], m["project"]) for m in about] == [("firing", "delivery-times")]
    line.sql(f"UPDATE deliveries SET hours = {AS_USUAL} WHERE hours = 500")  # noqa: S608 - our own
    for step in ("extract", "validate", "transform", "monitor"):
        line.run(step)
    line.sql(f"UPDATE deliveries SET hours = NULL WHERE order_no >= 'A{ROWS - OPEN_ROWS:05}'")  # noqa: S608 - our own
    cleared = [m for m in line.receiver.incidents[arrived:] if m["status"] == "resolved"]
    assert "performance:value" in {message["incident"] for message in cleared}


def test_a_challenger_that_learned_nonsense_does_not_replace_the_champion(
    line: Line, first_run: dict[str, Any]
) -> None:
    del first_run
    before = champion(line.project)
    line.sql("CREATE TABLE kept AS TABLE deliveries")
    line.sql(
        "UPDATE deliveries SET hours = 4 + abs(hashtext(order_no)) % 40 WHERE hours IS NOT NULL"
    )
    for step in ("extract", "validate", "transform", "train"):
        line.run(step)
    line.sql("TRUNCATE deliveries")
    line.sql("INSERT INTO deliveries TABLE kept")
    for step in ("extract", "validate", "transform", "evaluate"):
        line.run(step)
    said = line.run("promote").stdout
    assert "refused" in said
    assert "less than" in said
    assert champion(line.project) == before


def test_a_wrong_password_is_not_shown(line: Line) -> None:
    address = line.database.replace("postgresql://postgres@", "postgresql://postgres:s3cret@")
    wrong = address.rsplit("/", 1)[0] + "/no_such_database"
    done = command(line.project, "extract", env={"POSTGRES_URL": wrong}, check=False)
    assert done.returncode == 2
    assert "s3cret" not in done.stdout + done.stderr
    *alerts, said = done.stderr.splitlines()
    assert "PostgreSQL" in said
    assert set(alerts) <= {"step:extract: not sent to webhook (ALERT_WEBHOOK_URL is not set)"}


def test_a_bad_query_is_told_in_one_line(line: Line) -> None:
    query = {"POSTGRES_URL": line.database, "POSTGRES__QUERY": "SELECT * FROM no_such_table"}
    done = command(line.project, "extract", env=query, check=False)
    assert done.returncode == 2
    assert "no_such_table" in done.stderr
    assert len(done.stderr.splitlines()) == 1
