"""Workbooks as people make them: titles above the table, gaps, numbers as text, errors."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import xlsxwriter
from fourhats_runtime.data import Excel
from fourhats_runtime.errors import ProjectError

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourhats_runtime import Project

ROWS: list[list[object]] = [
    ["Orders of the year"],
    [],
    ["No.", "Name", "Amount", "Paid", "Sent on", None, "Share"],
    [1, "Zoë 🎩", "0012", True, datetime(2026, 2, 3), None, 0.1],  # noqa: DTZ001
    [],
    [2, "  ", 12.5, False, datetime(2026, 2, 3, 4, 5, 6), None, "=NA()"],  # noqa: DTZ001
    [9007199254740991, None, None, None, None, None, "=1/8"],
]
RESULTS = {"=NA()": "#N/A", "=1/8": 0.125}
NAMES = ["No.", "Name", "Amount", "Paid", "Sent on", "Share"]
TEXTS = [
    ("1", "Zoë 🎩", "0012", "true", "2026-02-03", "0.1"),
    ("2", None, "12.5", "false", "2026-02-03 04:05:06", None),
    ("9007199254740991", None, None, None, None, "0.125"),
]


def write(path: Path, rows: Sequence[Sequence[object]], sheet: str = "Orders") -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        page = book.add_worksheet(sheet)
        page.merge_range("A1:G1", "")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value in RESULTS:
                    page.write_formula(number, column, value, None, RESULTS[value])
                else:
                    page.write(number, column, value)


def read(project: Project, path: Path, sheet: str = "") -> duckdb.DuckDBPyRelation:
    source = Excel(f"orders_{path.stem.strip('*')}")
    project = with_table(project, source.name, path=str(path), sheet=sheet)
    connection = duckdb.connect()
    assert source.configured(project)
    assert source.load(connection, project, "rows", None).whole
    return connection.table("rows")


def test_a_table_is_found_below_its_titles_and_comes_as_texts(
    fresh: Project, tmp_path: Path
) -> None:
    write(tmp_path / "orders.xlsx", ROWS)
    table = read(fresh, tmp_path / "orders.xlsx", "Orders")
    assert table.columns == NAMES
    assert table.fetchall() == TEXTS


def test_workbooks_of_the_same_columns_are_put_together(fresh: Project, tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", ROWS)
    write(tmp_path / "b.xlsx", [["Title"], NAMES[::-1], [0.5, None, None, None, "Ada", 3]])
    (tmp_path / "~$b.xlsx").write_text("somebody has it open")
    table = read(fresh, tmp_path / "*.xlsx")
    assert table.fetchall() == [*TEXTS, ("3", "Ada", None, None, None, "0.5")]


@pytest.mark.parametrize(
    ("rows", "sheet", "words"),
    [
        ([["Title"], [*NAMES[:2], "Rate"], ["x"] * 3], "", "with Rate"),
        (ROWS, "Nowhere", "has no sheet 'Nowhere'; it has Orders"),
        ([[], NAMES], "", "no rows below a row of column names"),
        ([], "", "no rows below a row of column names"),
        ([[], [3, 1, 2], [4, 5, 6]], "", "not the names of its 3 columns"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(
    rows: list[list[object]], sheet: str, words: str, fresh: Project, tmp_path: Path
) -> None:
    write(tmp_path / "a.xlsx", ROWS)
    write(tmp_path / "b.xlsx", rows)
    with pytest.raises(ProjectError, match=r"orders_ in config/sources\.toml") as refused:
        read(fresh, tmp_path / "*.xlsx", sheet)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def loaded(project: Project, path: Path, **options: object) -> tuple[list[Any], tuple[str, ...]]:
    """Give the rows, the names first, and what was said."""
    project = with_table(project, "orders", path=str(path), **options)
    with duckdb.connect() as connection:
        said = Excel("orders").load(connection, project, "rows", None).said
        table = connection.table("rows")
        return [tuple(table.columns), *table.fetchall()], said


def book_of(path: Path, **sheets: list[list[object]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)


def test_sheets_with_the_columns_of_the_first_are_read_together(
    fresh: Project, tmp_path: Path
) -> None:
    book_of(
        tmp_path / "a.xlsx",
        Cover=[["see below"]],
        January=[["Sales in January"], ["no", "fee"], ["a", 1], ["b", 2], ["Total", 3]],
        February=[["fee", "no"], [4, "c"]],
        Countries=[["code", "country"], ["AT", "Austria"]],
    )
    rows, said = loaded(fresh, tmp_path / "a.xlsx")
    assert rows == [("no", "fee"), ("a", "1"), ("b", "2"), ("Total", "3"), ("c", "4")]
    assert any("sheets January, February have the same columns" in line for line in said)
    assert any("not read" in line and "Cover, Countries" in line for line in said)
    assert any("January: 1 row above the column names left out" in line for line in said)
    rows, said = loaded(fresh, tmp_path / "a.xlsx", sheet="February")
    assert (rows, said) == ([("fee", "no"), ("4", "c")], ())


def test_a_total_and_notes_below_a_sheet_are_left_out(fresh: Project, tmp_path: Path) -> None:
    body: list[list[object]] = [[f"c{number}", number, "x"] for number in range(9)]
    book_of(
        tmp_path / "a.xlsx",
        S=[["c", "fee", "d"], *body, ["Total", 36], [], ["Source: our own books, as of May"]],
    )
    rows, said = loaded(fresh, tmp_path / "a.xlsx")
    assert [row[0] for row in rows] == ["c", *(f"c{number}" for number in range(9))]
    assert any("the last row is a total" in line for line in said)
    assert any("1 row of notes left out" in line for line in said)


def test_a_sheet_without_names_is_read_by_those_that_are_given(
    fresh: Project, tmp_path: Path
) -> None:
    book_of(tmp_path / "a.xlsx", S=[["Ann", 1], ["Ben", 2]])
    rows, _ = loaded(fresh, tmp_path / "a.xlsx", columns=["name", "age"])
    assert rows == [("name", "age"), ("Ann", "1"), ("Ben", "2")]
    rows, _ = loaded(fresh, tmp_path / "a.xlsx", header=False)
    assert rows[0] == ("column_1", "column_2")
    with pytest.raises(ProjectError, match="has 2 columns, and 3 names"):
        loaded(fresh, tmp_path / "a.xlsx", columns=["a", "b", "c"])
    with pytest.raises(ProjectError, match="--columns") as refused:
        loaded(fresh, tmp_path / "a.xlsx")
    assert "Ann" not in str(refused.value)


def test_names_below_those_of_groups_name_the_columns(fresh: Project, tmp_path: Path) -> None:
    body: list[list[object]] = [[f"c{number}", number, "x"] for number in range(9)]
    book_of(tmp_path / "a.xlsx", S=[["2025", None, "2026"], ["c", "fee", "d"], *body])
    rows, said = loaded(fresh, tmp_path / "a.xlsx")
    assert (rows[0], len(rows)) == (("c", "fee", "d"), 10)
    assert any("1 row above the column names left out" in line for line in said)


def test_a_web_page_is_no_workbook(fresh: Project, tmp_path: Path) -> None:
    (tmp_path / "orders.xls").write_text("<html><table><tr><td>1</td></tr></table></html>")
    with pytest.raises(ProjectError, match=r"orders\.xls: is no workbook but HTML or XML: open it"):
        read(fresh, tmp_path / "orders.xls")


def test_what_is_no_workbook_is_refused(fresh: Project, tmp_path: Path) -> None:
    (tmp_path / "orders.xlsx").write_text("No.;Name\n1;Ada\n")
    for name in ("orders.xlsx", "none.xlsx"):
        with pytest.raises(ProjectError, match=name):
            read(fresh, tmp_path / name)
