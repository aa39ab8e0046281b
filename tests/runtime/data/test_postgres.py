"""PostgreSQL, a real server: as a source, and as the warehouse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import adbc_driver_postgresql.dbapi
import duckdb
import pytest
from fourhats_runtime.data import Check, Loaded, Postgres, Rows
from fourhats_runtime.data.postgres_errors import reason
from fourhats_runtime.data.sources import sample
from fourhats_runtime.data.warehouse import columns, connect, count, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pipeline import run_step

from tests.runtime.data.tables import with_table
from tests.services.postgres import postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

SHOP = Postgres("shop")
ORDERS = """
CREATE TABLE orders AS
SELECT i AS id, 'city ' || i % 3 AS city, i / 4.0 AS price,
    timestamp '2026-01-01' + i * interval '1 d' AS changed_at
FROM generate_series(1, 9) AS i
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give the address of a server with orders in it."""
    with postgres_server() as url:
        run(url, ORDERS)
        yield url


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement there."""
    with (
        adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def load(
    project: Project, bookmark: str | None = None, **settings: str
) -> tuple[Loaded, list[tuple[Any, ...]]]:
    """Read by a query; gives what is said, and the rows."""
    with duckdb.connect() as connection:
        loaded = SHOP.load(connection, with_table(project, "shop", **settings), "rows", bookmark)
        return loaded, connection.execute("FROM rows").fetchall()


@pytest.fixture
def shop(server: str, fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project that may read the server."""
    monkeypatch.setenv("SHOP_URL", server)
    return fresh


def test_a_query_is_read_in_its_order(shop: Project) -> None:
    loaded, rows = load(shop, query="SELECT id, city FROM orders ORDER BY id DESC; ")
    assert loaded == Loaded()
    assert rows == [(n, f"city {n % 3}") for n in range(9, 0, -1)]


def test_only_what_is_not_before_the_bookmark_is_read(shop: Project) -> None:
    settings = {"query": "SELECT * FROM orders -- all of them", "cursor": "changed_at"}
    first, rows = load(shop, **settings)
    assert len(rows) == 9
    assert first == Loaded("2026-01-10 00:00:00", whole=True)


def test_rows_at_the_bookmark_or_without_one_come_again(shop: Project) -> None:
    query = "SELECT id, nullif(changed_at, '2026-01-03') AS changed_at FROM orders ORDER BY id"
    again, rows = load(shop, "2026-01-09 00:00:00", query=query, cursor="changed_at")
    assert not again.whole
    assert [row[0] for row in rows] == [2, 8, 9]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT FROM WHERE", "syntax error"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_words(
    query: str, words: str, shop: Project
) -> None:
    with pytest.raises(ProjectError, match=r"^PostgreSQL: .*\(shop\.query, SHOP_URL\)$") as refused:
        load(shop, query=query)
    assert words in str(refused.value)


def test_a_cursor_that_is_no_column_is_refused(shop: Project) -> None:
    with pytest.raises(ProjectError, match="no column nope, which `cursor` names"):
        load(shop, query="SELECT * FROM orders", cursor="nope")


def test_without_an_address_it_is_not_read(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "")
    with pytest.raises(ProjectError, match="SHOP_URL is not set"):
        load(fresh, query="SELECT 1")


@pytest.mark.parametrize(
    ("error", "url", "words"),
    [
        ("x\nERROR: no\nHINT: y", "", "no"),
        ("could not: FATAL:  the role is gone\n", "", "the role is gone"),
        ("of s3cr%40t or s3cr@t", "postgresql://ada:s3cr%40t@host/db", "of … or …"),
        ("of postgresql://[: bad", "postgresql://[", "of …: bad"),
        ('invalid percent-encoded token: "s3"', "", "the address cannot be read"),
        ("", "", ""),
    ],
)
def test_an_error_is_one_line_without_a_secret(error: str, url: str, words: str) -> None:
    assert reason(OSError(error), url or "postgresql://host").startswith(words)


@pytest.fixture
def there(server: str, fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Give a project whose warehouse is the server."""
    monkeypatch.setenv("WAREHOUSE_URL", server)
    yield replace(with_table(fresh, "warehouse", schema="sample"), warehouse="postgres")
    run(server, "DROP SCHEMA IF EXISTS sample CASCADE")


def test_the_steps_give_there_what_they_give_here(there: Project) -> None:
    rows = sample.make(there.contract, rows=400)
    project = replace(
        there,
        sources=(Rows("own", lambda: rows),),
        checks=(Check("pays too much", "monthly_fee < 110 OR contract <> 'monthly'"),),
        transform="SELECT * FROM valid WHERE monthly_fee > 20; -- no tests",
    )
    found = []
    for each in (project, replace(project, warehouse="duckdb")):
        violations = [
            run_step(step, each).facts.get("violations")
            for step in ("extract", "validate", "transform")
        ]
        with connect(each) as connection:
            clean = values(connection, "SELECT * FROM clean ORDER BY _source, _row")
            aside = values(connection, "SELECT _row, reasons FROM quarantine ORDER BY _row")
        found.append((violations, clean, aside))
    assert found[0] == found[1]
    assert 200 < len(found[0][1]["_row"]) < 400


def test_types_are_told_as_duckdb_calls_them(there: Project) -> None:
    with connect(there) as connection:
        connection.execute("CREATE TABLE runs (x BIGINT)")
        connection.execute(
            "CREATE TABLE kinds AS SELECT CAST(1 AS SMALLINT) AS a, 1.5 AS b, 'x' AS c, TRUE AS d, "
            "DATE '2026-01-02' AS e, CAST('2026-01-02' AS TIMESTAMP) AS f, CAST(2 AS DOUBLE) AS g"
        )
        kinds = columns(connection, "kinds")
        assert list(kinds.values())[:2] == ["SMALLINT", "DECIMAL(38,9)"]
        assert list(kinds.values())[2:] == ["VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "DOUBLE"]
        (row,) = connection.execute("SELECT * FROM kinds").fetchall()
        moment = datetime(2026, 1, 2)  # noqa: DTZ001 (the warehouse's are all in UTC)
        assert row == (1, 1.5, "x", True, date(2026, 1, 2), moment, 2.0)
        assert columns(connection, "nowhere") == {}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("TRY_CAST('1x' AS BIGINT)", None),
        ("TRY_CAST('12' AS BIGINT)", 12),
        ("TRY_CAST('2026-13-01' AS TIMESTAMP)", None),
        ("isnan(CAST('NaN' AS DOUBLE))", True),
        ("isnan(CAST(1 AS DOUBLE))", False),
        ("any_value(x)", 7),
    ],
)
def test_what_it_lacks_is_said_in_other_words(sql: str, expected: object, there: Project) -> None:
    with connect(there) as connection:
        query = f"SELECT {sql} AS y FROM (SELECT 7 AS x) AS t"
        assert connection.execute(query).fetchall() == [(expected,)]
        grouped = "SELECT x, count(*) AS n FROM (SELECT 7 AS x) AS t GROUP BY ALL"
        assert connection.execute(grouped).fetchall() == [(7, 1)]


def test_a_table_is_replaced_as_a_whole_or_not_at_all(there: Project) -> None:
    with connect(there) as connection:
        for rows in (3, 2):
            connection.load("runs", connection.reader.sql(f"SELECT i FROM range({rows}) AS t(i)"))
            assert count(connection, "runs") == rows
        connection.execute("CREATE OR REPLACE VIEW seen AS SELECT * FROM runs")
        connection.execute("CREATE OR REPLACE TABLE runs AS SELECT 1 AS i")
        assert columns(connection, "seen") == {}
        with pytest.raises(ProjectError, match="takes no column called 'ctid'"):
            connection.load("runs", connection.reader.sql("SELECT 1 AS ctid"))
        long = "ü" * 32
        with pytest.raises(ProjectError, match="or over 63 bytes"):
            connection.load("runs", connection.reader.sql(f"SELECT 1 AS {long}"))
        assert count(connection, "runs") == 1


def test_a_schema_that_is_somebody_elses_is_refused(there: Project, server: str) -> None:
    run(server, "CREATE SCHEMA sample")
    run(server, "CREATE TABLE sample.theirs AS SELECT 1 AS x")
    with pytest.raises(ProjectError, match="tables that are not this project's"), connect(there):
        pass


def test_a_server_that_does_not_let_in_is_named_without_the_password(
    there: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://ada:s3cret@127.0.0.1:1/none")
    with pytest.raises(ProjectError, match=r"^PostgreSQL, the warehouse") as failed, connect(there):
        pass
    assert "s3cret" not in str(failed.value)
