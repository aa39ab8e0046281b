"""Batch scoring gives the model's own answers, and a day's scores once."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from fourhats_runtime.contract import Column
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import connect, count, one_row
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.pipeline import Asked, run_step
from fourhats_runtime.score.rows import Interval, answered, columns
from pyarrow import parquet

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project
    from fourhats_runtime.contract import Contract
    from fourhats_runtime.data.warehouse import Connection

NOW = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 (the warehouse's are all in UTC)

Engine = Literal["local", "spark"]
engines = pytest.mark.parametrize("engine", ["local", "spark"])
both_tasks = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


def scores_of(project: Project, rows: int | None = None) -> dict[str, list[Any]]:
    (folder,) = project.artifacts.glob("scores/scored_on=*")
    assert (folder / "_SUCCESS").exists()
    scores: dict[str, list[Any]] = parquet.read_table(folder).slice(0, rows).to_pydict()
    return scores


def _open(connection: Connection, project: Project) -> list[int]:
    """Give the rows that wait for a decision."""
    target = quote(project.contract.target.name)
    found = connection.execute(f"SELECT _row FROM clean WHERE {target} IS NULL ORDER BY _row")
    return [row for (row,) in found.fetchall()]


@pytest.fixture
def by_value(ran: Project) -> None:
    """Send what a project decides by to Spark's workers: they could import no package of it."""
    from pyspark import cloudpickle  # noqa: PLC0415 (it takes its time)

    decides = sys.modules[ran.payoff.__module__]
    cloudpickle.register_pickle_by_value(decides)  # type: ignore[no-untyped-call]


@both_tasks
def test_scores_are_the_models_own_answers(ran: Project) -> None:
    scores = scores_of(ran, rows=50)
    champion = Model.champion(ran)
    answers = champion.rule.answers(champion.predict(scores))
    for name in ("prediction", "expected_value"):
        assert scores[name] == pytest.approx(answers[name].tolist())
    assert set(scores["model_version"]) == {champion.version}
    # None, too: a number has no probability.
    assert set(scores["probability_of"]) == {champion.contract.positive}


@both_tasks
def test_rows_of_arrow_are_the_columns_that_values_make(ran: Project) -> None:
    champion = Model.champion(ran)
    with connect(ran) as connection:
        names = ", ".join(quote(column.name) for column in champion.contract.features)
        rows = connection.arrow(f"SELECT {names} FROM clean ORDER BY _row LIMIT 500")
    assert any(column.null_count for column in rows.columns)
    feed = champion.feed(rows.to_pydict())
    (batch,) = rows.combine_chunks().to_batches()
    made = answered(champion, batch, NOW)
    outputs = champion.rule.answers(champion.run(feed))
    assert made["prediction"].to_pylist() == outputs["prediction"].tolist()
    assert set(made["scored_at"].to_pylist()) == {NOW}


def test_gaps_of_each_type_are_marked_as_features_py_knows_them(contract: Contract) -> None:
    added = (
        Column(name="at", source="at", type="datetime", nullable=True),
        Column(name="words", source="words", type="text", nullable=True),
    )
    kept = tuple(c for c in contract.columns if c.type in ("integer", "boolean", "category"))
    wide = contract.model_copy(update={"columns": (*kept, *added)})
    moment = datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None)
    given: dict[str, object] = {"integer": 7, "boolean": True, "category": "x", "text": "y"}
    given["datetime"] = moment
    record = {column.name: [given[column.type], None] for column in wide.features}
    types = {"integer": pa.int64(), "boolean": pa.bool_(), "datetime": pa.timestamp("us")}
    rows = pa.record_batch(
        {
            column.name: pa.array(record[column.name], types.get(column.type, pa.string()))
            for column in wide.features
        }
    )
    made = columns(rows, wide)
    for column in wide.features:
        values = made[column.name]
        if column.is_number:
            assert values.dtype == np.float64
            assert values[0] == given[column.type]
            assert np.isnan(values[1])
        elif column.is_time:
            assert values.dtype == np.dtype("datetime64[us]")
            assert values[0] == np.datetime64(moment)
            assert np.isnat(values[1])
        else:
            assert values.dtype == object
            assert values.tolist() == [given[column.type], None]


def test_a_day_scored_twice_is_in_the_warehouse_once(ran: Project) -> None:
    run_step("score", ran)
    with connect(ran) as connection:
        assert count(connection, "scores") == len(_open(connection, ran))


@engines
@pytest.mark.usefixtures("by_value")
@both_tasks
def test_open_cases_alone_are_scored(ran: Project, engine: Engine) -> None:
    target = quote(ran.contract.target.name)
    with connect(ran) as connection:
        connection.execute(f"UPDATE clean SET {target} = NULL WHERE _row <= 20")
        waiting = _open(connection, ran)
    done = run_step("score", replace(ran, engine=engine))
    assert done.rows_out == done.facts["rows"] == len(waiting)
    assert scores_of(ran)["_row"] == waiting


@engines
@pytest.mark.usefixtures("by_value")
@both_tasks
def test_where_every_row_has_its_outcome_the_partition_is_empty_and_said_to_be(
    ran: Project, engine: Engine
) -> None:
    before = parquet.read_schema(next(ran.artifacts.glob("scores/*/part-00000.parquet")))
    with connect(ran) as connection:
        connection.execute(f"DELETE FROM clean WHERE {quote(ran.contract.target.name)} IS NULL")
        connection.execute("DELETE FROM quarantine")
    done = run_step("score", replace(ran, engine=engine))
    assert done.rows_in == done.rows_out == 0
    assert "no case is open, as every row has its outcome" in done.words
    assert scores_of(ran)["_row"] == []
    after = parquet.read_schema(next(ran.artifacts.glob("scores/*/part-00000.parquet")))
    assert after.names == before.names
    assert after.types == before.types
    with connect(ran) as connection:
        assert count(connection, "scores") == 0


@engines
@pytest.mark.usefixtures("by_value")
def test_an_unknown_category_is_scored_and_flagged(ran: Project, engine: Engine) -> None:
    with connect(ran) as connection:
        strange, other = _open(connection, ran)[:2]
        for row, change in (
            (strange, "contract = 'weekly'"),
            (other, "contract = 'weekly', region = 'moon'"),
            (1, "contract = 'weekly'"),
        ):
            connection.execute(f"UPDATE raw_sample SET {change} WHERE customer_id = '{row}'")
    for step in ("validate", "transform"):
        run_step(step, ran)
    done = run_step("score", replace(ran, engine=engine))
    scores = scores_of(ran)
    flags = dict(zip(scores["_row"], scores["unknown_categories"], strict=True))
    assert {row: flag for row, flag in flags.items() if flag} == {
        strange: "contract",
        other: "contract, region",
    }
    assert done.facts["unknown"] == 2
    assert "2 of them with a category that the model has never seen" in done.words
    with connect(ran) as connection:
        closed = "SELECT reasons FROM quarantine WHERE _row = 1"
        assert one_row(connection, closed) == ("contract is an unknown category",)


@engines
@pytest.mark.usefixtures("by_value")
def test_who_gets_no_decision_is_listed_with_the_reason(ran: Project, engine: Engine) -> None:
    some = replace(
        ran,
        engine=engine,
        transform="SELECT * FROM valid WHERE region <> 'north' OR region IS NULL",
    )
    with connect(ran) as connection:
        broken, again = _open(connection, ran)[:2]
        connection.execute(
            f"UPDATE raw_sample SET monthly_fee = 'free' WHERE customer_id = '{broken}'"
        )
        connection.execute(
            f"INSERT INTO raw_sample SELECT * FROM raw_sample WHERE customer_id = '{again}'"
        )
        connection.execute("UPDATE raw_sample SET monthly_fee = 'free' WHERE customer_id = '1'")
    for step in ("validate", "transform"):
        run_step(step, some)
    done = run_step("score", some)
    (file,) = ran.artifacts.glob("scores/*/_unscored.csv")
    listed = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    reasons = {int(one["row"]): one["reason"] for one in listed}
    assert reasons[broken] == "monthly_fee is no number"
    assert 1 not in reasons  # its outcome is known
    assert again not in reasons  # a newer row of the same customer was scored
    left_out = [row for row, reason in reasons.items() if reason == "left out by transform.py"]
    with connect(ran) as connection:
        north = connection.execute(
            "SELECT _row FROM raw WHERE region = 'north' AND churned = '' "
            "AND _row NOT IN (SELECT _row FROM quarantine)"
        ).fetchall()
        assert count(connection, "unscored") == len(listed)
    assert sorted(left_out) == sorted(row for (row,) in north)
    assert len(left_out) > 0
    assert done.rows_in - done.rows_out == len(listed) == done.facts["undecided"]
    assert f"{len(listed):,} open cases got no decision (table unscored): " in done.words
    assert not set(reasons) & set(scores_of(ran)["_row"])


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_a_time_of_the_past_is_a_back_test_and_no_decision(ran: Project) -> None:
    scored = scores_of(ran)
    done = run_step("score", ran, asked=Asked(interval=Interval.of("2025-01-02", "2025-01-03")))
    assert "backtests/since=2025-01-02/until=2025-01-03; a back-test, which" in done.words
    assert 20 <= done.rows_out <= 24
    empty = run_step("score", ran, asked=Asked(interval=Interval.of("2020-01-02", "2020-01-03")))
    assert (empty.rows_in, empty.rows_out) == (0, 0)
    assert scores_of(ran) == scored
    with connect(ran) as connection:
        assert count(connection, "scores") == len(scored["_row"])


def test_a_part_that_is_there_is_kept_unless_model_or_rows_changed(ran: Project) -> None:
    (part,) = ran.artifacts.glob("scores/scored_on=*/part-00000.parquet")
    before = part.stat().st_mtime_ns
    run_step("score", ran)
    assert part.stat().st_mtime_ns == before
    with connect(ran) as connection:
        connection.execute(f"DELETE FROM clean WHERE _row = {_open(connection, ran)[0]}")
    run_step("score", ran)
    assert part.stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("since", "until"), [("2026-01-31", None), ("x", "2026-01-31"), ("2026-01-31", "2026-01-31")]
)
def test_an_interval_is_two_days_the_earlier_first(since: str, until: str | None) -> None:
    assert Interval.of(None, None) is None
    with pytest.raises(ProjectError, match="give two days"):
        Interval.of(since, until)


def test_scores_go_to_the_bucket_that_is_named(ran: Project, tmp_path: Path) -> None:
    named = with_table(ran, "scores", url="ftp://nowhere/scores")
    with pytest.raises(ProjectError, match=r"scores\.url is 'ftp"):
        run_step("score", named)
    assert not list(tmp_path.glob("nowhere"))


@pytest.mark.usefixtures("by_value")
def test_spark_scores_as_this_machine_does(ran: Project) -> None:

    before = scores_of(ran)
    assert run_step("score", replace(ran, engine="spark")).rows_out == len(before["_row"])
    after = scores_of(ran)
    for name in ("_source", "_row", "model_version"):
        assert after[name] == before[name]
    for name in ("prediction", "expected_value"):
        assert after[name] == pytest.approx(before[name])
