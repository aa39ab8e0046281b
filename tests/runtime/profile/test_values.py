"""How a column is written is found over all its values, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.profile import Column, profile_file

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 120


class Made:
    """A profile, its columns by name."""

    def __init__(self, path: Path) -> None:
        """Profile a file."""
        self.profile = profile_file(str(path))

    def __getitem__(self, name: str) -> Column:
        """Give a column."""
        return next(column for column in self.profile.columns if column.source == name)

    def says(self, text: str) -> bool:
        """Tell whether a warning has this in it."""
        return any(text in warning for warning in self.profile.warnings)


Of = Callable[..., Made]


@pytest.fixture
def of(tmp_path: Path) -> Of:
    """Give what profiles columns, beside one that is always there."""

    def profiled(**columns: Sequence[object]) -> Made:
        names = ["kept", *columns]
        rows = zip(["ab"[n % 2] for n in range(ROWS)], *columns.values(), strict=True)
        path = tmp_path / "table.csv"
        path.write_text("".join(";".join(map(str, row)) + "\n" for row in (names, *rows)))
        return Made(path)

    return profiled


@pytest.mark.parametrize(
    ("pattern", "written", "kind"),
    [
        ("${:,.2f}", "$1,234.50", "number"),
        ("{:.1f}%", "12.5%", "number"),
        ("({:.2f})", "(12.5)", "number"),
        ("{:.0f} kg", "12 kg", "integer"),
        ("{:.0f}k", "12k", "number"),
        ("EUR {:,.2f}", "EUR 1,234.50", "number"),
    ],
)
def test_numbers_as_people_write_them(of: Of, pattern: str, written: str, kind: str) -> None:
    made = of(x=[pattern.format(n * 97.25 + 1) for n in range(ROWS)])
    assert (made["x"].type, made["x"].written) == (kind, written)


def test_a_form_that_comes_late_counts(of: Of) -> None:
    made = of(x=[n if n < ROWS - 5 else f"1,{n:03}.50" for n in range(ROWS)])
    assert (made["x"].type, made["x"].written) == ("number", "1,234.50")


@pytest.mark.parametrize("pattern", ["area {}", "c{}", "{}A", "{}-{}", "{}. Middle Atlantic"])
def test_codes_are_no_numbers(of: Of, pattern: str) -> None:
    made = of(x=[pattern.format(n, n) for n in range(ROWS)])
    assert made["x"].type in ("text", "category")


def test_no_digit_of_a_code_is_lost(of: Of) -> None:
    made = of(
        plz=[f"{1060 + n % 40}" for n in range(ROWS)],
        nr=[f"{n:05}" for n in range(ROWS)],
        card=[4_000_000_000_000_000 + n for n in range(ROWS)],
        caller=[30_123_456_789 + n for n in range(ROWS)],
    )
    found = {name: made[name].type for name in ("plz", "nr", "card", "caller")}
    assert set(found.values()) <= {"text", "category"}, found


def test_what_may_be_meant_either_way_is_told_by_the_rest_of_the_file(of: Of) -> None:
    unclear = [f"{n % 9 + 1},{n % 900 + 100}" for n in range(ROWS)]
    alone = of(x=unclear)
    assert alone["x"].written == "1,234"
    assert alone.says('set written = "12,5"')
    comma = of(x=unclear, y=[f"{n},5" for n in range(ROWS)])
    assert (comma["x"].written, comma["x"].type) == ("12,5", "number")
    assert comma.says('set written = "1,234"')


def test_a_sign_that_no_value_below_a_thousand_holds_parts_thousands(of: Of) -> None:
    """Decimals would be as many, or fewer at times: 2.4 beside 2.424."""
    amounts = [5 + n * 97 for n in range(ROWS)]
    made = of(
        german=[f"{amount:,}".replace(",", ".") for amount in amounts],
        english=[f"{amount:,}" for amount in amounts],
        measured=[f"{amount / 1000:.3f}" for amount in amounts],
        shortened=[f"{amount / 1000:.2f}".rstrip("0").rstrip(".") for amount in amounts],
    )
    assert (made["german"].type, made["german"].written) == ("integer", "1.234")
    assert made.says("as no value below a thousand holds it")
    assert made["english"].type == "integer"
    assert made["measured"].type == made["shortened"].type == "number"


@pytest.mark.parametrize(
    ("days", "written"),
    [
        ("{d:02}.{m:02}.2024", "DD.MM.YYYY"),
        ("{m}/{d}/2024", "MM/DD/YYYY"),
        ("{m:02}/{d:02}/24 1:05 PM", "MM/DD/YY hh:mm am"),
        ("2024{m:02}{d:02}", "YYYYMMDD"),
        ("{d} Mai 2024", "DD MMM YYYY"),
        ("2024-{m:02}-{d:02}T03:04:05+02:00", "YYYY-MM-DD hh:mm:ss+hh:mm"),
        ("2024-{m:02}-{d:02}", ""),
    ],
)
def test_the_order_of_dates_is_decided_over_all_values(of: Of, days: str, written: str) -> None:
    made = of(x=[days.format(d=n % 28 + 1, m=n % 12 + 1) for n in range(ROWS)])
    assert (made["x"].type, made["x"].written) == ("datetime", written)


def test_dates_that_allow_both_orders_are_said(of: Of) -> None:
    made = of(x=[f"{n % 12 + 1:02}/{n % 11 + 1:02}/2024" for n in range(ROWS)])
    assert made["x"].written == "DD/MM/YYYY"
    assert made.says('set written = "MM/DD/YYYY"')


def test_counts_of_time_are_moments_where_the_name_says_so(of: Of) -> None:
    seconds = [1_700_000_000 + 90_000 * n for n in range(ROWS)]
    made = of(created_at=seconds, price=[n * 1001 for n in range(ROWS)], date=range(45_000, 45_120))
    assert (made["created_at"].type, made["created_at"].written) == ("datetime", "epoch seconds")
    assert (made["date"].type, made["date"].written) == ("datetime", "spreadsheet days")
    assert made["price"].type == "integer"
    made = of(
        seen_ms=[1000 * each + n for n, each in enumerate(seconds)],
        date=[45_000.5 + n for n in range(ROWS)],
        price=[45_000.5 + n for n in range(ROWS)],
    )
    assert made["seen_ms"].written == "epoch milliseconds"
    assert (made["date"].written, made["price"].type) == ("spreadsheet days", "number")


@pytest.mark.parametrize("half", ["a. m.", "p.\u00a0m.", "A.M.", "pm"])
def test_halves_of_a_day_as_they_are_written(of: Of, half: str) -> None:
    made = of(
        x=[f"{1 + n % 28:02}/{1 + n // 28:02}/2024 {1 + n % 12}:05 {half}" for n in range(ROWS)],
        y=[f"{1 + n % 12}:{n % 60:02} {half}" for n in range(ROWS)],
    )
    assert (made["x"].type, made["x"].written[-2:], made["x"].missing) == ("datetime", "am", 0)
    assert (made["y"].type, made["y"].written) == ("number", "hh:mm am")


def test_a_zero_date_is_none_and_a_far_one_is_proposed_to_be(of: Of) -> None:
    days = [f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(ROWS)]
    made = of(
        zero=["0000-00-00" if n % 10 == 0 else day for n, day in enumerate(days)],
        until=["9999-12-31" if n % 10 == 0 else day for n, day in enumerate(days)],
        since=[
            ("01.01.1900", "-")[n % 20 // 10] if n % 10 == 0 else f"{1 + n % 28}.2.2024"
            for n in range(ROWS)
        ],
        both=[
            ("1900-01-01", "9999-12-31")[n % 2] if n % 5 == 0 else day for n, day in enumerate(days)
        ],
        born=["1900-01-01" if n % 10 == 0 else f"{1901 + n % 99}-05-06" for n in range(ROWS)],
    )
    types = {made[name].type for name in ("zero", "until", "since", "born")}
    assert types == {"datetime"}
    assert (made["zero"].missing, made["until"].missing) == (12, 0)
    assert made.says("until: 9999-12-31 stands years from the other dates")
    assert made.says("since: 1900-01-01 stands years from")
    assert made.says('set missing = ["-", "01.01.1900"] in the contract')
    assert made.says("both: 1900-01-01 and 9999-12-31 stand years from the other dates")
    assert made.says('set missing = ["1900-01-01", "9999-12-31"] in the contract')
    assert not made.says("born:")


def test_values_of_two_units_are_said(of: Of) -> None:
    made = of(
        weight=[f"{n}.5 {('kg', 'lb')[n % 2]}" for n in range(ROWS)],
        saldo=[f"{n},50 {('S', 'H')[n % 2]}" for n in range(ROWS)],
        rate=[f"{n}.5%" if n % 2 else f"0.{n:03}" for n in range(ROWS)],
    )
    assert made["weight"].type == made["saldo"].type == "text"
    assert made.says("weight: numbers with kg or lb behind them, which cannot be compared")
    assert made.says("saldo: numbers with H or S behind them")
    assert (made["rate"].type, made["rate"].written) == ("number", "12.5%")
    assert made.says("rate: written with and without %: 0.000 is read as 0.000 %")


@pytest.mark.parametrize(
    ("months", "written"),
    [
        ([f"{2015 + n // 12}-{n % 12 + 1:02}" for n in range(ROWS)], "YYYY-MM"),
        ([f"{n % 12 + 1}/{2015 + n // 12}" for n in range(ROWS)], "MM/YYYY"),
        ([f"Q{n % 4 + 1} {1990 + n // 4}" for n in range(ROWS)], "Q YYYY"),
        ([f"{('Jan', 'Mai', 'Okt')[n % 3]}-{15 + n % 9}" for n in range(ROWS)], "MMM YY"),
        ([f"{2015 + n // 12}{n % 12 + 1:02}" for n in range(ROWS)], "YYYYMM"),
    ],
)
def test_months_and_quarters_are_dates_of_which_the_day_tells_nothing(
    of: Of, months: Sequence[str], written: str
) -> None:
    made = of(month=months)
    assert (made["month"].type, made["month"].written) == ("datetime", written)
    assert not {"day", "weekday"} & set(made["month"].parts)


def test_a_month_that_no_language_knows_is_a_stray(of: Of) -> None:
    months = ("March", "April", "May", "June", "July")
    day = [f"{1 + n % 28} {months[n // 28] if n != 7 else 'Foo'} 2024" for n in range(ROWS)]
    made = of(day=day)
    assert (made["day"].type, made["day"].written) == ("datetime", "DD MMM YYYY")
    assert made.says("1 of 120 values are no datetime")


def test_seasons_and_decimals_are_no_months(of: Of) -> None:
    made = of(
        season=[f"{2001 + n % 20}-{2 + n % 20:02}" for n in range(ROWS)],
        value=[f"{1 + n % 9}.{1999 + n % 9}" for n in range(ROWS)],
        ym=[201_300 + n for n in range(ROWS)],
    )
    assert (made["season"].type, made["value"].type) == ("category", "number")
    assert made["ym"].type == "integer"


def test_times_of_the_day_and_durations_are_hours(of: Of) -> None:
    made = of(
        at_time=[f"{n % 24:02}:{n % 60:02}" for n in range(ROWS)],
        lasted=[f"{n}:{n % 60:02}:{n % 59:02}" for n in range(ROWS)],
        called=[f"{n % 12 + 1}:{n % 60:02} {'ap'[n % 2]}m" for n in range(ROWS)],
    )
    written = {"at_time": "hh:mm", "lasted": "hh:mm:ss", "called": "hh:mm am"}
    found = {name: made[name] for name in written}
    assert {name: column.written for name, column in found.items()} == written
    assert {(column.type, column.role) for column in found.values()} == {("number", "feature")}


def test_what_is_nearly_dates_or_numbers_is_said_with_the_switch(of: Of) -> None:
    made = of(
        day=[f"2024-01-{1 + n % 28:02}" if n % 8 else "some day" for n in range(ROWS)],
        german=[
            f"{1 + n % 28}.{1 + n // 28}.2024" if n % 8 else f"next week {n}" for n in range(ROWS)
        ],
        size=[f"{n}.5" if n % 8 else f"large {n}" for n in range(ROWS)],
    )
    assert {made[name].type for name in ("german", "size")} == {"text"}
    assert made.says("day: 97 % of its first values are dates")
    assert made.says('type = "datetime" and written = "DD.MM.YYYY" in the contract')
    assert made.says("size: 88 % of its first values are numbers")


def test_no_number_is_infinite(of: Of) -> None:
    made = of(
        ratio=[("inf", "-Infinity", "∞")[n % 3] if n % 9 == 0 else n / 7 for n in range(ROWS)]
    )
    assert (made["ratio"].type, made["ratio"].role) == ("number", "feature")
    assert made["ratio"].missing == len(range(0, ROWS, 9))


def test_one_value_or_none_is_a_box_that_was_ticked(of: Of) -> None:
    made = of(
        vip=["1" if n % 3 else "" for n in range(ROWS)],
        since=["2024-05-01" if n % 5 else "" for n in range(ROWS)],
        always=["2024-05-01"] * ROWS,
    )
    roles = [made[name].role for name in ("vip", "since", "always")]
    assert roles == ["feature", "feature", "ignore"]


def test_marks_are_named_once_and_words_are_values_among_texts(of: Of) -> None:
    made = of(
        x=["unknown" if n % 9 == 0 else n for n in range(ROWS)],
        y=["--" if n % 9 == 0 else n for n in range(ROWS)],
        z=["unknown" if n % 2 else "web" for n in range(ROWS)],
    )
    assert (made["x"].type, made["x"].missing, made["y"].missing) == ("integer", 14, 14)
    assert made["z"].categories == ("unknown", "web")
    assert made.says("Read as missing: unknown, --.")


def test_na_is_a_value_in_the_company_of_codes(of: Of) -> None:
    made = of(
        region=[("NA", "EU", "AS")[n % 3] for n in range(ROWS)],
        grade=["NA" if n % 40 == 0 else ("EU", "AS")[n % 2] for n in range(ROWS)],
    )
    assert made["region"].categories == ("AS", "EU", "NA")
    assert made["region"].missing_marks == ()
    assert made["grade"].categories == ("AS", "EU")
    assert made.says('grade: NA means "no value" in 3 of 120 rows; if it is a value')


def test_a_sentinel_is_proposed_and_not_assumed(of: Of) -> None:
    made = of(x=[9999 if n % 10 == 0 else n for n in range(ROWS)], y=range(ROWS))
    assert (made["x"].missing, made["x"].type) == (0, "integer")
    assert made.says("9999 stands in 12 rows, far from the others (1 to 119)")
