"""What chance alone does to either sample raises no alert; what it does not, does."""

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.chance import Floats, by_entity, chi_squared_limit, normal_limit
from fourhats_runtime.lifecycle.distribution import baseline
from fourhats_runtime.limits import Performance
from fourhats_runtime.monitor import performance
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.drift import shifts
from fourhats_runtime.monitor.reliability import Bins, bias

from tests.runtime.judged import judged


def decisions(
    earned: Floats, certainty: Floats | None = None, surprise: Floats | None = None
) -> Decisions:
    """Make decisions of one model, of which all is known that is not said."""
    rows = len(earned)
    zero = np.zeros(rows)
    return Decisions(
        np.full(rows, "2026-01-01", dtype="datetime64[us]"),
        np.full(rows, "v1", dtype=object),
        zero if certainty is None else certainty,
        earned,
        zero if surprise is None else surprise,
        zero,
        np.arange(rows),
    )


def spread(mean: float, rows: int) -> Floats:
    """Give values with exactly this mean, and a standard deviation of 30."""
    values = np.random.default_rng(rows).normal(size=rows)
    return np.asarray(mean + 30 * (values - values.mean()) / values.std(), dtype=np.float64)


@pytest.mark.parametrize(
    ("holdout", "known", "fine"),
    [(100, 10_000, True), (10_000, 100, True), (10_000, 10_000, False)],
)
def test_less_than_the_least_is_no_alert_where_either_sample_is_small(
    monkeypatch: pytest.MonkeyPatch, fresh: Project, holdout: int, known: int, *, fine: bool
) -> None:
    found = judged(
        monkeypatch, fresh, decisions(spread(10.0, holdout)), decisions(spread(5.0, known))
    )[performance.VALUE]
    assert found.state == ("fine" if fine else "alert")
    assert ("this may be chance" in found.message) is fine
    assert found.figure == pytest.approx(5.0)


def test_a_few_decisions_that_are_all_alike_prove_no_more_than_others(
    monkeypatch: pytest.MonkeyPatch, fresh: Project
) -> None:
    alike = decisions(np.full(60, 5.0))
    found = judged(monkeypatch, fresh, decisions(spread(10.0, 10_000)), alike)
    assert found[performance.VALUE].state == "fine"


def test_the_least_is_a_share_of_the_promise_and_a_loss_may_not_grow(fresh: Project) -> None:
    share = fresh.settings(Performance).min_value_share
    assert performance.least_value(10.0, fresh) == pytest.approx(10 * share)
    assert performance.least_value(-10.0, fresh) == pytest.approx(-10 - 10 * (1 - share))


@pytest.mark.parametrize(("good", "fine"), [(0.5, True), (0.39, True), (0.34, False)])
def test_cases_that_earn_less_are_noticed_before_their_outcomes_come(
    monkeypatch: pytest.MonkeyPatch, fresh: Project, good: float, *, fine: bool
) -> None:
    sure = np.repeat([0.2, 0.8], 1000)
    promised = decisions(np.where(sure > 0.5, 100.0, 0.0) + spread(0.0, 2000), sure)
    mixed = np.where(np.arange(2000) < good * 2000, 0.8, 0.2)
    found = judged(monkeypatch, fresh, promised, decisions(spread(50.0, 2000), mixed))
    assert (found[performance.ESTIMATED].state == "fine") is fine
    assert found[performance.ESTIMATED].figure == pytest.approx(100 * good, abs=5)


@pytest.mark.parametrize(("before", "now"), [(200, 5000), (5000, 200), (300, 300)])
def test_chance_moves_no_column_whichever_sample_is_small(before: int, now: int) -> None:
    random = np.random.default_rng(3)
    moved = 0
    for _ in range(200):
        known = baseline({"a": random.normal(size=before)})
        found = shifts({"a": random.normal(size=now)}, known, warn_at=0.0, false_alarms=0.001)
        moved += found["a"].moved
    assert moved <= 2


def test_many_columns_are_asked_together_no_more_often_wrongly_than_one() -> None:
    column = np.random.default_rng(0).normal(size=300)
    limits = []
    for count in (1, 50):
        columns = {f"c{place}": column for place in range(count)}
        found = shifts(columns, baseline(columns), warn_at=0.0, false_alarms=0.01)
        limits.append(found["c0"].limit)
    assert limits[1] > limits[0]


def test_a_category_that_nobody_knew_counts_as_another_and_as_no_number() -> None:
    names = np.array(["x"] * 50 + ["y"] * 50, dtype=object)
    new = np.array(["x"] * 50 + ["never seen"] * 50, dtype=object)
    known = baseline({"a": names})
    found = shifts({"a": new}, known, warn_at=0.2, false_alarms=0.001)["a"]
    same = shifts({"a": names}, known, warn_at=0.2, false_alarms=0.001)["a"]
    assert found.moved
    assert same.index == pytest.approx(0.0, abs=1e-12)
    assert not same.moved


@pytest.mark.parametrize(
    ("before", "now", "significant"),
    [(100, 20_000, False), (20_000, 100, False), (20_000, 20_000, True)],
)
def test_the_same_distance_is_chance_where_either_sample_is_small(
    before: int, now: int, *, significant: bool
) -> None:
    random = np.random.default_rng(5)

    def sample(mean: float, rows: int) -> Decisions:
        surprise = random.normal(mean, 0.4, size=rows)
        return decisions(np.ones(rows), random.uniform(size=rows), surprise)

    found = bias(sample(0.0, before), sample(0.05, now), np.zeros(now), 0.001)
    assert found.significant is significant
    assert found.error == pytest.approx(0.05, abs=0.1)


def test_bins_hold_as_many_rows_each_and_place_every_figure() -> None:
    holdout = decisions(np.ones(1000), np.linspace(0, 1, 1000))
    bins = Bins.of(holdout, 1000)
    counts = np.bincount(bins.place(holdout), minlength=len(bins))
    assert len(bins) == 10
    assert set(counts.tolist()) <= {99, 100, 101}
    beyond = decisions(np.ones(2), np.array([-1.0, 2.0]))
    assert bins.place(beyond).tolist() == [0, 9]


def test_the_limits_are_those_of_the_tables() -> None:
    assert normal_limit(0.001) == pytest.approx(3.0902, abs=1e-4)
    assert chi_squared_limit(1, 0.05) == pytest.approx(3.841, rel=0.03)
    assert chi_squared_limit(9, 0.001) == pytest.approx(27.877, rel=0.01)


def test_too_few_of_either_are_not_judged(monkeypatch: pytest.MonkeyPatch, fresh: Project) -> None:
    few = decisions(spread(-99.0, 20))
    found = judged(monkeypatch, fresh, decisions(spread(10.0, 1000)), few)
    assert {finding.state for finding in found.values()} == {"unknown"}
    assert "too few to judge by" in found[performance.VALUE].message
    assert "too few to estimate by" in found[performance.ESTIMATED].message


def test_rows_that_say_the_same_are_one_draw() -> None:
    amounts = np.random.default_rng(0).normal(3, 2, 50)
    repeated, whose = np.repeat(amounts, 8), np.repeat(np.arange(50), 8)
    assert by_entity(repeated, whose) == pytest.approx(amounts)
    assert by_entity(repeated, None) is repeated
    uneven = by_entity(np.array([1.0, 1.0, 1.0, 5.0]), np.array([0, 0, 0, 1]))
    assert uneven.mean() == pytest.approx(2.0)
