"""What was predicted and what came of it are put together, wherever each was logged."""

import json
from pathlib import Path
from typing import Any

import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.warehouse import Connection, scratch, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor.predictions import collect, remember_outcomes

AT = "2026-03-01T12:00:00Z"
CONTRACT = Contract(
    positive="yes",
    columns=(
        Column(name="customer", source="customer", type="integer", role="id"),
        Column(name="fee", source="fee", type="number", nullable=True),
        Column(name="card", source="card", type="boolean"),
        Column(name="plan", source="plan", type="category", categories=("a", "b")),
        Column(name="signed_on", source="signed_on", type="datetime", nullable=True),
        Column(
            name="churned",
            source="churned",
            type="category",
            role="target",
            categories=("no", "yes"),
        ),
    ),
)
RECORD = {
    "customer": 7,
    "fee": 9.5,
    "card": True,
    "plan": "a",
    "signed_on": "2024-02-29T08:00:00",
}


@pytest.fixture
def log(fresh: Project) -> Path:
    folder = fresh.artifacts / "predictions"
    folder.mkdir(parents=True)
    return folder / "2026-03-01-1.jsonl"


def test_a_log_of_answers_becomes_rows_with_their_features_as_they_were(
    fresh: Project, log: Path
) -> None:
    gap = RECORD | {"customer": 8, "fee": None, "card": False, "signed_on": None}
    _write(log, _entry("r1", RECORD, gap))
    found = _collected(fresh)
    assert found["prediction_id"] == ["r1-0", "r1-1"]
    assert found["id"] == ["7", "8"]
    assert found["fee"] == [9.5, None]
    assert found["card"] == [1.0, 0.0]
    assert found["plan"] == ["a", "a"]
    assert [str(moment) for moment in found["signed_on"]] == ["2024-02-29 08:00:00", "None"]
    assert found["probability"] == [0.25, 0.25]
    assert found["actual"] == [None, None]


def test_a_message_that_was_logged_twice_counts_once_and_other_records_by_themselves(
    fresh: Project, log: Path
) -> None:
    other = RECORD | {"customer": 9}
    _write(log, _entry("r1", RECORD), _entry("r1", RECORD, at="2026-03-01T12:00:05Z"))
    _write(log.with_name("2026-03-01-2.jsonl"), _entry("r1", other), _entry("r2", RECORD))
    found = _collected(fresh)
    assert sorted(zip(found["prediction_id"], found["id"], strict=True)) == [
        ("r1-0", "7"),
        ("r1-0", "9"),
        ("r2-0", "7"),
    ]
    assert max(str(at) for at in found["given_at"]) == "2026-03-01 12:00:05"


def test_a_torn_line_is_left_out(fresh: Project, log: Path) -> None:
    whole = json.dumps(_entry("r1", RECORD))
    log.write_text(f"{whole}\n{whole[:40]}\n", encoding="utf-8")
    assert _collected(fresh)["prediction_id"] == ["r1-0"]


def test_scores_count_too_where_there_are_any(fresh: Project) -> None:
    found = _collected(fresh, _score)
    assert (found["prediction_id"], found["id"]) == (["2026-03-01-shop-1"], ["7"])
    assert found["card"] == [1.0]
    assert str(found["signed_on"][0]) == "2024-02-29 08:00:00"


def test_the_last_outcome_counts_and_the_api_after_the_file(
    fresh: Project, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(log, *(_entry(f"r{number}", RECORD | {"customer": number}) for number in range(4)))
    (fresh.folder / "outcomes.csv").write_text(
        "prediction_id,actual\nr0-0,no\nr0-0,yes\nr1-0,no\n", encoding="utf-8"
    )
    monkeypatch.setenv("OUTCOMES__PATH", "outcomes.csv")
    (fresh.artifacts / "outcomes").mkdir()
    heard = ({"prediction_id": "r1-0", "actual": "yes"}, {"prediction_id": "r2-0", "actual": "no"})
    _write(fresh.artifacts / "outcomes" / "1.jsonl", *(one | {"received_at": AT} for one in heard))
    found = _collected(fresh.at(fresh.folder))
    outcomes = dict(zip(found["prediction_id"], found["actual"], strict=True))
    assert outcomes == {"r0-0": "yes", "r1-0": "yes", "r2-0": "no", "r3-0": None}


def test_an_outcome_of_the_sources_counts_if_it_came_after_the_prediction(
    fresh: Project, log: Path
) -> None:
    _write(log, *(_entry(f"r{number}", RECORD | {"customer": number}) for number in range(4)))

    def add_outcomes(connection: Connection) -> None:
        connection.execute("INSERT INTO clean VALUES (0, 'yes'), (1, 'no'), (2, NULL), (3, 'yes')")
        connection.execute("INSERT INTO seen_outcomes VALUES ('0', TIMESTAMP '2026-03-02', NULL)")
        connection.execute("INSERT INTO seen_outcomes VALUES ('1', TIMESTAMP '2026-02-01', NULL)")

    found = _collected(fresh, add_outcomes)
    # Who asked about customer 1 knew what had come: that was no decision.
    assert dict(zip(found["id"], found["actual"], strict=True)) == {
        "0": "yes",
        "2": None,
        "3": "yes",
    }


def test_what_is_no_decision_is_kept_apart_with_the_reason(fresh: Project, log: Path) -> None:
    _write(
        log,
        _entry("r0", RECORD),
        _entry("r1", RECORD) | {"trial": True},
        _entry("r2", RECORD | {"customer": 1}),
        _entry("r3", RECORD | {"customer": 1}) | {"trial": True},
    )

    def add_outcomes(connection: Connection) -> None:
        connection.execute("INSERT INTO clean VALUES (1, 'no')")
        connection.execute("INSERT INTO seen_outcomes VALUES ('1', TIMESTAMP '2026-02-01', NULL)")

    assert _collected(fresh, add_outcomes)["prediction_id"] == ["r0-0"]
    apart = _collected(fresh, add_outcomes, "not_counted")
    assert dict(zip(apart["prediction_id"], apart["reason"], strict=True)) == {
        "r1-0": "trial",
        "r2-0": "closed",
        "r3-0": "trial",
    }


def test_what_a_batch_scored_was_open_whatever_is_known_by_now(fresh: Project) -> None:
    def add_scores(connection: Connection) -> None:
        _score(connection)
        connection.execute("INSERT INTO clean VALUES (7, 'yes')")
        connection.execute("INSERT INTO seen_outcomes VALUES ('7', TIMESTAMP '2026-02-01', NULL)")

    assert _collected(fresh, add_scores)["actual"] == ["yes"]


def test_the_outcome_of_a_row_that_was_set_aside_counts(fresh: Project, log: Path) -> None:
    _write(log, *(_entry(f"r{number}", RECORD | {"customer": number}) for number in range(4)))

    def set_aside(connection: Connection) -> None:
        connection.execute(
            "CREATE TABLE quarantine AS SELECT * FROM (VALUES "
            "('plan is an unknown category', 'shop', 1, '0', 'yes'), "
            "('customer comes again with a newer row', 'shop', 2, '1', 'yes'), "
            "('plan is missing', 'shop', 3, '2', '')) "
            "AS rows (reasons, _source, _row, customer, churned)"
        )

    found = _collected(fresh, set_aside)
    outcomes = dict(zip(found["id"], found["actual"], strict=True))
    assert outcomes == {"0": "yes", "1": None, "2": None, "3": None}


def test_outcomes_are_known_from_when_they_came_until_the_case_is_open_again(
    fresh: Project,
) -> None:
    with scratch(fresh) as connection:
        connection.execute("CREATE TABLE clean (customer BIGINT, churned VARCHAR)")
        known = []
        for rows in (
            "(1, 'no'), (2, NULL)",
            "(1, 'no'), (2, 'yes')",
            "(1, NULL), (2, 'yes')",
            "(1, 'yes'), (2, 'yes')",
        ):
            connection.execute(f"DELETE FROM clean; INSERT INTO clean VALUES {rows}")
            remember_outcomes(connection, CONTRACT)
            query = "SELECT id, open_again_at IS NULL FROM seen_outcomes ORDER BY id, seen_at"
            known.append(connection.execute(query).fetchall())
        spans = values(connection, "SELECT * FROM seen_outcomes ORDER BY id, seen_at")
    assert known == [
        [("1", True)],
        [("1", True), ("2", True)],
        [("1", False), ("2", True)],
        [("1", False), ("1", True), ("2", True)],
    ]
    assert spans["seen_at"][0] < spans["open_again_at"][0] < spans["seen_at"][1]


@pytest.mark.parametrize(
    ("closed", "open_again", "is_counted"),
    [
        ("2026-02-01", None, False),
        ("2026-02-01", "2026-03-02", False),
        ("2026-02-01", "2026-02-15", True),
        ("2026-03-02", None, True),
    ],
)
def test_who_asks_about_a_case_decides_while_it_is_open(
    fresh: Project, log: Path, closed: str, open_again: str | None, *, is_counted: bool
) -> None:
    _write(log, _entry("r0", RECORD))

    def remember(connection: Connection) -> None:
        connection.executemany(
            "INSERT INTO seen_outcomes VALUES (?, ?, ?)", [("7", closed, open_again)]
        )

    assert (_collected(fresh, remember)["id"] == ["7"]) is is_counted


def test_a_missing_file_of_outcomes_is_named(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTCOMES__PATH", "nowhere.csv")
    with pytest.raises(ProjectError, match=r"nowhere\.csv.*\(outcomes\.path\)"):
        _collected(fresh)


def _collected(
    project: Project,
    prepare: Any = lambda _: None,  # noqa: ANN401
    table: str = "predictions",
) -> dict[str, list[Any]]:
    """Collect into an empty warehouse, after that was prepared; gives one of the tables."""
    with scratch(project) as connection:
        connection.execute("CREATE TABLE clean (customer BIGINT, churned VARCHAR)")
        connection.execute(
            "CREATE TABLE seen_outcomes (id VARCHAR, seen_at TIMESTAMP, open_again_at TIMESTAMP)"
        )
        prepare(connection)
        collect(connection, project, CONTRACT)
        return values(connection, f"SELECT * FROM {table} ORDER BY prediction_id, id")


def _score(connection: Connection) -> None:
    """Have customer 7 scored in a batch."""
    connection.execute(
        "CREATE TABLE scores AS SELECT 'shop' AS _source, 1 AS _row, 7 AS customer, "
        "9.5 AS fee, TRUE AS card, 'a' AS plan, TIMESTAMP '2024-02-29 08:00:00' AS signed_on, "
        "DATE '2026-03-01' AS scored_on, TIMESTAMP '2026-03-01 12:00:00' AS scored_at, "
        "'v1' AS model_version, 'yes' AS prediction, 0.7 AS probability, 'act' AS decision"
    )


def _entry(request_id: str, *records: dict[str, Any], at: str = AT) -> dict[str, Any]:
    prediction = {"prediction": "no", "probability": 0.25, "decision": "leave"}
    return {
        "given_at": at,
        "request_id": request_id,
        "model_version": "v1",
        "predictions": [prediction] * len(records),
        "records": list(records),
    }


def _write(path: Path, *entries: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(entry)}\n" for entry in entries)
