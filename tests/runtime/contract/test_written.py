"""Whatever way a number or a moment is written in, SQL and Python read the same value."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import duckdb
import pytest
import sqlglot
from fourhats_runtime.contract import Column
from fourhats_runtime.contract.written import MARKS, WORDS, form, moment_as, plain, plain_text
from fourhats_runtime.data.typed_values import from_text, is_mark
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

NUMBERS = ("1,234.50", "1.234,50", "1'234.50", "1 234,50", "12,5", "12.5")
BESIDE = ("{}", "${}", "{} €", "{}%", "EUR {}", "{} kg", "{} days")
NEGATIVE = ("-{}", "({})", "{}-")


def read(text: str, written: str, kind: str) -> object:
    """Read a text by SQL."""
    wanted = "TIMESTAMP" if kind == "datetime" else "DOUBLE"
    sql = from_text("text", form(written, kind))[wanted]
    query = f"SELECT {sql} FROM (SELECT ?::VARCHAR AS text)"
    (found,) = duckdb.execute(query, [text]).fetchall()  # to its end: others use the connection
    assert found is not None
    return found[0]


def grouped(number: int, example: str) -> str:
    """Write hundredths as the example is."""
    thousands = example[1] if example.startswith("1") and not example[1].isdigit() else ""
    decimal = example[-3] if thousands else example[2]
    return f"{number // 100:,}".replace(",", thousands) + f"{decimal}{number % 100:02}"


@given(
    st.integers(0, 10**12),
    st.sampled_from(NUMBERS),
    st.sampled_from(BESIDE),
    st.sampled_from(("{}", *NEGATIVE)),
)
def test_a_number_is_the_same_after_it_was_written(
    hundredths: int, example: str, beside: str, signed: str
) -> None:
    text = signed.format(beside.format(grouped(hundredths, example)))
    written = beside.format(example)
    value = hundredths / 100 * (-1 if signed in NEGATIVE else 1)
    assert read(text, written, "number") == pytest.approx(value)
    same = plain(text, form(written, "number"))
    assert same is not None
    assert float(same) == pytest.approx(value)


MOMENTS = {
    "DD.MM.YYYY": "%d.%m.%Y",
    "MM/DD/YYYY hh:mm:ss": "%m/%d/%Y %H:%M:%S",
    "MM/DD/YY hh:mm am": "%m/%d/%y %I:%M %p",
    "YYYYMMDD": "%Y%m%d",
    "DD MMM YYYY": "%a, %d %b %Y",
    "MMM DD, YYYY": "%B %d, %Y",
}


@given(
    st.datetimes(datetime(1941, 1, 1), datetime(2040, 12, 31)),  # noqa: DTZ001 (the tables')
    st.sampled_from(sorted(MOMENTS)),
)
def test_a_moment_is_the_same_after_it_was_written(moment: datetime, written: str) -> None:
    text = moment.strftime(MOMENTS[written])
    meant = datetime.strptime(text, MOMENTS[written])  # noqa: DTZ007 (the tables')
    meant = meant.replace(year=moment.year)
    assert read(text, written, "datetime") == meant
    column = Column(name="x", source="X", type="datetime", written=written)
    assert datetime.fromisoformat(plain_text(text, column) or "") == meant


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ("3. März 2024", "D MMM YYYY", "2024-03-03"),
        ("1er août 2023", "D MMM YYYY", "2023-08-01"),
        ("3 de enero de 2024", "D MMM YYYY", "2024-01-03"),
        ("12 ottobre 2024 9:05", "D MMM YYYY", "2024-10-12 09:05"),
        ("1700000000", "epoch seconds", "2023-11-14 22:13:20"),
        ("1700000000000", "epoch milliseconds", "2023-11-14 22:13:20"),
        ("45292.5", "spreadsheet days", "2024-01-01 12:00"),
        ("2024-01-02T03:04:05+02:00", "YYYY-MM-DD hh:mm:ss+hh:mm", "2024-01-02 01:04:05"),
        ("2024-01-02 03:04:05 -0330", "YYYY-MM-DD hh:mm:ss+hh:mm", "2024-01-02 06:34:05"),
        ("2024-01-02 03:04Z", "YYYY-MM-DD hh:mm:ss+hh:mm", "2024-01-02 03:04"),
        ("2024-03", "YYYY-MM", "2024-03-01"),
        ("3/2024", "MM/YYYY", "2024-03-01"),
        ("März 2024", "MMM YYYY", "2024-03-01"),
        ("Mar-98", "MMM YY", "1998-03-01"),
        ("202403", "YYYYMM", "2024-03-01"),
        ("2024-Q3", "YYYY-Q", "2024-07-01"),
        ("q4 2024", "Q YYYY", "2024-10-01"),
        ("2024-13", "YYYY-MM", None),
        ("2024-Q5", "YYYY-Q", None),
        ("01/13/2024", "DD/MM/YYYY", None),
        ("4000000000000000", "epoch seconds", None),
        ("9" * 400, "spreadsheet days", None),
    ],
)
def test_moments_of_other_tongues_zones_and_counts(
    text: str, written: str, value: str | None
) -> None:
    meant = None if value is None else datetime.fromisoformat(value)
    assert read(text, written, "datetime") == meant


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ("30k", "12k", 30_000),
        ("1.2M €", "1.2k €", 1_200_000),
        ("1\u202f734,40", "1 234,50", 1734.4),
        ("1\u2019734.40", "1'234.50", 1734.4),
        ("12,34,567", "1,234", 1_234_567),
        ("9:45", "hh:mm", 9.75),
        ("26:03:18.6", "hh:mm:ss", 26 + 3 / 60 + 18.6 / 3600),
        ("12:15 a.m.", "hh:mm am", 0.25),
        ("2:30 PM", "hh:mm am", 14.5),
        ("9:75", "hh:mm", None),
        ("1,2", "1,234", None),
        ("1.5", "1.234,50", None),
        ("3 lb", "12 kg", None),
        ("(-5)", "1,234.50", None),
    ],
)
def test_numbers_that_are_short_or_not_what_was_said(
    text: str, written: str, value: float | None
) -> None:
    assert read(text, written, "number") == value


@pytest.mark.parametrize("dialect", ["postgres", "bigquery", "snowflake", "spark"])
@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("(1.234,50 €)", "number"),
        ("hh:mm am", "number"),
        ("YYYY-Q", "datetime"),
        ("MMM D, YY hh:mm am", "datetime"),
        ("epoch seconds", "datetime"),
    ],
)
def test_every_dialect_can_say_it(dialect: str, written: str, kind: str) -> None:
    for sql in from_text("x", form(written, kind)).values():
        query, level = f"SELECT {sql} FROM t", sqlglot.ErrorLevel.RAISE
        said = sqlglot.transpile(query, read="duckdb", write=dialect, unsupported_level=level)
        assert len(said) == 1


def test_every_mark_is_one_and_no_other_text() -> None:
    sql = f"SELECT {is_mark('x', MARKS + WORDS)} FROM (SELECT ? AS x)"
    for mark in MARKS + WORDS:
        assert duckdb.execute(sql, [f" {mark.upper()} "]).fetchall() == [(True,)], mark
    for text in ("nan1", "na na", "a", "0", "-1"):
        assert duckdb.execute(sql, [text]).fetchall() == [(False,)], text


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        ("number", "many", "a number is written as in 1,234.50"),
        ("number", "$12 kg", "beside a number stands one sign or unit"),
        ("datetime", "DD.YYYY", "a moment is written as in DD.MM.YYYY"),
        ("text", "12,5", "remove written, or change the type"),
    ],
)
def test_what_cannot_be_understood_is_said_in_the_contract(
    kind: str, written: str, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Column.model_validate({"name": "x", "source": "X", "type": kind, "written": written})


def test_marks_of_a_columns_own_take_the_place_of_the_usual_ones() -> None:
    region = Column(name="x", source="X", type="category", missing=())
    assert plain_text("NA", region) == "NA"
    assert plain_text(" ", region) is None
    assert (
        plain_text("9999", Column(name="x", source="X", type="number", missing=("9999",))) is None
    )
    assert plain_text("NA", Column(name="x", source="X", type="text")) is None
    assert plain_text("unknown", Column(name="x", source="X", type="text")) == "unknown"
    assert plain_text("unknown", Column(name="x", source="X", type="number")) is None


@pytest.mark.parametrize(
    "written",
    [
        *("", "DD/MM/YYYY", "MM-DD-YY", "D.M.YYYY", "DD MMM YYYY", "MMM DD, YYYY", "YYYYMMDD"),
        *("DD.MM.YYYY hh:mm", "YYYY/MM/DD hh:mm:ss", "MM/DD/YY hh:mm am", "YYYYMMDDhhmmss"),
        *("YYYY-MM-DD hh:mm:ss+hh:mm", "epoch seconds", "epoch milliseconds", "spreadsheet days"),
    ],
)
@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2040, 12, 31)))  # noqa: DTZ001
def test_a_moment_is_read_as_it_is_written(written: str, moment: datetime) -> None:
    has_clock = not written or re.search("[hH]{2}|epoch|days", written)
    moment = moment.replace(microsecond=0, second=0)
    moment = moment if has_clock else moment.replace(hour=0, minute=0)
    text = moment_as(moment, written)
    if not written:
        assert datetime.fromisoformat(text) == moment
        return
    found = read(text, written, "datetime")
    assert found is not None, text
    assert abs(found - moment) < timedelta(seconds=1), text  # type: ignore[operator]
