"""Monitoring notices, alerts once, and says when it is over."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from fourhats_runtime import Project
from fourhats_runtime.business import NumberValue
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, connect, one_row, read_in, values
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.distribution import baseline
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import calibration, data, decisions, performance, service, verdicts
from fourhats_runtime.monitor.decisions import Decisions, taken
from fourhats_runtime.monitor.drift import Shift, shifts
from fourhats_runtime.monitor.joint import tell_apart
from fourhats_runtime.monitor.predictions import remember_outcomes
from fourhats_runtime.monitor.verdicts import Verdict
from fourhats_runtime.monitor.watch import drift
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fourhats_runtime.model.features import Feed

both_tasks = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


def test_the_same_distribution_has_not_moved() -> None:
    random = np.random.default_rng(0)
    found = _shifts(random.normal(size=5000), random.choice(["x", "y"], 5000).astype(object))
    assert all(shift.index < 0.02 for shift in found.values())
    assert not any(shift.moved for shift in found.values())


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_chance_alone_seldom_moves_a_column(rows: int) -> None:
    random = np.random.default_rng(0)
    runs = [
        _shifts(random.normal(size=rows), random.choice(["x", "y"], rows).astype(object))
        for _ in range(300)
    ]
    assert not any(shift.moved for found in runs for shift in found.values())


@pytest.mark.parametrize(
    ("name", "change"), [("a", "shifted"), ("a", "missing"), ("b", "new category")]
)
def test_a_changed_distribution_has_moved(name: str, change: str) -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=500), random.choice(["x", "y"], 500).astype(object)
    if change == "shifted":
        a = a + 1
    elif change == "missing":
        a[random.random(500) < 0.3] = np.nan
    else:
        b[random.random(500) < 0.1] = "z"
    found = _shifts(a, b)
    assert [each for each, shift in found.items() if shift.moved] == [name]


def test_columns_that_no_longer_go_together_are_told_apart() -> None:
    random = np.random.default_rng(0)
    first = random.normal(size=(3000, 1)).astype(np.float32)
    second = first + random.normal(scale=0.3, size=(3000, 1)).astype(np.float32)
    before: Feed = {"a": first[:1500], "b": second[:1500]}
    same: Feed = {"a": first[1500:], "b": second[1500:]}
    apart: Feed = {"a": first[1500:], "b": random.permutation(second[1500:])}
    calm = tell_apart(before, same, false_alarms=0.001, seed=0)
    assert calm.auc < calm.by_chance
    assert tell_apart(before, apart, false_alarms=0.001, seed=0).auc > 0.7


@both_tasks
def test_predictions_on_changed_inputs_are_noticed(ran: Project) -> None:
    contract = ran.contract
    numbers = [
        c.name for c in contract.features if c.is_number and c.name not in contract.time_parts
    ]
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        calm = [finding.incident for finding in drift(connection, ran) if finding.state == "alert"]
        connection.execute(f"UPDATE predictions SET {quote(numbers[0])} = 1000")
        found = {finding.incident for finding in drift(connection, ran) if finding.state == "alert"}
    assert calm == []
    assert f"drift:{numbers[0]}" in found


@both_tasks
def test_decisions_that_lose_money_are_noticed(ran: Project) -> None:
    contract = ran.contract
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        assert _alerts(connection, ran, contract) == []
        worst = f"'{contract.classes[0]}'" if contract.classes else "'1e9'"
        connection.execute(f"UPDATE predictions SET actual = {worst}")
        assert performance.VALUE in _alerts(connection, ran, contract)


@both_tasks
def test_predictions_that_are_less_true_are_noticed(fresh: Project) -> None:
    contract = fresh.contract
    random = np.random.default_rng(0)
    certainty = random.uniform(0.2, 0.8, 1000)

    def made(surprise: NDArray[np.float64]) -> Decisions:
        nothing = np.full(1000, "2026-01-01", dtype="datetime64[us]")
        version = np.full(1000, "v1", dtype=object)
        return Decisions(
            nothing, version, certainty, np.ones(1000), surprise, certainty, np.arange(1000)
        )

    unit = 1.0 if contract.classes else fresh.settings(NumberValue).tolerance
    holdout = made(random.normal(scale=0.3 * unit, size=1000))
    calm = made(random.normal(scale=0.3 * unit, size=1000))
    off = made(random.normal(loc=0.15 * unit, scale=0.3 * unit, size=1000))
    assert calibration.check(holdout, calm, contract, fresh).state == "fine"
    assert calibration.check(holdout, off, contract, fresh).state == "alert"


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_numbers_that_spread_wider_are_noticed_though_their_mean_holds(fresh: Project) -> None:
    unit = fresh.settings(NumberValue).tolerance
    random = np.random.default_rng(0)

    def decisions(scale: float) -> Decisions:
        nothing = np.full(1000, "2026-01-01", dtype="datetime64[us]")
        surprise = random.normal(scale=scale * unit, size=1000)
        surprise -= surprise.mean()
        version = np.full(1000, "v1", dtype=object)
        one = np.ones(1000)
        return Decisions(nothing, version, one, one, surprise, surprise, np.arange(1000))

    found = calibration.check(decisions(0.3), decisions(0.6), fresh.contract, fresh)
    assert found.state == "alert"
    assert "of the outcomes are in the band that should hold 95%" in found.message


def test_what_is_to_come_is_estimated_before_the_outcomes_do(
    ran: Project, contract: Contract
) -> None:
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        connection.execute("UPDATE predictions SET actual = NULL")
        found = performance.check(connection, ran, contract)
    estimate = next(each for each in found if each.incident == performance.ESTIMATED)
    assert estimate.state == "fine"
    assert "estimated to earn" in estimate.message


def test_outcomes_of_young_decisions_wait(
    ran: Project, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        version = Registry(ran.artifacts / "registry").require("champion")
        known = performance.realised(connection, ran, contract, [version])
        young = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
        connection.execute("UPDATE predictions SET given_at = ?", [young])
        monkeypatch.setenv("PERFORMANCE__OUTCOME_DAYS", "30")
        waiting = performance.realised(connection, ran.at(ran.folder), contract, [version])
    assert known.rows > 0
    assert waiting.rows == 0


def test_of_several_decisions_on_a_case_the_latest_counts(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        connection.execute("UPDATE predictions SET id = '1'")
        assert len(taken(connection, ran, contract)) == 1


def test_what_nobody_knows_any_more_how_it_was_decided_is_not_judged(
    ran: Project, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        assert np.isfinite(taken(connection, ran, contract).certainty).all()
        of_other_classes = SimpleNamespace(contract=SimpleNamespace(classes=("a", "b", "c")))
        for rule in (None, of_other_classes):
            monkeypatch.setattr(decisions, "rule_of", lambda *_, rule=rule: rule)
            judged = taken(connection, ran, contract)
            assert len(judged) > 0
            assert np.isnan([judged.certainty, judged.earned, judged.surprise, judged.added]).all()


def test_fewer_predictions_than_usual_and_a_long_pause_are_noticed(
    ran: Project, contract: Contract
) -> None:
    today = datetime.now(UTC).date()
    noon = datetime.now(UTC).replace(tzinfo=None, hour=12, minute=0)
    days = [noon - timedelta(days=day) for day in range(1, 60)]
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)

        def judged(given: list[datetime]) -> dict[str, str]:
            connection.execute("DELETE FROM predictions WHERE prediction_id <> ''")
            connection.executemany(
                "INSERT INTO predictions (prediction_id, given_at) VALUES (?, ?)",
                [(f"p{place}", at) for place, at in enumerate(given)],
            )
            found = service.check(connection, ran, today)
            return {finding.incident: finding.state for finding in found}

        assert judged(days) == {"service:volume": "fine", "service:pause": "fine"}
        assert judged(days[8:]) == {"service:volume": "alert", "service:pause": "alert"}
        assert judged(days[:3]) == {"service:volume": "unknown", "service:pause": "unknown"}


def test_few_outcomes_prove_nothing(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        _answer_anew(connection, ran, contract)
        connection.execute("UPDATE predictions SET actual = NULL")
        found = {f.incident: f for f in performance.check(connection, ran, contract)}
    for name in (performance.VALUE, calibration.INCIDENT):
        assert found[name].state == "unknown"
        assert "0 outcomes are known, too few to judge by; 0% of" in found[name].message


@both_tasks
def test_where_there_is_nothing_to_judge_nothing_is_called_fine(ran: Project) -> None:
    with connect(ran) as connection:
        connection.execute("DELETE FROM predictions")
        found = [
            *service.check(connection, ran),
            *drift(connection, ran),
            *performance.check(connection, ran, ran.contract),
        ]
    assert {finding.incident for finding in found} == {
        "service:volume",
        "service:pause",
        "drift",
        "drift-joint",
        performance.VALUE,
        performance.ESTIMATED,
        calibration.INCIDENT,
    }
    assert {finding.state for finding in found} == {"unknown"}


@both_tasks
def test_an_outcome_that_a_model_was_trained_on_is_remembered_once(ran: Project) -> None:
    contract = ran.contract
    with connect(ran) as connection:
        before = one_row(connection, "SELECT count(*) FROM seen_outcomes")
        remember_outcomes(connection, contract)
        assert one_row(connection, "SELECT count(*) FROM seen_outcomes") == before
        ids, rows = one_row(connection, "SELECT count(DISTINCT id), count(*) FROM seen_outcomes")
    assert ids == rows
    assert (rows > 0) is (contract.id is not None)


def test_old_data_and_bad_verdicts_are_noticed(ran: Project, contract: Contract) -> None:
    with connect(ran) as connection:
        findings = data.check(connection, ran, contract)
        before = {finding.incident for finding in findings}
        assert {finding.state for finding in findings} <= {"fine", "unknown"}
        assert {"data:freshness", "data:contract", "data:volume", "data:features"} <= before
        long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=400)
        connection.execute("UPDATE runs SET run_at = ? WHERE step = 'extract'", [long_ago])
        verdicts.note(connection, [Verdict("raw", "volume", "warn", 1, "a row")])
        found = {f.incident for f in data.check(connection, ran, contract) if f.state == "alert"}
    assert found == {"data:freshness", "data:volume"}


@pytest.mark.parametrize(("days", "limit", "fine"), [(2, 3, True), (4, 3, False), (4, 0, True)])
def test_rows_that_are_all_old_are_noticed(  # noqa: PLR0913
    ran: Project,
    contract: Contract,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    limit: float,
    *,
    fine: bool,
) -> None:
    kept = tuple(column for column in contract.columns if column.role != "time")
    time = Column(name="seen_at", source="seen_at", type="datetime", role="time")
    contract = contract.model_copy(update={"columns": (*kept, time)})
    monkeypatch.setenv("DATA__MAX_ROW_AGE_DAYS", str(limit))
    newest = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    with connect(ran) as connection:
        connection.execute("ALTER TABLE clean ADD COLUMN IF NOT EXISTS seen_at TIMESTAMP")
        connection.execute("UPDATE clean SET seen_at = ?", [newest])
        found = {f.incident: f for f in data.check(connection, ran, contract)}
    assert found["data:newest"].state == ("fine" if fine else "alert")
    assert f"{days}.0 days old (seen_at)" in found["data:newest"].message


def _shifts(a: NDArray[np.float64], b: NDArray[np.object_]) -> dict[str, Shift]:
    """Compare a number and a category with what they were."""
    random = np.random.default_rng(7)
    known = baseline(
        {"a": random.normal(size=5000), "b": random.choice(["x", "y"], 5000).astype(object)}
    )
    return shifts({"a": a, "b": b}, known, warn_at=0.2, false_alarms=0.001)


def _alerts(connection: Connection, project: Project, contract: Contract) -> list[str]:
    found = performance.check(connection, project, contract)
    return [finding.incident for finding in found if finding.state == "alert"]


def _answer_anew(connection: Connection, project: Project, contract: Contract) -> None:
    """Put every row with an outcome among the predictions, as the champion's."""
    target = contract.target.name
    columns = values(connection, f"SELECT * FROM clean WHERE {quote(target)} IS NOT NULL")
    champion = Model.champion(project)
    outputs = champion.predict(columns)
    answers, count = champion.rule.answers(outputs), len(outputs)
    rows = pa.table(
        {
            "prediction_id": [str(place) for place in range(count)],
            "id": pa.nulls(count, pa.string()),
            "_entity": pa.nulls(count, pa.string()),
            "given_at": [datetime(2026, 1, 1)] * count,  # noqa: DTZ001 (UTC, without saying)
            "model_version": [champion.version] * count,
            "prediction": [str(one) for one in answers["prediction"].tolist()],
            "probability": pa.array(answers["probability"].tolist(), pa.float64()),
            "decision": answers["decision"].tolist(),
            **{c.name: pa.array(columns[c.name], _arrow_type(c)) for c in contract.features},
            "actual": [str(outcome) for outcome in columns[target]],
        }
    )
    read_in(connection, "predictions", lambda duck: duck.from_arrow(rows))


def _arrow_type(column: Column) -> pa.DataType:
    if column.is_time:
        return pa.timestamp("us")
    return pa.float64() if column.is_number else pa.string()
