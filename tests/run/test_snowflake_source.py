"""Rows from fakesnow, a stand-in for Snowflake: whole, only what is new, in their types."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.services.cloud_warehouses import (
    ACCOUNT,
    PASSWORD,
    USER,
    StandIn,
    new_key,
    snowflake_server,
    snowflake_sql,
)
from tests.services.rendered import Project, command
from tests.services.sources import Shop, delivery_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 600
TABLE = """
CREATE OR REPLACE TABLE deliveries (
    order_no VARCHAR, ordered_at TIMESTAMP_NTZ, distance_km NUMBER(9, 3), weight_kg FLOAT,
    weather VARCHAR, express BOOLEAN, hours NUMBER(9, 2), changed_at TIMESTAMP_LTZ
)
"""
LATER = """
INSERT INTO deliveries
SELECT 'B' || order_no, ordered_at, distance_km, weight_kg, weather, express, hours,
    '2026-06-02 00:00:00+00:00'::TIMESTAMP_LTZ
FROM deliveries ORDER BY order_no LIMIT 200
"""
KINDS = [
    """
    CREATE OR REPLACE TABLE kinds (
        id NUMBER(38, 0), small NUMBER(4, 0), exact NUMBER(20, 4), share FLOAT, yes BOOLEAN,
        day DATE, moment TIMESTAMP_NTZ, zoned TIMESTAMP_TZ, "local" TIMESTAMP_LTZ, clock TIME,
        name VARCHAR, facts VARIANT
    )
    """,
    """
    INSERT INTO kinds SELECT
        9007199254740993, 7, 1234567890123456.7891, 0.1, TRUE,
        '2026-02-03'::DATE, '2300-02-03 04:05:06.789012'::TIMESTAMP_NTZ,
        '2026-02-03 04:05:06+02:00'::TIMESTAMP_TZ, '2026-02-03 04:05:06+02:00'::TIMESTAMP_LTZ,
        '12:34:56'::TIME, 'Zoë 🎩', PARSE_JSON('{"a": 1}')
    """,
    "INSERT INTO kinds (id) VALUES (2)",
]


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with snowflake_server() as server:
        yield server


@pytest.fixture(scope="module")
def made(cloud_project: Project) -> Path:
    return delivery_table(cloud_project, ROWS, capitals=True)


@pytest.fixture
def shop(cloud_project: Project, made: Path, server: StandIn) -> Shop:
    """A database with the first rows, and a warehouse in which nothing is yet."""
    with made.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = (
        ", ".join("NULL" if value == "" else f"'{value}'" for value in row)
        + ", '2026-06-01 00:00:00+00:00'"
        for row in rows
    )
    inserts = f"INSERT INTO deliveries VALUES ({'), ('.join(values)})"  # noqa: S608 - our own
    snowflake_sql(server, [TABLE, inserts])
    settings = {
        "SNOWFLAKE_ACCOUNT": ACCOUNT,
        "SNOWFLAKE_URL": server.url,
        "SNOWFLAKE_USER": USER,
        "SNOWFLAKE_PASSWORD": PASSWORD,
        "SNOWFLAKE__DATABASE": "shop",
        "SNOWFLAKE__SCHEMA": "public",
        "TRAINING__TRIALS": "2",
    }
    shop = Shop(cloud_project, "raw_snowflake", settings, (PASSWORD, server.token))
    shop.forget()
    return shop


def test_the_line_learns_from_every_row(shop: Shop) -> None:
    infer = ("contract", "infer", "--target", "HOURS", "--force")
    command(shop.project, *infer, env=shop.settings)
    done = command(shop.project, "run", "--json", env=shop.settings)
    result = json.loads(done.stdout)
    assert result["validate"]["rows_out"] == ROWS
    assert result["evaluate"]["metrics"]["r2"] > 0.8


def test_only_what_is_new_is_read_and_twice_adds_nothing(shop: Shop, server: StandIn) -> None:
    shop.settings["SNOWFLAKE__CURSOR"] = "changed_at"
    shop.extract()
    assert len(shop.rows()) == ROWS
    change = "UPDATE deliveries SET weather = 'hail', changed_at = '2000-01-01 00:00:00+00:00'"
    late = "INSERT INTO deliveries (order_no, weather) VALUES ('late', 'dry')"
    snowflake_sql(server, [change, LATER, late])
    for _ in range(2):
        shop.extract()
        assert len(shop.rows()) == ROWS + 201
    old = f"FROM {shop.raw} WHERE weather = 'hail' AND ORDER_NO NOT LIKE 'B%'"
    assert shop.rows(old) == []
    assert server.sent()[-1] == (
        'SELECT * FROM (SELECT * FROM deliveries\n) AS source_rows WHERE "CHANGED_AT" >= '
        "'2026-06-02 00:00:00' OR \"CHANGED_AT\" IS NULL"
    )
    shop.extract("--whole")
    assert len(shop.rows(old)) == ROWS


def test_a_query_is_taken_as_it_is_and_a_cursor_as_it_is_spelled(
    shop: Shop, server: StandIn
) -> None:
    shop.settings["SNOWFLAKE__CURSOR"] = "number"
    shop.settings["SNOWFLAKE__QUERY"] = (
        "WITH few AS (SELECT * FROM deliveries) "
        'SELECT *, 9007199254740993 AS "Number" FROM few -- all of them'
    )
    for _ in range(2):
        shop.extract()
        assert len(shop.rows()) == ROWS
    assert "\n) AS source_rows WHERE \"Number\" >= '9007199254740993'" in server.sent()[-1]


def test_every_type_comes_as_what_it_is(shop: Shop, server: StandIn) -> None:
    snowflake_sql(server, KINDS)
    shop.settings["SNOWFLAKE__QUERY"] = "SELECT * FROM kinds ORDER BY id DESC"
    shop.extract()
    types = shop.types()
    full, empty = shop.rows()
    assert full == (
        "9007199254740993",
        "7",
        "1234567890123456.7891",
        "0.1",
        "true",
        "2026-02-03",
        "2300-02-03 04:05:06.789012",
        "2026-02-03 02:05:06",
        "2026-02-03 02:05:06",
        "12:34:56",
        "Zoë 🎩",
        '{"a":1}',
    )
    assert [value for value in empty if value is not None] == ["2"]
    assert types == {
        "ID": "DECIMAL(38,0)",
        "SMALL": "BIGINT",
        "EXACT": "DECIMAL(20,4)",
        "SHARE": "DOUBLE",
        "YES": "BOOLEAN",
        "DAY": "DATE",
        "MOMENT": "TIMESTAMP",
        "ZONED": "TIMESTAMP",
        "local": "TIMESTAMP",
        "CLOCK": "TIME",
        "NAME": "VARCHAR",
        "FACTS": "VARCHAR",
    }
    shop.extract(SNOWFLAKE__QUERY="SELECT * FROM kinds WHERE id = 7 -- none has it")
    assert shop.rows() == []
    assert shop.types() == types


def test_a_column_that_went_stops_it(shop: Shop, server: StandIn) -> None:
    shop.extract()
    before = shop.rows()
    snowflake_sql(server, ["ALTER TABLE deliveries RENAME COLUMN weight_kg TO weight"])
    assert "snowflake: the columns changed: WEIGHT_KG is gone" in shop.refused()
    assert shop.rows() == before


def test_a_key_a_token_or_a_password_lets_in_and_nothing_else(
    shop: Shop, server: StandIn, tmp_path: Path
) -> None:
    key = {"SNOWFLAKE_PRIVATE_KEY_FILE": str(server.key), "SNOWFLAKE_PASSWORD": ""}
    token = {"SNOWFLAKE_TOKEN": server.token, "SNOWFLAKE_PASSWORD": ""}
    for secret in (key, token):
        shop.forget()
        shop.extract(**secret)
        assert len(shop.rows()) == ROWS
    other = {"SNOWFLAKE_PRIVATE_KEY_FILE": str(new_key(tmp_path / "other.pem"))}
    for wrong in ({"SNOWFLAKE_PASSWORD": "wr0ng-w0rd"}, token | {"SNOWFLAKE_TOKEN": "no"}, other):
        said = shop.refused(**wrong)
        assert "Incorrect username or password" in said
        assert "wr0ng-w0rd" not in said
    assert "SNOWFLAKE_TOKEN or" in shop.refused(SNOWFLAKE_PASSWORD="")
    assert "private key" in shop.refused(SNOWFLAKE_PRIVATE_KEY_FILE="no/such.pem")


def test_what_is_refused_is_told_in_one_line(shop: Shop) -> None:
    assert "NO_SUCH" in shop.refused(SNOWFLAKE__QUERY="SELECT * FROM no_such")
    shop.refused(SNOWFLAKE__QUERY="SELECT FROM\nWHERE")
    twice = 'SELECT order_no, order_no AS "order_no" FROM deliveries'
    assert "more than one column" in shop.refused(SNOWFLAKE__QUERY=twice)
    assert "no column no_such" in shop.refused(SNOWFLAKE__CURSOR="no_such")
    for url in ("http://example.com", "ftp://127.0.0.1", "acme"):
        assert "SNOWFLAKE_URL is no address" in shop.refused(SNOWFLAKE_URL=url)
