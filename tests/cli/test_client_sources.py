"""A client's folder or workbook in place of a file; and what does not go together."""

from __future__ import annotations

import datetime as dt
import sys
import tomllib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

ROWS = 300
TARGET = ("--target", "late")
FIRST_SHEET = "Read me"


@pytest.fixture
def orders(shell: Shell) -> dict[str, list[object]]:
    """Write orders as Parquet files, CSV files and a workbook; give their columns."""
    columns: dict[str, list[object]] = {
        "order_id": list(range(1000, 1000 + ROWS)),
        "ordered": [dt.date(2026, 1 + row // 28, 1 + row % 28) for row in range(ROWS)],
        "lines": [1 + row * 7 % 9 for row in range(ROWS)],
        "country": [("DE", "FR", "IT")[row * 5 % 3] for row in range(ROWS)],
        "late": ["yes" if row * 7 % 9 > 6 else "no" for row in range(ROWS)],
    }
    for part in (0, 1):
        half = pa.table(columns).slice(part * ROWS // 2, ROWS // 2)
        for folder in ("parquet", "parts/year=2026", "both"):
            path = shell.folder / folder / f"part-{part}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(half, path)
    (shell.folder / "both" / "old.csv").write_text("a,b\n1,2\n")
    (shell.folder / "empty").mkdir()
    with xlsxwriter.Workbook(str(shell.folder / "orders.xlsx")) as book:
        book.add_worksheet(FIRST_SHEET).write(0, 0, "Orders of the year: see the second sheet")
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, list(columns))
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for row, values in enumerate(zip(*columns.values(), strict=True), start=1):
            for column, value in enumerate(values):
                dated = isinstance(value, dt.date)
                sheet.write(row, column, value, *([day] if dated else []))
    return columns


def answers_of(project: Path) -> dict[str, object]:
    content = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def contract_of(project: Path) -> dict[str, str]:
    content = tomllib.loads((project / "config" / "contract.toml").read_text(encoding="utf-8"))
    return {column["source"]: column["role"] for column in content["columns"]}


@pytest.mark.parametrize(
    ("folder", "pattern"), [("parquet", "parquet/*.parquet"), ("parts/", "parts/*=*/**/*.parquet")]
)
@pytest.mark.usefixtures("orders")
def test_a_folder_stands_for_the_tables_in_it(shell: Shell, folder: str, pattern: str) -> None:
    done = shell.fourhats("new", "acme", "--client-data", folder, *TARGET)
    assert done.code == 0, done.err
    assert f"{ROWS:,} rows" in done.out
    answers = answers_of(shell.folder / "acme")
    assert answers["files_path"] == str(shell.folder.resolve() / pattern)
    roles = contract_of(shell.folder / "acme")
    assert (roles["order_id"], roles["ordered"], roles["late"]) == ("id", "time", "target")


def test_a_workbook_makes_a_project_that_reads_its_sheet(
    shell: Shell, orders: dict[str, list[object]]
) -> None:
    sheet = ("--client-data", "orders.xlsx", "--sheet", "Orders")
    done = shell.fourhats("new", "acme", *sheet, *TARGET)
    assert done.code == 0, done.err
    answers = answers_of(shell.folder / "acme")
    assert answers["data_sources"] == ["excel"]
    assert list(contract_of(shell.folder / "acme")) == list(orders)
    sources = (shell.folder / "acme" / "config" / "sources.toml").read_text(encoding="utf-8")
    path = str(shell.folder.resolve() / "orders.xlsx")
    assert tomllib.loads(sources)["excel"] == {"path": path, "sheet": "Orders"}
    profile = shell.fourhats("profile", *sheet[1:])
    assert f"orders.xlsx: {ROWS} rows, {len(orders)} columns" in profile.out


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("empty", "the folder holds no .parquet or .csv file"),
        ("both", "the folder holds both Parquet and CSV files; name a pattern"),
        ("orders.xlsx --sheet Odrers", "has no sheet 'Odrers'; it has Read me, Orders"),
        ("orders.xlsx", "sheet Read me has no rows below a row of column names"),
        ("none.xlsx", "none.xlsx: there is no such file"),
        ("parquet --sheet Orders", "--sheet goes with a workbook, and parquet is none"),
        ("parquet --table orders", "--table goes with a database"),
        ("orders.xlsx --query SELECT", "--query goes with a database"),
        ("postgresql://me:geheim@127.0.0.1:1/x", "takes --table NAME, or --query 'SELECT …'"),
        (
            "postgresql://me:geheim@127.0.0.1:1/x --table a --query b",
            "takes --table NAME, or --query 'SELECT …': give one",
        ),
        ("mysql://me:geheim@127.0.0.1:1/x --sheet a --table b", "not with a database"),
        ("postgresql://me:geheim@127.0.0.1:1/x --table orders", "Connection refused"),
        ("mysql://me:geheim@127.0.0.1:1/x --table orders", "Connection refused"),
        ("mysql://me:geheim@127.0.0.1 --table orders", "is no address such as mysql://"),
        ("parquet -d data_sources=postgres", "it has to hold 'files'"),
    ],
)
def test_what_does_not_go_together_is_refused(shell: Shell, typed: str, words: str) -> None:
    line = shell.refused("new", "acme", "--client-data", *typed.split(), *TARGET)
    assert words in line
    assert "geheim" not in line


@pytest.mark.parametrize("part", ["--table", "--query", "--sheet"])
def test_a_part_of_nothing_is_refused(shell: Shell, part: str) -> None:
    assert shell.refused("new", "acme", part, "x") == (
        f"{part} names a part of --client-data: give both"
    )


@pytest.mark.parametrize(
    ("typed", "driver"),
    [
        ("orders.xlsx --sheet Orders", "python_calamine"),
        ("postgresql://me@127.0.0.1:1/x --table orders", "adbc_driver_postgresql"),
        ("mysql://me@127.0.0.1:1/x --table orders", "pymysql"),
    ],
)
@pytest.mark.usefixtures("orders")
def test_without_a_driver_the_command_that_brings_it_is_named(
    shell: Shell, typed: str, driver: str
) -> None:
    without = f"import sys; sys.modules[{driver!r}] = None; from fourhats.cli import main; "
    done = shell.run(sys.executable, "-c", without + "sys.exit(main())", "profile", *typed.split())
    assert done.code == 2
    assert f"reading it takes {driver}, which is not installed here" in done.err
    assert "pip install 'fourhats[sources]'" in done.err
    assert done.err.count("\n") == 1
