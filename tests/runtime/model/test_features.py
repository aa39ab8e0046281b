"""Features are made by one code, which says what is wrong with a feature by its name."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import MISSING
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model import Columns, months_between, weekday
from fourhats_runtime.model.features import columns, derived, feed, in_utc

ROWS: dict[str, list[object]] = {
    "signed_on": [datetime(2026, 11, 23), None],  # noqa: DTZ001 (as tables have it): a Monday
    "tenure_months": [3, 0],
    "monthly_fee": [20.5, None],
    "contract": ["monthly", None],
    "support_calls": [None, 2],
    "region": ["north", None],
    "pays_by_card": [True, False],
}


def test_columns_mark_what_is_missing(fresh: Project) -> None:
    row = columns(ROWS, fresh.contract)
    assert row["signed_on"].dtype == "datetime64[us]"
    assert np.isnat(row["signed_on"]).tolist() == [False, True]
    assert np.isnan(row["monthly_fee"]).tolist() == [False, True]
    assert row["region"].tolist() == ["north", None]
    assert row["pays_by_card"].tolist() == [1.0, 0.0]


def test_the_graph_is_given_numbers_and_texts_and_no_moments(fresh: Project) -> None:
    inputs = feed(columns(ROWS, fresh.contract), fresh.contract, None)
    assert "signed_on" not in inputs
    assert inputs["region"].ravel().tolist() == ["north", MISSING]
    assert inputs["monthly_fee"].dtype == np.float32
    assert {values.shape for values in inputs.values()} == {(2, 1)}


def test_a_number_that_single_precision_does_not_hold_is_no_value(fresh: Project) -> None:
    """Estimators refuse what is infinite; a quotient of features.py may be, too."""

    def quotients(row: Columns) -> Columns:
        return {"a_call": row["monthly_fee"] / row["tenure_months"]}

    for large in (1e308, -1e39, float("inf"), -float("inf")):
        rows = ROWS | {"monthly_fee": [large, 1.0], "tenure_months": [3, 0]}
        inputs = feed(columns(rows, fresh.contract), fresh.contract, quotients)
        assert np.isnan(inputs["monthly_fee"]).ravel().tolist() == [True, False]
        assert np.isnan(inputs["a_call"]).all()
    rows = ROWS | {"monthly_fee": [1e37, -1e37]}
    held = feed(columns(rows, fresh.contract), fresh.contract, None)["monthly_fee"]
    assert held.ravel().tolist() == pytest.approx([1e37, -1e37])


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23T00:30:00",
        "2026-11-23T01:30:00+01:00",
        datetime(2026, 11, 23, 0, 30, tzinfo=UTC),
        datetime(2026, 11, 23, 1, 30, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_moment_of_any_zone_is_the_same_moment(fresh: Project, written: object) -> None:
    row = columns(ROWS | {"signed_on": [written, None]}, fresh.contract)
    assert str(row["signed_on"][0]) == "2026-11-23T00:30:00.000000"


def test_a_weekday_begins_with_monday_and_a_gap_stays_one() -> None:
    days = np.array(["1970-01-01", "2026-11-23", "2026-11-29", "NaT"], dtype="datetime64[us]")
    np.testing.assert_array_equal(weekday(days), [3, 0, 6, np.nan])


def test_months_between_moments() -> None:
    since = np.array(["2026-01-01", "NaT"], dtype="datetime64[us]")
    months = months_between(since, np.datetime64("2027-01-01"))
    np.testing.assert_allclose(months, [365 / 30.44, np.nan])


def _too_short(row: Columns) -> Columns:
    return {"short": row["tenure_months"][:1]}


def _no_feature(row: Columns) -> Columns:
    return {"when": row["signed_on"]}


def _mixed(row: Columns) -> Columns:
    return {"mixed": np.array(["a", 1], dtype=object) if len(row["region"]) else row["region"]}


def _fails(row: Columns) -> Columns:
    return {"x": row["region"] + 1}


def _absent(row: Columns) -> Columns:
    return {"x": row["colour"]}


@pytest.mark.parametrize(
    ("derive", "said"),
    [
        (_too_short, r"'short' has the shape \(1,\): it takes one value a row, which is \(2,\)"),
        (_no_feature, "'when' is of the type datetime64"),
        (_mixed, r"'mixed' holds 1 \(int\): a feature is a number or a text"),
        (_fails, "features.py: TypeError"),
        (_absent, "uses the column 'colour', which is no feature in config/contract.toml"),
    ],
)
def test_what_is_no_feature_is_named(fresh: Project, derive: object, said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        derived(columns(ROWS, fresh.contract), derive)  # type: ignore[arg-type]


def test_a_derived_feature_may_not_take_a_columns_name(fresh: Project) -> None:
    row = columns(ROWS, fresh.contract)
    with pytest.raises(ProjectError, match="'monthly_fee' is a feature of the contract"):
        feed(row, fresh.contract, lambda given: {"monthly_fee": given["tenure_months"]})


def test_dividing_by_nothing_is_no_error_but_a_missing_value(fresh: Project) -> None:
    row = columns(ROWS, fresh.contract)
    made = derived(row, lambda given: {"a": given["support_calls"] / given["tenure_months"]})
    assert np.isnan(made["a"][0])
    assert np.isinf(made["a"][1])


@pytest.mark.parametrize(
    ("text", "in_utc_it_is"),
    [
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00"),
        ("0001-01-01T00:00:00+03:00", "0001-01-01T00:00:00"),
        ("9999-12-31T23:00:00-03:00", "9999-12-31T23:59:59.999999"),
    ],
)
def test_a_moment_is_taken_in_utc_and_stays_within_the_calendar(
    text: str, in_utc_it_is: str
) -> None:
    assert in_utc(datetime.fromisoformat(text)).isoformat() == in_utc_it_is
