"""A client's folder or workbook in place of a file; and what does not go together."""

from __future__ import annotations

import datetime as dt
import gzip
import json
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
    (shell.folder / "twice.csv").write_text("late,a,late\n" + "yes,1,no\nno,2,yes\n" * 9)
    (shell.folder / "bare.csv").write_text("Ann,yes,3\nBen,no,4\n" * 9)
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
    assert answers["files_path"] == f"../{pattern}"
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
    excel = {"path": "../orders.xlsx", "sheet": "Orders", "columns": [], "header": True}
    assert tomllib.loads(sources)["excel"] == excel
    profile = shell.fourhats("profile", *sheet[1:])
    assert f"orders.xlsx: {ROWS} rows, {len(orders)} columns" in profile.out


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("empty", "the folder holds no file of .csv, "),
        ("both", "the folder holds .csv, .parquet files; name a pattern"),
        ("orders.xlsx --sheet Odrers", "has no sheet 'Odrers'; it has Read me, Orders"),
        ("orders.xlsx --sheet Read", "has no sheet 'Read'"),
        ("parquet --no-header", "Parquet names its columns itself"),
        ("parquet --columns a,,b", "--columns takes a name for each column"),
        ("parquet --columns a,A", "no two alike"),
        ("twice.csv --columns a", "has 3 columns, and 1 names"),
        ("twice.csv", "which of them? Say it by the position: --target 'late#1' or 'late#3'"),
        ("bare.csv", "name them with --columns a,b,c"),
        ("s3://bucket/x --no-header", "--no-header goes with a file, not with a bucket"),
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


def test_names_that_a_file_lacks_are_kept_in_the_project(shell: Shell) -> None:
    body = "".join(
        f"c{row},{row * 7 % 5},{'yes' if row * 7 % 9 > 6 else 'no'}\n" for row in range(99)
    )
    (shell.folder / "bare.csv").write_text(body)
    typed = ("--client-data", "bare.csv", "--columns", "no, a#b ,late", *TARGET, "--no-git")
    done = shell.fourhats("new", "acme", *typed)
    assert done.code == 0, done.err
    assert list(contract_of(shell.folder / "acme")) == ["no", "a#b", "late"]
    text = (shell.folder / "acme" / "config" / "sources.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["files"]["columns"] == ["no", "a#b", "late"]
    assert 'columns = ["no", "a#b", "late"] # their names' in text
    done = shell.fourhats("new", "other", *typed[:2], "--no-header", "--target", "column_3")
    assert done.code == 0, done.err
    text = (shell.folder / "other" / "config" / "sources.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["files"]["header"] is False


def test_a_path_of_this_machine_stands_in_no_file_that_is_committed(shell: Shell) -> None:
    body = "".join(
        f"c{row},{row * 7 % 5},{'yes' if row * 7 % 9 > 6 else 'no'}\n" for row in range(99)
    )
    (shell.folder / "a.csv").write_text(f"no,a,late\n{body}")
    done = shell.fourhats("new", "far/away/acme", "--client-data", "a.csv", *TARGET)
    assert done.code == 0, done.err
    project = shell.folder / "far" / "away" / "acme"
    assert (project / ".env").read_text() == f"FILES__PATH='{shell.folder.resolve() / 'a.csv'}'\n"
    committed = shell.run("git", "-C", str(project), "grep", "--fixed-strings", str(shell.folder))
    assert (committed.code, committed.out) == (1, "")


def test_what_was_done_to_the_files_is_said(shell: Shell) -> None:
    body = "".join(
        f"c{row},{row * 7 % 5},{'yes' if row * 7 % 9 > 6 else 'no'}\n" for row in range(99)
    )
    folder = shell.folder / "months"
    folder.mkdir()
    (folder / "1.csv").write_text(f"Customers\nno,a,late\n{body}Total,5,\n")
    (folder / "2.CSV").write_text(f"no,a,late,d\n{body.replace(chr(10), ',1' + chr(10))}")
    (folder / "notes.md").write_text("…")
    for done in (
        shell.fourhats("profile", "months", *TARGET),
        shell.fourhats("new", "acme", "--client-data", "months", *TARGET, "--no-git"),
    ):
        assert done.code == 0, done.err
        assert "198 rows" in done.out
        for words in (
            "months: not read: notes.md",
            "1.csv: 1 line above the column names left out",
            "1.csv: the last row is a total of the others",
            "2.CSV: the column d that 1.csv has not",
        ):
            assert f"warning: {words}" in done.out


def test_packed_and_json_files_and_misnamed_workbooks_are_found(
    shell: Shell, orders: dict[str, list[object]]
) -> None:
    rows = [
        dict(zip(orders, map(str, row), strict=True)) for row in zip(*orders.values(), strict=True)
    ]
    (shell.folder / "json").mkdir()
    for part in (0, 1):
        lines = "\n".join(json.dumps(row) for row in rows[part::2])
        file = shell.folder / "json" / f"{part}.jsonl.gz"
        file.write_bytes(gzip.compress(lines.encode()))
    assert f"{ROWS} rows, 5 columns" in shell.fourhats("profile", "json").out
    (shell.folder / "orders.xlsx").rename(shell.folder / "orders.csv")
    assert f"{ROWS} rows, 5 columns" in shell.fourhats("profile", "orders.csv").out


@pytest.mark.parametrize("part", ["--table", "--query", "--sheet", "--columns", "--encoding"])
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
