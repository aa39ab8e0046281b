"""Rows of one entity count once, from the log and the scores to alarms, intervals and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.predictor import Predictor, Question
from fourhats_runtime.chance import (
    are_few,
    greatest_effect,
    half_width,
    independent_rows,
    likeness,
    limit,
    normal_limit,
    numbered,
    of_shares,
    squares_limit,
    student_limit,
)
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.lifecycle.distribution import baselines_of
from fourhats_runtime.lifecycle.reference import holdout, keep_holdout, training_rows
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.decisions import on_holdout, taken
from fourhats_runtime.monitor.months import month_of
from fourhats_runtime.monitor.predictions import collect, remember_outcomes
from fourhats_runtime.monitor.verdicts import distribution_shifts
from fourhats_runtime.monitor.watch import drift, drift_shifts
from fourhats_runtime.pipeline import Asked, run_step

from tests.method.entities import FEATURES, World, write, yes_or_no
from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

KNOWN, OPEN, ROWS = 200, 30, 8
"""Customers with outcomes, and without, and the rows of each."""


def world(seed: int) -> World:
    """Give customers, half of whose rows tell what comes; of the last nobody knows it yet."""
    random = np.random.default_rng(seed)
    which = np.repeat(np.arange(KNOWN + OPEN), ROWS)
    columns = {name: random.normal(size=KNOWN + OPEN)[which] for name in FEATURES}
    left = yes_or_no(columns["a"] + random.normal(0, 0.5, len(which)) > 0)
    came = [one if customer < KNOWN else None for one, customer in zip(left, which, strict=True)]
    names = [f"C{name}" for name in which]
    table = pa.table({"customer": names, **columns, "left": pa.array(came, pa.string())})
    return World(table, {"customer": ("text", "entity")} | FEATURES)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose rows are of customers, with a champion that has scored the open ones."""
    project = sample_project(tmp_path_factory.mktemp("entities") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINING__TRIALS", "1")
        write(project, world(3), "raw")
        for step in ("validate", "transform", "train", "evaluate"):
            run_step(step, project)
        run_step("promote", project, asked=Asked(accept=True))
        run_step("score", project)
    with connect(project) as connection:
        remember_outcomes(connection, project.contract)
        collect(connection, project, project.contract)
    return project


def test_scores_and_answers_carry_whose_they_are(ran: Project) -> None:
    predictor = Predictor(ran, Journal.of(ran, "predictions"))
    assert predictor.loaded is not None
    body = b'[{"a": 0, "b": 0, "c": 0, "d": 0, "customer": "C1"}, {"a": 0, "b": 0, "c": 0, "d": 0}]'
    records = predictor.loaded.records.decode(body)
    predictor.predict(predictor.loaded, Question("mine", records))
    predictor.close()
    with connect(ran) as connection:
        collect(connection, ran, ran.contract)
        found = values(connection, "SELECT prediction_id, _entity FROM predictions")
        decided = taken(connection, ran, ran.contract)
    whose = dict(zip(found["prediction_id"], found["_entity"], strict=True))
    assert (whose.pop("mine-0"), whose.pop("mine-1")) == ("C1", None)
    assert sorted(whose.values()) == sorted(f"C{KNOWN + row // ROWS}" for row in range(OPEN * ROWS))
    assert len(np.unique(decided.entity)) == OPEN + 2


def test_what_was_scored_before_there_were_entities_stands_for_itself(ran: Project) -> None:
    with connect(ran) as connection:
        connection.execute("CREATE OR REPLACE TABLE kept AS SELECT * FROM scores")
        connection.execute("ALTER TABLE scores DROP COLUMN customer")
        collect(connection, ran, ran.contract)
        decided = taken(connection, ran, ran.contract)
        connection.execute("CREATE OR REPLACE TABLE scores AS SELECT * FROM kept")
        collect(connection, ran, ran.contract)
    assert len(np.unique(decided.entity)) == len(decided)


def test_the_months_interval_is_that_of_so_many_customers(ran: Project) -> None:
    with connect(ran) as connection:
        at = values(connection, "SELECT max(given_at) AS at FROM predictions")["at"][0]
        by_customer = month_of(connection, ran, ran.contract, at.date().replace(day=1))
        connection.execute("UPDATE predictions SET _entity = NULL")
        by_row = month_of(connection, ran, ran.contract, at.date().replace(day=1))
        collect(connection, ran, ran.contract)
    assert by_customer.added.total == pytest.approx(by_row.added.total)
    wide, narrow = (each.added.high - each.added.low for each in (by_customer, by_row))
    assert wide > 1.3 * narrow  # by the cases at hand; the holdout's error is the same


def test_drift_is_judged_by_customers_and_not_by_a_few(ran: Project) -> None:
    with connect(ran) as connection:
        assert {finding.state for finding in drift(connection, ran)} == {"fine"}
        by_customer = drift_shifts(connection, ran)["a"]
        connection.execute("UPDATE predictions SET _entity = NULL")
        by_row = drift_shifts(connection, ran)["a"]
        connection.execute("UPDATE predictions SET _entity = 'C' || length(prediction_id)")
        few = drift(connection, ran)
        collect(connection, ran, ran.contract)
        clean = distribution_shifts(connection, ran.contract, ran)
    assert by_customer.limit > 2 * by_row.limit
    assert {finding.state for finding in few} == {"unknown"}
    assert "or of too few customer" in few[0].message
    assert not any(shift.moved for shift in clean.values())


def test_a_registered_model_keeps_which_rows_belong_together_and_not_whose_they_are(
    ran: Project,
) -> None:
    champion = Model.champion(ran)
    folder = Registry(ran.artifacts / "registry").folder(champion.version)
    sample, judged = training_rows(folder), holdout(folder)
    assert set(sample.inputs) == set(FEATURES)
    for groups in (sample.groups, judged.groups):
        assert groups is not None
        names = np.unique(groups)
        assert len(names) * ROWS == pytest.approx(len(groups), rel=0.05)
        assert names.max() < KNOWN  # counted up
    promised = on_holdout(ran, champion.version)
    assert judged.groups is not None
    assert len(np.unique(promised.entity)) == len(np.unique(judged.groups))
    card = Registry(ran.artifacts / "registry").card(champion.version)
    assert baselines_of(card)["a"].effect == pytest.approx(ROWS, rel=0.1)


def test_a_holdout_that_was_kept_before_has_a_row_each(tmp_path: Path) -> None:
    keep_holdout(tmp_path, np.linspace(0, 1, 10), np.ones(10))
    assert holdout(tmp_path).groups is None


def test_the_steps_that_look_back_run_with_entities(ran: Project) -> None:
    words = run_step("monitor", ran).words
    assert "data:freshness" in words  # nothing was extracted: the rows were put there
    assert "drift" not in words
    assert "no champion was there before it" in run_step("rollback", ran).words


def test_rows_that_stand_for_themselves_are_counted_as_ever() -> None:
    amounts = np.random.default_rng(0).normal(size=200)
    for groups in (None, numbered([None] * 200), numbered(range(200))):
        assert independent_rows(amounts, groups) == 200
        assert limit(0.001, groups) == normal_limit(0.001)
        assert of_shares(np.arange(200) % 7, groups) == (1.0, 1.0, 0.0)
        expected = 1.959964 * amounts.std() / 200**0.5
        assert half_width(amounts, groups) == pytest.approx(expected)
    assert squares_limit(6, 0.01, 1.0, None) == pytest.approx(16.81, rel=0.01)


def test_rows_that_are_all_alike_count_once_an_entity() -> None:
    groups = numbered([row // 8 for row in range(400)])
    amounts = np.random.default_rng(0).normal(size=50)[groups]
    assert greatest_effect(groups, 400) == 8
    assert likeness(amounts, groups) == 1.0
    assert independent_rows(amounts, groups) == pytest.approx(50)
    assert independent_rows(np.ones(400), groups) == 50  # nothing tells that they differ
    assert limit(0.01, groups, None) == student_limit(49, 0.01)
    alike = of_shares((amounts > 0).astype(int), groups)
    assert alike.effect == pytest.approx(8, rel=0.05)


def test_entities_that_have_each_value_once_are_counted_by_their_rows() -> None:
    weeks, machines = np.tile(np.arange(8), 50), np.repeat(np.arange(50), 8)
    found = of_shares(weeks, machines)
    assert (found.effect, found.share, found.likeness) == (1, 1, 0)


def test_rows_of_one_entity_have_an_interval_all_the_same() -> None:
    one = numbered(["x"] * 100)
    amounts = np.random.default_rng(0).normal(size=100)
    assert independent_rows(amounts, one) < 2
    assert np.isfinite(half_width(amounts, one))
    assert are_few(one)
    assert not are_few(numbered([None] * 5))  # rows alone are judged by how many there are
