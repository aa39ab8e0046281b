"""Rows from a real MariaDB: whole, only what is new, through changed columns and refusals."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.services.availability import unavailable
from tests.services.mariadb import PASSWORD, Mariadb, MariadbMissingError, mariadb_server
from tests.services.rendered import Project, command, install, project_env, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1200
TABLE = """
CREATE OR REPLACE TABLE deliveries (
    order_no VARCHAR(20) PRIMARY KEY, ordered_at DATETIME, distance_km DECIMAL(9, 3),
    weight_kg DOUBLE, weather ENUM('dry', 'rain', 'snow'), express BOOLEAN, hours DECIMAL(9, 2),
    changed_at TIMESTAMP(6) NULL
);
"""
MORE = """
INSERT INTO deliveries
SELECT CONCAT('B', order_no), ordered_at, distance_km, weight_kg, weather, express, hours, NOW(6)
FROM deliveries ORDER BY order_no LIMIT 400;
"""
KINDS = """
SET sql_mode = '';
CREATE OR REPLACE TABLE kinds (
    id BIGINT UNSIGNED PRIMARY KEY, small TINYINT, yes BOOLEAN, flag BIT(1), bits BIT(12),
    exact DECIMAL(20, 4), huge DECIMAL(65, 10), share FLOAT, amount DOUBLE, made YEAR,
    day DATE, at DATETIME(6), seen TIMESTAMP NULL, lasts TIME,
    name VARCHAR(50) CHARACTER SET utf8mb4, old VARCHAR(50) CHARACTER SET latin1, note LONGTEXT,
    kind ENUM('a', 'b'), tags SET('x', 'y'), facts JSON, picture BLOB
);
INSERT INTO kinds VALUES (
    18446744073709551615, -128, TRUE, b'1', b'100000000001',
    1234567890123456.7891, 1234567890123456789012345678901234567890.5, 1.5, 0.1, 2026,
    '2026-02-03', '2026-02-03 04:05:06.789012', '2026-02-03 04:05:06', '-12:34:56',
    'Zoë 🎩', 'Säure', 'long', 'a', 'x,y', '{"a": 1}', x'00ff'
);
INSERT INTO kinds (id) VALUES (1);
INSERT INTO kinds (id, day, at, name) VALUES (2, '0000-00-00', '0000-00-00 00:00:00', '');
"""
FULL = {
    "id": "18446744073709551615",
    "small": "-128",
    "yes": "1",
    "flag": "1",
    "bits": "2049",
    "exact": "1234567890123456.7891",
    "huge": "1234567890123456789012345678901234567890.5000000000",
    "share": "1.5",
    "amount": "0.1",
    "made": "2026",
    "day": "2026-02-03",
    "at": "2026-02-03 04:05:06.789012",
    "seen": "2026-02-03 04:05:06",
    "lasts": "-12:34:56",
    "name": "Zoë 🎩",
    "old": "Säure",
    "note": "long",
    "kind": "a",
    "tags": "x,y",
    "facts": '{"a": 1}',
    "picture": "\\x00\\xFF",
}


@dataclass
class Shop:
    """A project, its database, and how it is set up."""

    project: Project
    server: Mariadb
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the project's commands are given."""
        return {"MYSQL_URL": self.server.url, "TRAINING__TRIALS": "2", **self.settings}

    def extract(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the step."""
        return command(self.project, "extract", *words, env=self.environment, check=check)

    def refused(self, **settings: str) -> str:
        """Run the step with other settings; gives the one line in which it is refused."""
        done = command(self.project, "extract", env=self.environment | settings, check=False)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert PASSWORD not in done.stdout + done.stderr
        return done.stderr

    def rows(self, query: str = "FROM raw_mysql") -> list[tuple[Any, ...]]:
        """Look into the warehouse; every value comes as text."""
        path = str(self.project.folder / "artifacts" / "warehouse.duckdb")
        with duckdb.connect(path, read_only=True) as connection:
            texts = f"SELECT COLUMNS(*)::VARCHAR FROM ({query})"  # noqa: S608 - our own
            return connection.execute(texts).fetchall()

    def types(self) -> dict[str, str]:
        """Give the types of the warehouse's columns."""
        return dict(self.rows("SELECT column_name, column_type FROM (DESCRIBE raw_mysql)"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("mysql")
    table = folder / "deliveries.csv"
    deliveries(table, ROWS, 60)
    # As MySQL itself writes a BOOLEAN.
    text = table.read_text(encoding="utf-8").replace(",true,", ",1,").replace(",false,", ",0,")
    table.write_text(text, encoding="utf-8")
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["mysql"],
            mysql_query="SELECT * FROM deliveries; ",
            serving=["batch"],
            orchestrator="none",
        )
    )
    command(project, "contract", "infer", str(table), "--target", "hours", "--force")
    try:
        with mariadb_server() as server:
            yield Shop(project, server)
    except MariadbMissingError as error:
        unavailable(error)


@pytest.fixture
def shop(made: Shop) -> Shop:
    """A database with the first rows, and a warehouse in which nothing is yet."""
    shutil.rmtree(made.project.folder / "artifacts", ignore_errors=True)
    made.server.sql(TABLE + _inserts(made.project.folder.parent / "deliveries.csv"))
    return Shop(made.project, made.server)


def _inserts(table: Path) -> str:
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = (
        ", ".join("NULL" if value == "" else f"'{value}'" for value in row) + ", NOW(6)"
        for row in rows
    )
    return f"INSERT INTO deliveries VALUES ({'), ('.join(values)});"  # noqa: S608 - our own


def test_the_line_learns_from_every_row(shop: Shop) -> None:
    done = command(shop.project, "run", "--json", env=shop.environment)
    result = json.loads(done.stdout)
    assert result["validate"]["rows_out"] == ROWS
    assert result["evaluate"]["metrics"]["r2"] > 0.8
    shop.extract()
    assert len(shop.rows()) == ROWS


def test_only_what_is_new_is_read_and_twice_adds_nothing(shop: Shop) -> None:
    shop.settings["MYSQL__CURSOR"] = "changed_at"
    shop.extract()
    assert len(shop.rows()) == ROWS
    shop.server.sql("UPDATE deliveries SET weather = 'snow', changed_at = '2000-01-01'")
    before = shop.rows("FROM raw_mysql WHERE weather = 'snow'")
    shop.server.sql(MORE)
    for _ in range(2):
        shop.extract()
        assert len(shop.rows()) == ROWS + 400
    assert len(shop.rows("FROM raw_mysql WHERE weather = 'snow'")) == len(before) + 400
    shop.extract("--whole")
    assert len(shop.rows("FROM raw_mysql WHERE weather = 'snow'")) == ROWS + 400


def test_a_row_without_a_cursor_is_never_missed(shop: Shop) -> None:
    shop.settings["MYSQL__CURSOR"] = "changed_at"
    shop.extract()
    shop.server.sql("INSERT INTO deliveries (order_no, weather) VALUES ('late', 'dry')")
    shop.extract()
    assert len(shop.rows("FROM raw_mysql WHERE order_no = 'late'")) == 1


def test_a_number_is_a_cursor_too(shop: Shop) -> None:
    shop.server.sql("ALTER TABLE deliveries ADD COLUMN number BIGINT UNSIGNED")
    shop.server.sql("UPDATE deliveries SET number = 9007199254740993")
    shop.settings["MYSQL__CURSOR"] = "number"
    shop.extract()
    shop.server.sql(
        "INSERT INTO deliveries (order_no, number) VALUES ('next', 9007199254740994), ('old', 7)"
    )
    shop.extract()
    assert len(shop.rows("FROM raw_mysql WHERE order_no = 'next'")) == 1
    assert len(shop.rows("FROM raw_mysql WHERE order_no = 'old'")) == 0


def test_a_new_column_is_taken_along_and_said(shop: Shop) -> None:
    shop.settings["MYSQL__CURSOR"] = "changed_at"
    shop.extract()
    shop.server.sql("ALTER TABLE deliveries ADD COLUMN driver TEXT")
    shop.server.sql("UPDATE deliveries SET driver = 'Ada', changed_at = NOW(6) LIMIT 10")
    assert "mysql has a new column driver" in shop.extract().stdout
    assert len(shop.rows("FROM raw WHERE driver = 'Ada'")) == 10


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
        ("MODIFY weight_kg VARCHAR(30)", "weight_kg was number and is text"),
        ("MODIFY ordered_at VARCHAR(30)", "ordered_at was time and is text"),
    ],
)
def test_a_column_that_went_or_was_retyped_stops_it(shop: Shop, change: str, words: str) -> None:
    shop.extract()
    before = shop.rows()
    shop.server.sql(f"ALTER TABLE deliveries {change}")
    shop.server.sql("UPDATE deliveries SET hours = 1")
    assert f"mysql: the columns changed: {words}. Nothing was taken in." in shop.refused()
    assert shop.rows() == before


def test_every_type_comes_as_what_it_is(shop: Shop) -> None:
    shop.server.sql(KINDS)
    shop.settings["MYSQL__QUERY"] = "SELECT * FROM kinds ORDER BY id DESC"
    shop.extract()
    full, zero, empty = shop.rows()
    types = shop.types()
    assert dict(zip(types, full, strict=True)) == FULL
    assert [value for value in empty if value is not None] == ["1"]
    assert [value for value in zero if value is not None] == ["2", ""]
    assert [types[name] for name in ("id", "small", "bits")] == ["UBIGINT", "BIGINT", "UBIGINT"]
    assert [types[name] for name in ("exact", "huge")] == ["DECIMAL(20,4)", "VARCHAR"]
    assert [types[name] for name in ("day", "at", "seen")] == ["DATE", "TIMESTAMP", "TIMESTAMP"]
    shop.settings["MYSQL__QUERY"] = "SELECT * FROM kinds WHERE id = 7 -- none has it"
    shop.extract()
    assert shop.rows() == []
    assert shop.types() == types


def test_moments_are_told_in_utc(shop: Shop) -> None:
    shop.server.sql("SET GLOBAL time_zone = '+05:00'")
    try:
        shop.server.sql(KINDS.replace("SET sql_mode", "SET time_zone = '+05:00', sql_mode"))
        shop.settings["MYSQL__QUERY"] = "SELECT at, seen FROM kinds WHERE seen IS NOT NULL"
        shop.extract()
    finally:
        shop.server.sql("SET GLOBAL time_zone = '+00:00'")
    assert shop.rows() == [("2026-02-03 04:05:06.789012", "2026-02-02 23:05:06")]


def test_what_the_server_refuses_is_told_in_one_line(shop: Shop) -> None:
    url = shop.server.url
    assert "Access denied" in shop.refused(MYSQL_URL=url.replace(PASSWORD, "wr0ng-w0rd"))
    assert "Access denied" in shop.refused(MYSQL_URL=url.replace("/shop", "/no_such"))
    assert "refused" in shop.refused(MYSQL_URL=url.replace(f":{shop.server.port}", ":1"))
    assert "no_such" in shop.refused(MYSQL__QUERY="SELECT * FROM no_such")
    assert "syntax" in shop.refused(MYSQL__QUERY="SELECT FROM\nWHERE")
    assert "has to be a SELECT" in shop.refused(MYSQL__QUERY="SET @a = 1")
    twice = "SELECT a.*, b.order_no FROM deliveries a JOIN deliveries b USING (order_no)"
    assert "more than one column order_no" in shop.refused(MYSQL__QUERY=twice)
    assert "no column no_such" in shop.refused(MYSQL__CURSOR="no_such")
    for wrong in (url.replace("mysql:", "postgresql:"), url.removesuffix("/shop"), f"x{url}"):
        assert "MYSQL_URL is no address such as" in shop.refused(MYSQL_URL=wrong)
    assert "nothing can stand behind" in shop.refused(MYSQL_URL=f"{url}?ssl=1")


def test_a_server_that_goes_away_is_told_in_one_line(shop: Shop) -> None:
    shop.extract()
    before = shop.rows()
    query = "SELECT *, SLEEP(0.02) AS pause FROM deliveries"
    with subprocess.Popen(
        [shop.project.program, "extract"],
        cwd=shop.project.folder,
        env=project_env(shop.environment | {"MYSQL__QUERY": query}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(3)
        shop.server.sql("KILL USER reader")
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert "MySQL: Lost connection" in said
    assert shop.rows() == before
