"""Rows from a stand-in for BigQuery's REST API: page by page, whole and only what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.cloud_warehouses import (
    GOOGLE_PROJECT,
    StandIn,
    bigquery_server,
    key_file,
    new_key,
)
from tests.services.rendered import Project, command
from tests.services.sources import Shop, delivery_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 1200
TABLE = """
CREATE SCHEMA IF NOT EXISTS shop;
CREATE OR REPLACE TABLE shop.deliveries AS
SELECT * REPLACE (distance_km::DECIMAL(18, 3) AS distance_km, ordered_at::TIMESTAMP AS ordered_at),
    TIMESTAMPTZ '2026-06-01 00:00:00+00' AS changed_at, 9007199254740993 AS number
FROM read_csv('{table}');
"""
OLD = """
UPDATE shop.deliveries SET weather = 'hail', changed_at = '2000-01-01 00:00:00+00', number = 1;
"""
LATER = """
INSERT INTO shop.deliveries SELECT * REPLACE ('B' || order_no AS order_no,
    TIMESTAMPTZ '2026-06-02 00:00:00.000001+00' AS changed_at, 9007199254740994 AS number)
FROM shop.deliveries ORDER BY order_no LIMIT 200;
INSERT INTO shop.deliveries (order_no, weather) VALUES ('late', 'dry');
"""
KINDS = """
CREATE OR REPLACE TABLE shop.kinds (
    id BIGINT, exact DECIMAL(38, 9), huge DECIMAL(38, 20), share DOUBLE, yes BOOLEAN, day DATE,
    local TIMESTAMP, moment TIMESTAMPTZ, clock TIME, name VARCHAR, picture BLOB, tags VARCHAR[]
);
INSERT INTO shop.kinds VALUES (
    9007199254740993, 12345678901234567890.123456789, 1.00000000000000000001, 0.1, TRUE,
    '2026-02-03', '2300-02-03 04:05:06.789012', '2026-02-03 04:05:06.789012+02', '12:34:56',
    'Zoë 🎩', '\\x00\\xFF', ['a', 'b']
), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, []);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with bigquery_server() as server:
        yield server


@pytest.fixture(scope="module")
def table(cloud_project: Project) -> Path:
    return delivery_table(cloud_project, ROWS)


@pytest.fixture
def shop(cloud_project: Project, table: Path, server: StandIn, tmp_path: Path) -> Shop:
    """A dataset with the first rows, and a warehouse in which nothing is yet."""
    server.ask_to_fail()
    server.sql(TABLE.format(table=table))
    settings = {
        "BIGQUERY_EMULATOR_HOST": server.url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(server, tmp_path)),
        "BIGQUERY__PROJECT": GOOGLE_PROJECT,
        # The library asks Google itself where the account may be used: in vain here, and at once.
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "TRAINING__TRIALS": "2",
    }
    secret = server.key.read_text().splitlines()[1]
    shop = Shop(cloud_project, "raw_bigquery", settings, (secret,))
    shop.forget()
    return shop


def test_every_row_of_every_page_is_valid(shop: Shop) -> None:
    shop.extract()
    assert len(shop.rows()) == ROWS
    command(shop.project, "validate", env=shop.settings)
    assert shop.rows("FROM quarantine") == []


@pytest.mark.parametrize("cursor", ["changed_at", "number"])
def test_only_what_is_new_is_read_and_twice_adds_nothing(
    shop: Shop, server: StandIn, cursor: str
) -> None:
    shop.settings["BIGQUERY__CURSOR"] = cursor
    shop.extract()
    assert len(shop.rows()) == ROWS
    server.sql(OLD + LATER)
    for _ in range(2):
        shop.extract()
        assert len(shop.rows()) == ROWS + 201
    old = f"FROM {shop.raw} WHERE weather = 'hail' AND order_no NOT LIKE 'B%'"
    assert shop.rows(old) == []
    query, condition = server.sent()[-1].split("\n")
    assert query == "SELECT * FROM (SELECT * FROM shop.deliveries"
    assert condition.endswith(f"WHERE `{cursor}` >= @bookmark OR `{cursor}` IS NULL")
    shop.extract("--whole")
    assert len(shop.rows(old)) == ROWS


def test_every_type_comes_as_what_it_is(shop: Shop, server: StandIn) -> None:
    server.sql(KINDS)
    shop.settings["BIGQUERY__QUERY"] = "SELECT * FROM `shop.kinds` ORDER BY id DESC -- all"
    shop.extract()
    types = shop.types()
    full, empty = shop.rows()
    assert full == (
        "9007199254740993",
        "12345678901234567890.123456789",
        "1.00000000000000000001" + "0" * 18,
        "0.1",
        "true",
        "2026-02-03",
        "2300-02-03 04:05:06.789012",
        "2026-02-03 02:05:06.789012",
        "12:34:56",
        "Zoë 🎩",
        "\\x00\\xFF",
        "[a, b]",
    )
    assert [value for value in empty if value is not None] == ["2", "[]"]
    assert list(types.values()) == [
        "BIGINT",
        "DECIMAL(38,9)",
        "VARCHAR",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP",
        "TIME",
        "VARCHAR",
        "BLOB",
        "VARCHAR[]",
    ]
    shop.extract(BIGQUERY__QUERY="SELECT * FROM shop.kinds WHERE id = 7")
    assert shop.rows() == []
    assert shop.types() == types


def test_what_passes_is_waited_for_and_what_does_not_is_told(shop: Shop, server: StandIn) -> None:
    server.ask_to_fail(503, 500)
    shop.extract()
    before = shop.rows()
    assert len(before) == ROWS
    server.ask_to_fail(*[503] * 50)
    assert "Try again later" in shop.refused(BIGQUERY__MAX_WAIT="2")
    assert shop.rows() == before


def test_what_is_refused_is_told_in_one_line(shop: Shop, tmp_path: Path, server: StandIn) -> None:
    assert "Not found: Table" in shop.refused(BIGQUERY__QUERY="SELECT * FROM shop.no_such")
    assert "Syntax error" in shop.refused(BIGQUERY__QUERY="SELECT FROM\nWHERE (")
    assert "Access Denied" in shop.refused(BIGQUERY__PROJECT="somebody-else")
    assert "has to be a SELECT" in shop.refused(BIGQUERY__QUERY="CREATE TABLE shop.x (a INT64)")
    assert "no column no_such" in shop.refused(BIGQUERY__CURSOR="no_such")
    missing = str(tmp_path / "no_such.json")
    assert "no_such.json" in shop.refused(GOOGLE_APPLICATION_CREDENTIALS=missing)
    other = StandIn(server.url, new_key(tmp_path / "other.pem"), "")
    account = str(key_file(other, tmp_path))
    assert "Invalid JWT" in shop.refused(GOOGLE_APPLICATION_CREDENTIALS=account)
    nobody = {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1", "BIGQUERY__MAX_WAIT": "2"}
    assert "BigQuery: " in shop.refused(**nobody)


def test_a_column_that_went_stops_it(shop: Shop, server: StandIn) -> None:
    shop.extract()
    before = shop.rows()
    server.sql("ALTER TABLE shop.deliveries RENAME COLUMN weight_kg TO weight")
    assert (
        "bigquery: the columns changed: weight_kg is gone, and weight came: where it is the same"
        in shop.refused()
    )
    assert shop.rows() == before
