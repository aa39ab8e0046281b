"""Extraction from a real PostgreSQL and from files: only what is new, through kills and changes."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.services.availability import unavailable
from tests.services.postgres import PostgresMissingError, postgres_server, server_binaries
from tests.services.rendered import Project, command, install, project_env, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1500
KILLS = 20
MORE = """
INSERT INTO deliveries
SELECT
    'x' || md5(random()::text), ordered_at, distance_km, weight_kg, weather, express, hours, now()
FROM deliveries LIMIT 400;
UPDATE deliveries SET hours = hours + 1, changed_at = now()
WHERE order_no IN (SELECT order_no FROM deliveries ORDER BY random() LIMIT 50);
"""
TABLE = """
CREATE TABLE deliveries (
    order_no text PRIMARY KEY, ordered_at timestamp, distance_km numeric(9, 3),
    weight_kg double precision, weather text, express boolean, hours numeric(9, 2),
    changed_at timestamptz DEFAULT now()
);
"""
COLUMNS = "order_no, ordered_at, distance_km, weight_kg, weather, express, hours"


@dataclass
class Shop:
    """A project, its database, and how it is set up."""

    project: Project
    database: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the project's commands are given."""
        return {"POSTGRES_URL": self.database, "FILES__PATH": "", **self.settings}

    def extract(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the step."""
        return command(self.project, "extract", *words, env=self.environment, check=check)

    def sql(self, text: str, stdin: str | None = None) -> None:
        """Run statements in the database."""
        psql = str(server_binaries() / "psql")
        words = [psql, "--quiet", "--set", "ON_ERROR_STOP=1", self.database, "--command", text]
        subprocess.run(words, input=stdin, text=True, check=True, capture_output=True)

    def rows(self, query: str = "FROM raw_postgres") -> list[tuple[Any, ...]]:
        """Look into the warehouse; every value comes as text."""
        path = str(self.project.folder / "artifacts" / "warehouse.duckdb")
        with duckdb.connect(path, read_only=True) as connection:
            texts = f"SELECT COLUMNS(*)::VARCHAR FROM ({query})"  # noqa: S608 - our own
            return connection.execute(texts).fetchall()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("extraction")
    table = folder / "deliveries.csv"
    deliveries(table, ROWS, 0)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["files", "postgres"],
            postgres_query="SELECT * FROM deliveries -- all of them",
            serving=["batch"],
            orchestrator="none",
        )
    )
    command(project, "contract", "infer", str(table), "--target", "hours", "--force")
    try:
        with postgres_server() as database:
            yield Shop(project, database)
    except PostgresMissingError as error:
        unavailable(error)


@pytest.fixture
def shop(made: Shop) -> Shop:
    """A database with the first rows, and a warehouse in which nothing is yet."""
    shutil.rmtree(made.project.folder / "artifacts", ignore_errors=True)
    table = (made.project.folder.parent / "deliveries.csv").read_text(encoding="utf-8")
    made.sql("DROP TABLE IF EXISTS deliveries")
    made.sql(TABLE)
    made.sql(f"COPY deliveries ({COLUMNS}) FROM STDIN WITH (FORMAT csv, HEADER)", table)
    return Shop(made.project, made.database, {"POSTGRES__CURSOR": "changed_at"})


def test_only_what_is_new_is_read_and_twice_adds_nothing(shop: Shop) -> None:
    shop.extract()
    assert len(shop.rows()) == ROWS
    shop.sql("UPDATE deliveries SET weather = 'changed unseen', changed_at = '2000-01-01'")
    shop.sql(MORE)
    for _ in range(2):
        shop.extract()
        assert len(shop.rows()) == ROWS + 400
    unseen = shop.rows("FROM raw_postgres WHERE weather = 'changed unseen'")
    assert 0 < len(unseen) < ROWS, "rows behind the bookmark were not read again"
    shop.extract("--whole")
    assert len(shop.rows("FROM raw_postgres WHERE weather = 'changed unseen'")) > len(unseen)


def test_killed_at_any_moment_and_repeated_the_table_is_the_same(shop: Shop) -> None:
    moments = random.Random(7)
    finished = 0
    for _ in range(KILLS):
        shop.sql(MORE)
        with subprocess.Popen(
            [shop.project.program, "extract"],
            cwd=shop.project.folder,
            env=project_env(shop.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(moments.uniform(0.2, 1.6))
            finished += process.poll() is not None
            process.kill()
    assert finished < KILLS, "no run was cut off"
    shop.extract()
    repeated = shop.rows()
    assert len(repeated) == ROWS + KILLS * 400
    shop.extract("--whole")
    assert shop.rows() == repeated


def test_a_new_column_is_taken_along_and_said(shop: Shop) -> None:
    shop.extract()
    shop.sql("ALTER TABLE deliveries ADD COLUMN driver text")
    shop.sql("UPDATE deliveries SET driver = 'Ada', changed_at = now() WHERE order_no LIKE '%1'")
    done = shop.extract()
    assert "postgres has a new column driver" in done.stdout
    assert 0 < len(shop.rows("FROM raw WHERE driver = 'Ada'")) < ROWS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "RENAME COLUMN weight_kg TO weight",
            (
                "weight_kg is gone, and weight came: where it is the same, at weight_kg in "
                'config/contract.toml write source = "weight"'
            ),
        ),
        ("DROP COLUMN weight_kg", "weight_kg is gone"),
        ("ALTER COLUMN weight_kg TYPE text", "weight_kg was number and is text"),
    ],
)
def test_a_column_that_went_or_was_retyped_stops_it(shop: Shop, change: str, words: str) -> None:
    shop.extract()
    before = shop.rows()
    shop.sql(f"ALTER TABLE deliveries {change}")
    shop.sql("UPDATE deliveries SET hours = 1, changed_at = now()")
    done = shop.extract(check=False)
    assert done.returncode != 0
    assert done.stderr.strip().count("\n") == 0
    assert f"postgres: the columns changed: {words}. Nothing was taken in." in done.stderr
    assert shop.rows() == before


def test_a_cursor_that_is_no_column_is_named(shop: Shop) -> None:
    shop.settings["POSTGRES__CURSOR"] = "no_such"
    done = shop.extract(check=False)
    assert done.returncode != 0
    assert "the rows have no column no_such, which `cursor` names" in done.stderr


def test_of_files_only_new_ones_are_read(shop: Shop, tmp_path: Path) -> None:
    shop.settings |= {
        "POSTGRES_URL": "",
        "FILES__PATH": str(tmp_path / "*.csv"),
        "FILES__ONLY_NEW": "true",
    }
    head, *lines = (shop.project.folder.parent / "deliveries.csv").read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join([head, *lines[:100]]) + "\n")
    shop.extract()
    assert len(shop.rows("FROM raw_files")) == 100
    (tmp_path / "b.csv").write_text("\n".join([head, *lines[90:250]]) + "\n")
    for _ in range(2):
        shop.extract()
        assert len(shop.rows("FROM raw_files")) == 250
    (tmp_path / "b.csv").write_text("\n".join([head, *lines[90:150]]) + "\n")
    shop.extract()
    assert len(shop.rows("FROM raw_files")) == 160, "a changed file has all of them read again"
