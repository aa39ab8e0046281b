"""The data as a whole is judged at each boundary: what is unusual warns, what is ruined stops."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import connect, count, one_row, scratch
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor.data import as_finding
from fourhats_runtime.monitor.verdicts import Verdict, judge_clean, judge_raw, latest, note
from fourhats_runtime.pipeline import Asked, Line, Result, run_step

if TYPE_CHECKING:
    from fourhats_runtime.monitor import Event


def levels(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.name: verdict.level for verdict in verdicts}


def test_a_clean_run_is_fine_and_noted(
    line: tuple[Project, dict[str, Result]], ran: Project
) -> None:
    assert "quality.html" in line[1]["report"].words
    with connect(ran) as connection:
        found = latest(connection)
        (noted,) = one_row(connection, "SELECT count(*) FROM quality")
    unknown = {verdict.name for verdict in found if verdict.level == "unknown"}
    assert unknown == {"volume", "distribution"}  # no run was before it, and no champion
    assert {verdict.level for verdict in found if verdict.name not in unknown} == {"fine"}
    assert {"contract", "features"} <= {verdict.name for verdict in found}
    assert noted == len(found)
    run_step("validate", ran)
    with connect(ran) as connection:
        assert count(connection, "quality") == noted + 2


@pytest.mark.parametrize(
    ("failing", "level"), [(0, "fine"), (30, "fine"), (31, "warn"), (50, "warn"), (51, "stop")]
)
def test_failing_rows_warn_and_then_stop(
    fresh: Project, failing: int, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUALITY__WARN_INVALID_SHARE", "0.03")
    monkeypatch.setenv("QUALITY__MAX_INVALID_SHARE", "0.05")
    with scratch(fresh) as connection:
        found = judge_raw(connection, fresh, 1000, failing)
    assert levels(found) == {"contract": level, "volume": "unknown"}


def test_nothing_is_fine_of_no_rows_and_of_rows_that_nothing_can_be_held_against(
    ran: Project, contract: Contract
) -> None:
    with scratch(ran) as connection:
        raw = judge_raw(connection, ran, 0, 0)
    with connect(ran) as connection:
        connection.execute("DELETE FROM clean")
        clean = judge_clean(connection, contract, ran)
    assert set(levels(raw).values()) == {"unknown"}
    assert levels(clean) == {"features": "stop", "keys": "unknown", "distribution": "unknown"}
    assert {as_finding(verdict).state for verdict in (*raw, *clean)} == {"unknown", "alert"}


@pytest.mark.parametrize(
    ("rows", "level"), [(1000, "fine"), (700, "fine"), (1600, "warn"), (400, "warn"), (90, "stop")]
)
def test_volume_is_judged_by_the_median_of_earlier_runs(
    fresh: Project, rows: int, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA__VOLUME_CHANGE", "0.5")
    monkeypatch.setenv("DATA__MIN_VOLUME_SHARE", "0.1")
    with scratch(fresh) as connection:
        for usual in (1000, 1000, 5, 1000, 9000):
            note(connection, [Verdict("raw", "volume", "fine", usual, "")])
        assert levels(judge_raw(connection, fresh, rows, 0))["volume"] == level


def test_features_that_the_contract_forbids_stop_the_run(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        column = next(c for c in contract.features if c.min is not None or c.categories)
        broken = "'???'" if column.categories else str((column.min or 0) - 1)
        connection.execute(f"UPDATE clean SET {quote(column.name)} = {broken} WHERE rowid < 2")
        found = {verdict.name: verdict for verdict in judge_clean(connection, contract, ran)}
    assert found["features"].level == "stop"
    assert found["features"].message.startswith(f"2 values of {column.name} do not meet")


def test_a_key_that_comes_twice_stops_the_run(ran: Project, contract: Contract) -> None:
    assert contract.id is not None
    with connect(ran) as connection:
        connection.execute("INSERT INTO clean FROM clean LIMIT 3")
        assert levels(judge_clean(connection, contract, ran))["keys"] == "stop"


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_features_that_moved_from_the_training_data_warn(ran: Project) -> None:
    contract = ran.contract
    column = next(c for c in contract.model_inputs if c.name not in contract.time_parts)
    value = f"'{column.categories[0]}'" if column.categories else str(column.max or 1)
    with connect(ran) as connection:
        connection.execute(f"UPDATE clean SET {quote(column.name)} = {value}")
        found = {verdict.name: verdict for verdict in judge_clean(connection, contract, ran)}
    assert found["distribution"].level == "warn"
    assert column.name in found["distribution"].message


def test_a_stop_writes_the_report_and_alerts(fresh: Project) -> None:
    sent: list[Event] = []
    project = replace(fresh, channels={"own": lambda _, events: sent.extend(events)})
    run_step("extract", project)
    column = next(c for c in project.contract.features if c.is_number)
    with connect(project) as connection:
        connection.execute(
            f"UPDATE raw_sample SET {quote(column.source)} = '???' WHERE rowid % 3 = 0"
        )
    with pytest.raises(ProjectError, match=r"artifacts/reports/quality\.html"):
        run_step("validate", project)
    page = (project.artifacts / "reports" / "quality.html").read_text(encoding="utf-8")
    assert f"<td>{column.name} is " in page
    assert "data:image/png" not in page, "one run is no line over the runs"
    assert "http" not in page.replace("http-equiv", "")
    assert [event.incident for event in sent] == ["data:contract"]
    run_step("extract", project)
    run_step("validate", project)
    run_step("transform", project)


def test_rows_that_pass_a_mended_contract_are_taken_in(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        line = Line(ran, contract, connection, lambda *_: None, Asked(replay=True))
        before, clean = count(connection, "quarantine"), count(connection, "clean")
        assert line.validate().words == f"0 of {before:,} rows that were set aside pass now"
        reasons = connection.execute("SELECT DISTINCT reasons FROM quarantine").fetchall()
        spoilt = {reason.partition(" ")[0] for (reason,) in reasons}
        columns = [
            column.model_copy(update={"role": "ignore"}) if column.name in spoilt else column
            for column in contract.columns
        ]
        line.contract = contract.model_copy(update={"columns": tuple(columns)})
        words = line.validate().words
        assert words == f"{before:,} of {before:,} rows that were set aside pass now"
        assert count(connection, "quarantine") == 0
        assert count(connection, "clean") == clean + before
        replayed = connection.execute("FROM clean ORDER BY _source, _row").fetchall()
        line.transform()
        assert connection.execute("FROM clean ORDER BY _source, _row").fetchall() == replayed


def test_there_is_nothing_to_replay_before_the_first_validation(fresh: Project) -> None:
    run_step("extract", fresh)
    with pytest.raises(ProjectError, match="run the step `validate` first"):
        run_step("validate", fresh, asked=Asked(replay=True))
