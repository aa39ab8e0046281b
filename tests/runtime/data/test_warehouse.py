"""The runtime's SQL is DuckDB's, and can be said in any warehouse's; rows get there as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
import sqlglot
from fourhats_runtime.data import Check
from fourhats_runtime.data.spark import SparkSQL
from fourhats_runtime.data.translation import Dialect, translate
from fourhats_runtime.data.warehouse import (
    columns,
    connect,
    frame,
    read_in,
    remote,
    scratch,
    values,
)
from fourhats_runtime.data.warehouse.bigquery_driver import BigQueryDriver
from fourhats_runtime.data.warehouse.postgres_driver import PostgresDriver
from fourhats_runtime.data.warehouse.snowflake_driver import SnowflakeDriver
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.pipeline import run_step, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourhats_runtime import Project
    from fourhats_runtime.data import Connection
    from fourhats_runtime.project import Warehouse

DIALECTS: list[type[BigQueryDriver | PostgresDriver | SnowflakeDriver | SparkSQL]] = [
    BigQueryDriver,
    PostgresDriver,
    SnowflakeDriver,
    SparkSQL,
]
ADDRESSES = ("WAREHOUSE_URL", "WAREHOUSE__PROJECT", "SNOWFLAKE_ACCOUNT")
EVERY_KIND = """
SELECT 7::UTINYINT AS "a b", 1.5::FLOAT AS real, 12.25::DECIMAL(9, 2) AS price, 9::HUGEINT AS huge,
    12::DECIMAL(12, 0) AS whole, 'O''Hara \\ "x"' AS name, TRUE AS yes, DATE '2026-01-02' AS day,
    TIMESTAMPTZ '2026-01-02 03:04:05+01' AS moment, [1, 2] AS list, NULL::VARCHAR AS nothing
"""


def elsewhere(project: Project, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project with a warehouse elsewhere, whose address is not set yet."""
    for name in ADDRESSES:
        monkeypatch.setenv(name, "")
    (project.folder / "config" / "warehouse.toml").write_text(
        '[warehouse]\nschema = "sample"\n'
        if warehouse != "bigquery"
        else '[warehouse]\ndataset = "sample"\n'
    )
    return replace(project, warehouse=warehouse)


def test_every_statement_of_the_line_can_be_said_everywhere(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def noted(query: str, into: Dialect, rows: Sequence[Sequence[object]] = ()) -> list[str]:
        said.append((query, rows))
        return translate(query, into, rows)

    monkeypatch.setattr(remote, "translate", noted)
    project = replace(
        elsewhere(fresh, "postgres", monkeypatch),
        checks=(Check("pays too much", "monthly_fee < 110 OR contract <> 'monthly'"),),
        transform="SELECT * FROM valid WHERE monthly_fee > 10;",
    )
    for step in steps(project):
        run_step(step, project)
    assert len(said) > 40
    for query, rows in said:
        for dialect in DIALECTS[:-1]:
            for statement in translate(query, dialect, rows):
                assert sqlglot.parse(statement, read=dialect.dialect), query


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_are_put_in_for_question_marks(dialect: Dialect) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 (the warehouse's are all in UTC)
    rows = [("O'Hara?", 1.5, moment), (None, 2, moment)]
    (statement,) = translate("INSERT INTO t VALUES (?, ?, ?)", dialect, rows)
    assert statement.count("2026-01-02 03:04:05") == 2
    assert "Hara?" in statement
    assert "(NULL, 2, " in statement


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_comment_behind_the_semicolon_is_no_statement(dialect: Dialect) -> None:
    (statement,) = translate("SELECT 1 AS x FROM raw; -- done", dialect)
    assert statement == translate("SELECT 1 AS x FROM raw", dialect)[0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_sql_is_refused_in_one_line(dialect: Dialect) -> None:
    with pytest.raises(ProjectError, match=dialect.dialect) as refused:
        translate("SELECT FROM WHERE (", dialect)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("warehouse", ["postgres", "bigquery", "snowflake"])
def test_until_its_address_is_set_a_file_stands_in(
    warehouse: Warehouse, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = elsewhere(fresh, warehouse, monkeypatch)
    with connect(project) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    assert (project.artifacts / "warehouse.duckdb").exists()
    with connect(project) as connection:
        assert columns(connection, "t") == {"x": "INTEGER"}


def test_a_file_that_is_no_database_is_named(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = elsewhere(fresh, "postgres", monkeypatch)
    project.artifacts.mkdir()
    (project.artifacts / "warehouse.duckdb").write_text("no database")
    for each in (fresh, project):
        with (
            connect(each) as connection,
            pytest.raises(DamagedError, match=r"warehouse\.duckdb is no DuckDB file"),
        ):
            columns(connection, "raw")


def test_every_kind_of_column_arrives_as_one_that_warehouses_know(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scratch(elsewhere(fresh, "postgres", monkeypatch)) as connection:
        read_in(connection, "kinds", lambda duck: duck.sql(EVERY_KIND))
        kinds = ["BIGINT", "DOUBLE", "DOUBLE", "DOUBLE", "BIGINT", "VARCHAR", "BOOLEAN", "DATE"]
        kinds += ["TIMESTAMP", "VARCHAR", "VARCHAR"]
        assert list(columns(connection, "kinds").values()) == kinds
        (row,) = connection.execute("SELECT * FROM kinds").fetchall()
    moment = datetime(2026, 1, 2, 2, 4, 5)  # noqa: DTZ001 (the warehouse's are all in UTC)
    expected = (7, 1.5, 12.25, 9.0, 12, 'O\'Hara \\ "x"', True, date(2026, 1, 2), moment)
    assert row == (*expected, "[1, 2]", None)


@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
def test_values_and_frames_are_the_same_wherever_they_come_from(
    warehouse: Warehouse, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = elsewhere(fresh, warehouse, monkeypatch)
    query = "SELECT x, nullif(x, 2) AS y, 'a' || x AS z FROM t WHERE x < ? ORDER BY x"
    expected = {"x": [1, 2], "y": [1, None], "z": ["a1", "a2"]}
    with scratch(project) as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS x FROM range(1, 9) AS r(i)")
        assert values(connection, query, [3]) == expected
        for dataframe in ("polars", "pandas"):
            taken = frame(replace(project, dataframe=dataframe), connection, query, [3])
            assert type(taken).__module__.startswith(dataframe)
            assert list(taken["x"]) == expected["x"]


def dropped_in_vain(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("DROP TABLE t")
        raise KeyboardInterrupt


@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
def test_what_fails_within_a_transaction_has_no_effect(
    warehouse: Warehouse, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scratch(elsewhere(fresh, warehouse, monkeypatch)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        with pytest.raises(KeyboardInterrupt):
            dropped_in_vain(connection)
        assert columns(connection, "t") == {"x": "INTEGER"}
        assert columns(connection, "u") == {}
