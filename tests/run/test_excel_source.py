"""Rows from workbooks, as people hand them over: a whole line, changed columns, refusals."""

from __future__ import annotations

import csv
import json
import shutil
import tomllib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb
import pytest
import xlsxwriter

from tests.services.rendered import Project, command, install, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

ROWS = 1200


@dataclass(frozen=True)
class Desk:
    """A project, and the folder in which its workbook lies."""

    project: Project
    folder: Path

    def write(self, left_out: str = "", added: str = "", name: str = "deliveries.xlsx") -> None:
        """Write the workbook: a title, dates as dates, a third of the numbers typed as text."""
        with (self.folder / "deliveries.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [found for found in rows[0] if found != left_out] + [added] * bool(added)
        dates = {"default_date_format": "yyyy-mm-dd hh:mm"}
        with xlsxwriter.Workbook(self.folder / name, dates) as book:
            sheet = book.add_worksheet("Deliveries")
            sheet.merge_range("A1:G1", "Deliveries of the year")
            sheet.write_row(2, 0, names)
            for number, row in enumerate(rows):
                for column, found in enumerate(names):
                    value: str | float | datetime = added if found == added else row[found]
                    if found == "ordered_at":
                        value = datetime.fromisoformat(row[found])
                    elif number % 3 and row.get(found, "").replace(".", "").isdigit():
                        value = float(row[found])
                    sheet.write(number + 3, column, value)

    def run(self, *words: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the project's command beside its workbook."""
        found = {"EXCEL__PATH": str(self.folder / "deliveries.xlsx"), "TRAINING__TRIALS": "2"}
        return command(self.project, *words, env=found | env, check=check)

    def rows(self) -> list[tuple[str, ...]]:
        """Give what the warehouse holds."""
        path = self.project.folder / "artifacts" / "warehouse.duckdb"
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute("FROM raw_excel").fetchall()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("excel")
    deliveries(folder / "deliveries.csv", ROWS, 60)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["excel"],
            serving=["batch"],
            orchestrator="none",
        )
    )
    infer = ("contract", "infer", str(folder / "deliveries.csv"), "--target", "hours", "--force")
    command(project, *infer)
    return Desk(project, folder)


@pytest.fixture
def desk(made: Desk) -> Desk:
    """The workbook as it was at first, and a warehouse in which nothing is yet."""
    shutil.rmtree(made.project.folder / "artifacts", ignore_errors=True)
    made.write()
    return made


def test_the_line_learns_from_every_row_and_twice_adds_nothing(desk: Desk) -> None:
    result = json.loads(desk.run("run", "--json").stdout)
    assert result["validate"]["rows_out"] == ROWS
    assert result["evaluate"]["metrics"]["r2"] > 0.8
    before = desk.rows()
    desk.run("extract")
    assert desk.rows() == before
    assert len(before) == ROWS


def test_the_contract_is_inferred_from_the_workbook_itself(desk: Desk) -> None:
    def kinds() -> dict[str, tuple[str, str]]:
        columns = tomllib.loads(contract.read_text(encoding="utf-8"))["columns"]
        return {column["source"]: (column["type"], column["role"]) for column in columns}

    contract = desk.project.folder / "config" / "contract.toml"
    before = kinds()
    said = desk.run("contract", "infer", "--target", "hours", "--force").stdout
    assert f"describes {len(before)} columns, {ROWS:,} rows" in said
    assert kinds() == before
    assert list((desk.project.folder / "artifacts").iterdir()) == []
    desk.run("extract")
    desk.run("validate")


def test_a_new_column_is_taken_along_and_said(desk: Desk) -> None:
    desk.run("extract")
    desk.write(added="driver")
    assert "excel has a new column driver" in desk.run("extract").stdout
    assert {row[-1] for row in desk.rows()} == {"driver"}


def test_a_column_that_went_stops_it(desk: Desk) -> None:
    desk.run("extract")
    before = desk.rows()
    desk.write(left_out="weight_kg")
    done = desk.run("extract", check=False)
    assert done.returncode == 2
    assert "excel: the columns changed: weight_kg is gone. Nothing was taken in." in done.stderr
    assert desk.rows() == before


def test_a_column_that_holds_other_things_stops_the_line(desk: Desk) -> None:
    desk.write(left_out="hours", added="hours")
    desk.run("extract")
    done = desk.run("validate", check=False)
    assert done.returncode == 2
    alert, error = done.stderr.splitlines()
    assert "ALERT firing data:contract" in alert
    assert "hours" in error


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"EXCEL__SHEET": "Orders"}, "has no sheet 'Orders'; it has Deliveries"),
        ({"EXCEL__PATH": "none.xlsx"}, "none.xlsx: there is no such file"),
        ({"EXCEL__PATH": "pyproject.toml"}, "can't be read as an Excel workbook"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    desk: Desk, settings: dict[str, str], words: str
) -> None:
    done = desk.run("extract", check=False, **settings)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "(excel in config/sources.toml)" in done.stderr


def test_a_damaged_workbook_is_told_in_one_line(desk: Desk) -> None:
    whole = (desk.folder / "deliveries.xlsx").read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:2000] + bytes(2000) + whole[4000:]):
        (desk.folder / "deliveries.xlsx").write_bytes(damaged)
        done = desk.run("extract", check=False)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "deliveries.xlsx" in done.stderr
