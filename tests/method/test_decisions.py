"""What is counted as decided is what was decided about open cases, in worlds whose truth is known.

A world has customers whose outcomes it knows and tells day by day. People ask about them in every
way there is; a ledger keeps what they could decide by, and what that earned, without the runtime.
"""

from __future__ import annotations

import csv
import random
import shutil
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.answer import predictor
from fourhats_runtime.data import Rows
from fourhats_runtime.data.sources import sample
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import predictions
from fourhats_runtime.monitor.decisions import taken
from fourhats_runtime.monitor.monthly import monthly_reports
from fourhats_runtime.monitor.watch import drift
from fourhats_runtime.pipeline import Result, run_step
from fourhats_runtime.score import local
from fourhats_runtime.serve import create_app
from pyarrow import parquet

from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fourhats_runtime import Project

FIRST_DAY = date(2026, 3, 2)
HISTORY, FUTURE = 900, 600
"""Customers whose outcome is known from the beginning, and those who come."""
WORTH = {("act", "yes"): 100.0, ("act", "no"): -20.0, ("leave", "yes"): 0.0, ("leave", "no"): 0.0}
"""What a decision earns by what came, as config/business.toml says it."""

Row = dict[str, Any]


@dataclass
class World:
    """Customers, of whom the world knows what will come, and tells it when it has come."""

    customers: list[Row]
    told: set[int]
    """Of whom the outcome is in the source."""
    there: int
    """How many of them the source has by now: they come in order."""

    def rows(self) -> list[Row]:
        """Give the rows as the source has them today."""
        return [
            row if number in self.told else row | {"churned": ""}
            for number, row in enumerate(self.customers[: self.there])
        ]

    def waiting(self) -> list[int]:
        """Give the customers who are there, and of whom nobody knows what will come."""
        return [number for number in range(self.there) if number not in self.told]


@dataclass
class Ledger:
    """What people decided by, kept without the runtime: the latest decision on each customer."""

    decisions: dict[int, str] = field(default_factory=dict)
    others: int = 0
    """Answers by which nobody decided about an open case."""

    def added(self, world: World, policy: str) -> float:
        """Sum up, in EUR, what they earned more than the same decision on each of the cases."""
        return self.earned(world) - sum(
            WORTH[policy, world.customers[number]["churned"]]
            for number in self.decisions
            if number in world.told
        )

    def earned(self, world: World) -> float:
        """Sum up, in EUR, what the decisions earned whose outcome is known."""
        return sum(
            WORTH[decision, world.customers[number]["churned"]]
            for number, decision in self.decisions.items()
            if number in world.told
        )


class Clock(datetime):
    """The time of day that the world has."""

    at = datetime.combine(FIRST_DAY, datetime.min.time())

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Let a second pass: no two things happen at once."""
        Clock.at += timedelta(seconds=1)
        return Clock.at.replace(tzinfo=tz)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Give a project that has a champion, of the sample's process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINING__TRIALS", "2")
        project = sample_project(tmp_path_factory.mktemp("method") / "project")
        project = replace(
            project, sources=[Rows("customers", lambda: _customers(project)[:HISTORY])]
        )
        _run(project, "extract", "validate", "transform", "train", "evaluate", "promote")
        yield project


@pytest.fixture
def world(trained: Project) -> World:
    """Give a world at the moment when the champion has learnt from all that was known."""
    return World(_customers(trained), set(range(HISTORY)), HISTORY)


@pytest.fixture
def project(
    trained: Project, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """Give a copy of the project that reads this world, at its time."""
    for module in (local, predictions, predictor):
        monkeypatch.setattr(module, "datetime", Clock)
    Clock.at = datetime.combine(FIRST_DAY, datetime.min.time())
    root = tmp_path / "project"
    shutil.copytree(trained.folder, root)
    with connect(trained.at(root)) as connection:
        connection.execute("UPDATE seen_outcomes SET seen_at = ?", [Clock.at - timedelta(days=1)])
    return replace(trained, root=root, sources=[Rows("customers", world.rows)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_counted_is_what_was_decided_about_open_cases(
    project: Project, world: World, seed: int
) -> None:
    chance, ledger = random.Random(seed), Ledger()
    for day in range(4):
        Clock.at = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time())
        _a_day_passes(world, chance)
        _run(project, "extract", "validate", "transform", "score")
        ledger.decisions |= _batch_of(project, world)
        _ask(project, world, ledger, chance)
    _run(project, "extract", "validate", "transform", "monitor")
    with connect(project) as connection:
        counted = taken(connection, project, project.contract)
        apart = values(connection, "SELECT * FROM not_counted")
        given = values(connection, "SELECT DISTINCT id FROM predictions")["id"]
        page = monthly_reports(connection, project, project.contract, "2026-03")[0]
    known = sum(number in world.told for number in ledger.decisions)
    assert set(given) == {str(number + 1) for number in ledger.decisions}
    assert len(counted) == len(ledger.decisions) > 0
    assert counted.known.sum() == known > 0
    assert counted.earned[counted.known].sum() == pytest.approx(ledger.earned(world))
    assert len(apart["reason"]) == ledger.others > 0
    over = on_holdout_the_best(project)
    policy = {"act on nobody": "leave", "act on everybody": "act"}[over]
    assert counted.added[counted.known].sum() == pytest.approx(ledger.added(world, policy))
    text = page.read_text(encoding="utf-8")
    assert f"{len(counted):,} decisions added " in text
    assert f" to the best policy without a model, to {over}." in text
    assert f"{len(counted):,} decisions were worth " in text
    assert f": {round(ledger.earned(world)):,} realised" in text
    assert set(apart["reason"]) == {"closed", "trial"}
    assert "Not counted: " in text


def test_where_nothing_is_open_nothing_was_decided_however_often_people_ask(
    project: Project, world: World
) -> None:
    """Seen: the first report called all rows of the training data decisions."""
    ledger = Ledger()
    (done,) = _run(project, "extract", "validate", "transform", "score")[-1:]
    assert done.rows_out == 0
    assert "no open case could be scored" in done.words or "no case is open" in done.words
    _ask(project, world, ledger, random.Random(0))
    _run(project, "monitor")
    assert not ledger.decisions
    with connect(project) as connection:
        assert len(taken(connection, project, project.contract)) == 0
        assert values(connection, "SELECT * FROM predictions")["id"] == []
        assert len(values(connection, "SELECT * FROM not_counted")["id"]) == ledger.others > 0
        judged = drift(connection, project)
        page = monthly_reports(connection, project, project.contract, "2026-03")[0]
    assert {finding.state for finding in judged} == {"unknown"}
    assert all("too few predictions to judge by" in finding.message for finding in judged)
    assert "No decision was asked for in March 2026." in page.read_text(encoding="utf-8")


def test_open_customers_of_a_new_category_are_scored_and_no_other_is_instead(
    project: Project, world: World
) -> None:
    """Seen: 282 customers with a new means of payment were set aside, and 6,761 others scored."""
    world.there = len(world.customers)
    for number in world.waiting():
        world.customers[number] |= {"contract": "weekly", "tenure_months": "12"}
    (done,) = _run(project, "extract", "validate", "transform", "score")[-1:]
    assert done.facts["unknown"] == done.rows_out == FUTURE
    assert set(_batch_of(project, world)) == set(world.waiting())


def test_current_cases_are_compared_with_training_rows_that_they_are_not(
    project: Project, world: World
) -> None:
    """Seen: the joint question had an AUC of 0.33, as both sides held the same rows."""
    world.there = len(world.customers)
    _run(project, "extract", "validate", "transform", "score", "monitor")
    with connect(project) as connection:
        found = {finding.incident: finding for finding in drift(connection, project)}
        ids = values(connection, "SELECT id FROM predictions")["id"]
    assert {int(one) - 1 for one in ids} <= set(world.waiting())
    assert found["drift-joint"].figure == pytest.approx(0.5, abs=0.08)
    assert all(finding.state == "fine" for finding in found.values())


def on_holdout_the_best(project: Project) -> str:
    """Give the policy without a model that the evaluation found to be the best."""
    registry = Registry(project.artifacts / "registry")
    evaluation = registry.noted(registry.require("champion"), "evaluation")
    assert evaluation is not None
    return str(evaluation["gain"]["over"])


def _customers(project: Project) -> list[Row]:
    """Draw customers of the sample's process, without its gaps in the outcome."""
    rows: list[Row] = sample.make(project.contract, HISTORY + FUTURE, seed=5).to_pylist()
    return rows


def _run(project: Project, *steps: str) -> list[Result]:
    return [run_step(step, project) for step in steps]


def _a_day_passes(world: World, chance: random.Random) -> None:
    """Tell what came of a third of the open cases, open an old one again, and let others come."""
    waiting = world.waiting()
    world.told |= set(chance.sample(waiting, len(waiting) // 3))
    world.told -= set(chance.sample(range(HISTORY), 5))
    first, world.there = world.there, world.there + 120
    for number in chance.sample(range(first, world.there), 12):
        spoilt = chance.choice([{"contract": "weekly"}, {"monthly_fee": "free"}])
        world.customers[number] |= spoilt


def _batch_of(project: Project, world: World) -> dict[int, str]:
    """Read the day's decisions; they are on all who wait, but those who are listed as unscored."""
    folder = project.artifacts / "scores" / f"scored_on={Clock.at.date()}"
    scores = parquet.read_table(folder, columns=["customer_id", "decision"]).to_pydict()
    with (folder / "_unscored.csv").open(encoding="utf-8", newline="") as file:
        unscored = {int(row["id"]) - 1 for row in csv.DictReader(file)}
    decided = [int(number) - 1 for number in scores["customer_id"]]
    assert sorted([*decided, *unscored]) == world.waiting()
    return dict(zip(decided, scores["decision"], strict=True))


def _ask(project: Project, world: World, ledger: Ledger, chance: random.Random) -> None:
    """Ask about open and closed cases, as a system, on trial, and by the page's form."""
    asked = chance.sample(range(world.there), 40)
    with TestClient(create_app(project)) as client:
        for number in asked:
            record = _record(world.customers[number], project)
            headers = {"x-trial": "true"} if chance.random() < 0.3 else {}
            if chance.random() < 0.2:
                form = {name: str(value) for name, value in record.items() if value is not None}
                ledger.others += client.post("/", data=form).status_code == 200
                continue
            answer = client.post("/predict", json=[record], headers=headers)
            if answer.status_code != 200:
                continue  # a category or a number that the contract forbids
            if headers or number in world.told:
                ledger.others += 1
            else:
                ledger.decisions[number] = answer.json()["predictions"][0]["decision"]


def _record(row: Row, project: Project) -> Row:
    """Give what is known of a customer, as the API takes it."""
    record: Row = {"customer_id": int(row["customer_id"])}
    for column in project.contract.features:
        text = row[column.source]
        record[column.name] = text or None
        if column.is_number and text.replace(".", "", 1).isdigit():
            record[column.name] = int(text) if column.type == "boolean" else float(text)
    return record
