"""What a source gives and the contract does not expect: a line each, with the edit that fits."""

from __future__ import annotations

import calendar
import tomllib
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.quality import validate
from fourhats_runtime.data.warehouse.local import Local
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.profile import merged, profile_relation, to_toml
from fourhats_runtime.profile.differences import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Row = dict[str, str]
HAND = "# the client's own words\n"


def rows(count: int = 200) -> list[Row]:
    return [
        {
            "Customer": f"c{n}",
            "Signed": f"{1 + n % 28:02d}.{1 + n % 12:02d}.2024",
            "Fee": f"{10 + n * 37 % 101}.5",
            "Calls": str(n * 13 % 17),
            "Channel": ("web", "shop", "phone")[n % 3],
            "Left": "yes" if n * 7 % 10 < 4 else "no",
        }
        for n in range(count)
    ]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Callable[[list[Row]], Local]]:
    opened: list[Local] = []

    def fill(table: list[Row]) -> Local:
        connection = Local(tmp_path / f"{len(opened)}.duckdb")
        opened.append(connection)
        names = list(table[0])
        declared = ", ".join(f'"{name}" VARCHAR' for name in names)
        connection.reader.execute(f"CREATE TABLE raw (_source VARCHAR, _row BIGINT, {declared})")
        values = [["files", n, *row.values()] for n, row in enumerate(table, start=1)]
        marks = ", ".join("?" * (len(names) + 2))
        connection.reader.executemany(f"INSERT INTO raw VALUES ({marks})", values)
        return connection

    yield fill
    for connection in opened:
        connection.close()


@pytest.fixture
def text(warehouse: Callable[[list[Row]], Local]) -> str:
    raw = warehouse(rows()).relation("SELECT * EXCLUDE (_source, _row) FROM raw")
    return to_toml(profile_relation(raw, "Left"))


@pytest.fixture
def contract(text: str) -> Contract:
    return Contract.model_validate(tomllib.loads(text))


def renamed(row: Row, before: str, after: str) -> Row:
    return {after if name == before else name: value for name, value in row.items()}


def plain_dates(row: Row, _number: int) -> Row:
    day, month, year = row["Signed"].split(".")
    return row | {"Signed": f"{year}/{month}/{day}"}


def named_months(row: Row, _number: int) -> Row:
    day, month, year = row["Signed"].split(".")
    return row | {"Signed": f"{day} {calendar.month_abbr[int(month)]} {year}"}


@pytest.mark.parametrize(
    ("change", "came", "edit"),
    [
        (
            lambda row, _: renamed(row, "Fee", "FEE"),
            "no column 'Fee'",
            'at fee in config/contract.toml write source = "FEE"',
        ),
        (
            lambda row, _: renamed(row, "Fee", "Monthly fee"),
            "no column 'Fee'",
            'at fee in config/contract.toml write source = "Monthly fee"',
        ),
        (
            lambda row, _: renamed(row, "Calls", "Hotline"),
            "a new one 'Hotline'",
            'at calls in config/contract.toml write source = "Hotline"',
        ),
        (
            lambda row, _: {name: row[name] for name in row if name != "Fee"},
            "no column 'Fee'",
            'at fee in config/contract.toml write role = "ignore"',
        ),
        (
            lambda row, n: row | {"Region": "north" if n % 2 else "south"},
            "a new column 'Region'",
            "`contract infer --merge` writes it",
        ),
        (
            lambda row, n: row | {"Channel": "app" if n % 10 == 0 else row["Channel"]},
            'none of its categories, "app", in 20 of 200 rows',
            'write categories = ["phone", "shop", "web", "app"]',
        ),
        (
            plain_dates,
            "in 200 of 200 rows: all are written plainly",
            'at signed in config/contract.toml remove written = "DD.MM.YYYY"',
        ),
        (
            named_months,
            "in 200 of 200 rows: all are written as DD MMM YYYY",
            'at signed in config/contract.toml write written = "DD MMM YYYY"',
        ),
        (
            lambda row, _: row | {"Fee": row["Fee"].replace(".", ",") + " €"},
            "in 200 of 200 rows: all are written as 12,5 €",
            'at fee in config/contract.toml write written = "12,5 €"',
        ),
        (
            lambda row, _: row | {"Calls": ("few", "many")[len(row["Calls"]) % 2]},
            "Calls holds what type integer does not read, in 200 of 200 rows",
            'write type = "text" or "category"',
        ),
        (
            lambda row, _: row | {"Fee": f"{float(row['Fee']) * 100:.0f}"},
            "Fee is 100 times more than in the rows before",
            "divide it by 100",
        ),
    ],
    ids=[
        *("recased", "renamed", "named otherwise", "dropped", "added", "category", "plain dates"),
        *("dates", "written", "retyped", "unit"),
    ],
)
def test_each_change_has_its_line_and_its_edit(
    warehouse: Callable[[list[Row]], Local],
    contract: Contract,
    change: Callable[[Row, int], Row],
    came: str,
    edit: str,
) -> None:
    before = warehouse(rows())
    before.execute('CREATE TABLE clean AS SELECT CAST("Fee" AS DOUBLE) AS fee FROM raw')
    now = warehouse([change(row, n) for n, row in enumerate(rows())])
    (found,) = map(str, differences(now, contract, before))
    assert came in found
    assert edit in found
    assert "\n" not in found


def test_the_same_rows_and_others_like_them_are_no_difference(
    warehouse: Callable[[list[Row]], Local], contract: Contract
) -> None:
    before = warehouse(rows())
    before.execute('CREATE TABLE clean AS SELECT CAST("Fee" AS DOUBLE) AS fee FROM raw')
    assert differences(warehouse(rows(90)), contract, before) == []


def test_a_check_of_the_rows_says_the_same_of_a_column_that_is_called_otherwise(
    warehouse: Callable[[list[Row]], Local], contract: Contract
) -> None:
    now = warehouse([renamed(row, "Fee", "Monthly fee") for row in rows()])
    (expected,) = map(str, differences(now, contract))
    with pytest.raises(ProjectError) as refused:
        validate(now, contract)
    assert str(refused.value) == expected


def test_a_merge_keeps_what_was_written_by_hand_and_adds_what_is_new(
    warehouse: Callable[[list[Row]], Local], text: str
) -> None:
    edited = text.replace('name = "fee"', f'{HAND}name = "monthly"')
    table = [
        row | {"Region": "north" if n % 2 else "south", "Invoice": f"i{n:05d}"}
        for n, row in enumerate(rows())
    ]
    raw = warehouse(table).relation("SELECT * EXCLUDE (_source, _row) FROM raw")
    before = Contract.model_validate(tomllib.loads(edited))
    after, new = merged(edited, before, profile_relation(raw, "Left"))
    assert after.startswith(edited.rstrip("\n"))
    assert new == ["region", "invoice"]
    contract = Contract.model_validate(tomllib.loads(after))
    assert {column.name: column.role for column in contract.columns[-2:]} == {
        "region": "feature",
        "invoice": "ignore",
    }
    again, nothing = merged(after, contract, profile_relation(raw, "Left"))
    assert (again, nothing) == (after, [])
