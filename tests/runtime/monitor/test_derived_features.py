"""What features.py derives is watched, and reported, as the contract's own features are."""

import datetime as dt

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.model import Columns, weekday
from fourhats_runtime.monitor.verdicts import judge_clean
from fourhats_runtime.monitor.watch import drift
from fourhats_runtime.pipeline import run_step, steps

from tests.runtime.sample_project import sample_project


def derived(row: Columns) -> Columns:
    """Derive a ratio, a feature of a date, and a text."""
    busy = row["support_calls"] > 2
    return {
        "fee_a_month": row["monthly_fee"] / np.maximum(row["tenure_months"], 1),
        "weekday": weekday(row["signed_on"]),
        "busy": np.where(busy, "yes", "no"),
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project with features of its own, whose line has run."""
    made = sample_project(tmp_path_factory.mktemp("derived") / "project", features=derived)
    for step in steps(made):
        run_step(step, made)
    return made


def test_the_pages_name_them(project: Project) -> None:
    lineage = (project.folder / "docs" / "lineage.md").read_text(encoding="utf-8")
    card = (project.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    report = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    for name, kind in (("fee_a_month", "number"), ("weekday", "number"), ("busy", "category")):
        assert f"| `{name}` | the features above, by `features.py` | {kind} |" in lineage
        assert f"| `{name}` | {kind}, derived by `features.py` |" in card
        assert f"<code>{name}</code>" in report
    assert "| `signed_on` | datetime, by what is derived from it |" in card


def test_each_of_them_is_looked_at_and_moments_only_by_them(project: Project) -> None:
    with connect(project) as connection:
        found = {finding.incident: finding for finding in drift(connection, project)}
    assert {"drift:fee_a_month", "drift:weekday", "drift:busy", "drift:prediction"} <= set(found)
    assert "drift:signed_on" not in found
    assert {finding.state for finding in found.values()} == {"fine"}


def test_one_that_moves_is_noticed_in_predictions_and_in_the_rows_to_learn_from(
    project: Project,
) -> None:
    with connect(project) as connection:
        connection.execute("BEGIN")
        moments = values(connection, "SELECT signed_on FROM predictions")["signed_on"]
        assert isinstance(moments[0], dt.datetime)
        for table in ("predictions", "clean"):
            connection.execute(f"UPDATE {table} SET signed_on = TIMESTAMP '2026-01-05 08:00:00'")
        moved = [
            finding.incident for finding in drift(connection, project) if finding.state == "alert"
        ]
        verdicts = {each.name: each for each in judge_clean(connection, project.contract, project)}
        connection.execute("ROLLBACK")
    assert "drift:weekday" in moved
    assert "drift:fee_a_month" not in moved
    assert verdicts["distribution"].level == "warn"
    assert "weekday (" in verdicts["distribution"].message
