"""Queries in sql/ shape what the model learns from: inferred, learned, refused, the same twice."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.services.rendered import Project, command, install, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

ROWS = 900
USUAL = """
-- How far deliveries usually go in such weather.
SELECT weather, avg(TRY_CAST(distance_km AS DOUBLE)) AS usual_km, count(*) AS cases
FROM raw_files
GROUP BY weather;
"""
DELIVERIES = """
SELECT raw.* EXCLUDE (order_no), usual_km, distance_km::DOUBLE / usual_km AS km_share
FROM raw JOIN usual_distance USING (weather)
"""


@dataclass(frozen=True)
class Desk:
    """A project whose only source is a file, and its folder for queries."""

    project: Project

    @property
    def sql(self) -> Path:
        """The project's folder for queries."""
        return self.project.folder / "sql"

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the project's command."""
        return command(self.project, *words, env={"TRAINING__TRIALS": "2"}, check=check)

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """Give what the warehouse holds."""
        path = self.project.folder / "artifacts" / "warehouse.duckdb"
        with duckdb.connect(path, read_only=True) as connection:
            return connection.table(table).fetchall()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("own-sql")
    deliveries(folder / "deliveries.csv", ROWS, 60)
    project = render(
        folder / "delivery-times",
        project_name="Delivery times",
        task="regression",
        worked_example=False,
        files_path=str(folder / "deliveries.csv"),
        serving=["batch"],
        orchestrator="none",
    )
    desk = Desk(install(project))
    (desk.sql / "10_usual_distance.sql").write_text(USUAL, encoding="utf-8")
    (desk.sql / "20_deliveries.sql").write_text(DELIVERIES, encoding="utf-8")
    return desk


def test_the_contract_describes_what_the_queries_give(desk: Desk) -> None:
    said = desk.run("contract", "infer", "--target", "hours", "--force").stdout
    assert "sql/10_usual_distance.sql: " in said
    text = (desk.project.folder / "config" / "contract.toml").read_text(encoding="utf-8")
    roles = {column["name"]: column["role"] for column in tomllib.loads(text)["columns"]}
    assert roles["usual_km"] == roles["km_share"] == "feature"
    assert "order_no" not in roles


def test_the_line_learns_from_them_and_says_where_they_come_from(desk: Desk) -> None:
    result = json.loads(desk.run("run", "--json").stdout)
    assert result["evaluate"]["metrics"]["r2"] > 0.8
    assert result["validate"]["rows_in"] == len(desk.rows("raw_sql")) > 0
    lineage = (desk.project.folder / "docs" / "lineage.md").read_text(encoding="utf-8")
    assert "| `km_share` | `km_share` of `raw_sql` | number |" in lineage


def test_run_again_every_row_has_its_number(desk: Desk) -> None:
    desk.run("extract")
    before = desk.rows("raw")
    desk.run("extract", "--whole")
    assert desk.rows("raw") == before


def test_a_broken_query_stops_before_any_harm(desk: Desk) -> None:
    desk.run("extract")
    before = desk.rows("raw")
    broken = desk.sql / "30_broken.sql"
    broken.write_text("SELECT *\nFROM delliveries", encoding="utf-8")
    try:
        done = desk.run("extract", check=False)
    finally:
        broken.unlink()
    assert done.returncode == 2
    assert "sql/30_broken.sql: Catalog Error: Table with name delliveries" in done.stderr
    assert "(LINE 2: FROM delliveries" in done.stderr
    assert done.stderr.count("\n") == 1
    assert desk.rows("raw") == before
