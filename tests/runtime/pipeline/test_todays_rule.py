"""With a rule of today, whatever says what a model adds says it against the best, rule included."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.today import NAME
from fourhats_runtime.model.parts import split
from fourhats_runtime.monitor.monthly import monthly_reports
from fourhats_runtime.monitor.months import month_of
from fourhats_runtime.pipeline import Asked, Result, run_step

if TYPE_CHECKING:
    from fourhats_runtime import Project
    from fourhats_runtime.model import Columns
    from fourhats_runtime.monitor.months import Month
    from numpy.typing import NDArray

SQL = "monthly_fee > 40 OR support_calls > 6"
REGRESSION = pytest.mark.parametrize("task", ["regression"], indirect=True)


def by_weather(row: Columns) -> NDArray[np.float64]:
    """Plan as the shop has planned so far."""
    return np.select([row["weather"] == "snow", row["weather"] == "rain"], [69.0, 54.0], 38.0)


@pytest.fixture
def ruled(ran: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project that has run, without a champion, and with a rule of today as SQL."""
    monkeypatch.setenv("BUSINESS__TODAY", SQL)
    return without_champion(ran.at(ran.folder))


def without_champion(project: Project) -> Project:
    registry = Registry(project.artifacts / "registry")
    for name in ("champion", "champions.json"):
        (registry.root / name).unlink()
    return project


def run(project: Project, *steps: str) -> list[Result]:
    return [run_step(step, project) for step in steps]


def this_month(project: Project, actual: str) -> Month:
    """Sum up the month, in which all outcomes came like this."""
    with connect(project) as connection:
        connection.execute("UPDATE predictions SET actual = ?", [actual])
        first = datetime.now(UTC).date().replace(day=1)
        return month_of(connection, project, project.contract, first)


def test_the_console_the_gate_the_reports_and_the_card_name_it(ruled: Project) -> None:
    evaluated, promoted, *_ = run(ruled, "evaluate", "promote", "monitor", "report")
    facts = evaluated.facts
    with connect(ruled) as connection:
        holdout = split(connection, ruled).holdout
    fee, calls = (
        np.array(holdout.rows[name], dtype=np.float64) for name in ("monthly_fee", "support_calls")
    )
    acts = (fee > 40) | (calls > 6)
    worth = np.where(acts, np.where(holdout.actual == 1, 100.0, -20.0), 0.0).mean()
    assert facts["policies"][NAME] == pytest.approx(worth)
    assert facts["policies"][NAME] == max(facts["policies"].values())
    assert facts["gain"]["over"] == NAME
    assert facts["gain"]["gain"] == pytest.approx(facts["value"] - worth)
    against = f"a month to the best policy without a model, to {NAME}"
    assert against in evaluated.words
    assert f"today's rule is the SQL {SQL!r} in config/; it is NULL for " in evaluated.words
    assert promoted.facts["promoted"] is True
    assert against in promoted.words
    report = (ruled.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "to the best policy without a model, to decide by today&#39;s rule.</p>" in report
    assert "<td>no model: decide by today&#39;s rule</td>" in report
    assert "Today&#39;s rule is the SQL" in report
    card = (ruled.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert against in card
    assert "| Today | today's rule is the SQL" in card


def test_the_month_says_what_was_added_to_it(ruled: Project) -> None:
    run(ruled, "evaluate", "promote", "monitor")
    month = this_month(ruled, "yes")
    with connect(ruled) as connection:
        given = values(connection, f"SELECT decision, {SQL} AS rule FROM predictions")
        page, document = monthly_reports(connection, ruled, ruled.contract)[:2]
    by_model = given["decision"].count("act")
    by_rule = given["rule"].count(True)
    assert 0 < by_rule != by_model
    assert month.policies == (NAME,)
    assert month.added.total == pytest.approx(100 * (by_model - by_rule))
    text = page.read_text(encoding="utf-8")
    assert "to the best policy without a model, to decide by today&#39;s rule." in text
    assert "Added to the policy to decide by today&#39;s rule" in text
    assert document.stat().st_size > 0


def test_another_rule_since_the_evaluation_is_judged_first(
    ruled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProjectError, match=r"today's rule is another than when .* was evaluated"):
        run(ruled, "promote")
    run(ruled, "evaluate", "promote", "monitor")
    before = this_month(ruled, "yes")
    monkeypatch.setenv("BUSINESS__TODAY", "monthly_fee > 100")
    assert this_month(ruled.at(ruled.folder), "yes") == before


def test_a_rule_that_cannot_be_evaluated_is_said_before_the_training(
    ruled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSINESS__TODAY", "fee > 40")
    with pytest.raises(ProjectError, match=r"business\.today: .*column \"fee\" not found"):
        run(ruled.at(ruled.folder), "train")


def test_a_model_that_is_worth_less_than_it_is_not_promoted(ran: Project) -> None:
    """A rule that knows what comes is better than any model."""
    with connect(ran) as connection:
        holdout = split(connection, ran).holdout
    comes = dict(zip(holdout.rows["monthly_fee"], holdout.actual == 1, strict=True))
    knowing = replace(ran, today=lambda row: np.array([comes[fee] for fee in row["monthly_fee"]]))
    _, promoted = run(without_champion(knowing), "evaluate", "promote")
    accepted = run_step("promote", knowing, asked=Asked(accept=True))
    for result in (promoted, accepted):
        assert result.facts["promoted"] is False
        assert f"EUR less than the policy to {NAME}" in result.words


@REGRESSION
def test_a_number_is_held_against_the_number_that_is_planned_with_today(ran: Project) -> None:
    project = without_champion(replace(ran, today=by_weather))
    evaluated, promoted, *_ = run(project, "evaluate", "promote", "monitor", "report")
    with connect(project) as connection:
        holdout = split(connection, project).holdout
    planned = by_weather({"weather": np.array(holdout.rows["weather"], dtype=object)})
    worth = np.maximum(10 * (1 - np.abs(planned - holdout.actual) / 20), -10).mean()
    assert evaluated.facts["policies"][NAME] == pytest.approx(worth)
    assert evaluated.facts["gain"]["over"] == NAME
    assert "today's rule is a function in src/" in evaluated.words
    assert promoted.facts["promoted"] is True
    report = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "to the best policy without a model, to decide by today&#39;s rule.</p>" in report
    assert this_month(project, "50").policies == (NAME,)
    forgotten = this_month(replace(project, today=None), "50")
    assert forgotten.policies == ()
    assert forgotten.added.total == 0
