"""Sources by other names than their kinds', and functions of one's own that give rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fourhats_runtime.contract import Join
from fourhats_runtime.data import BigQuery, Files, MySQL, Postgres, RestApi, Rows, Snowflake
from fourhats_runtime.data.extraction import extract, glimpse
from fourhats_runtime.data.sources import sample
from fourhats_runtime.data.warehouse import connect, scratch
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pipeline import run_step

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fourhats_runtime import Project

MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
RECORDS: list[dict[str, object]] = [
    {"id": 1, "name": "Ada", "fee": 1.5, "at": MOMENT},
    {"id": 2, "name": None, "fee": 2},
]
EXPECTED = [(1, "Ada", 1.5, MOMENT.replace(tzinfo=None)), (2, None, 2.0, None)]


def one_by_one() -> Iterator[dict[str, object]]:
    yield from RECORDS


def loaded(
    project: Project, function: Callable[..., object]
) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Give the columns with their types, and the rows, of a source of one's own."""
    with duckdb.connect() as connection:
        Rows("own", function).load(connection, project, "rows", None)
        table = connection.table("rows")
        return dict(zip(table.columns, map(str, table.types), strict=True)), table.fetchall()


@pytest.mark.parametrize(
    "function",
    [
        lambda: RECORDS,
        one_by_one,
        lambda: pa.Table.from_pylist(RECORDS),
        lambda: pa.Table.from_pylist(RECORDS).to_reader(),
        lambda: pa.RecordBatch.from_pylist(RECORDS),
        lambda: pl.DataFrame(RECORDS),
        lambda: pd.DataFrame(RECORDS),
        lambda: pd.DataFrame([{}, *RECORDS]).iloc[1:].astype({"id": int}),
        lambda: duckdb.from_arrow(pa.Table.from_pylist(RECORDS)),
    ],
    ids=["list", "generator", "table", "reader", "batch", "polars", "pandas", "part", "duckdb"],
)
def test_rows_come_from_whatever_a_function_keeps_them_in(
    function: Callable[..., object], fresh: Project
) -> None:
    kinds, rows = loaded(fresh, function)
    assert kinds == {"id": "BIGINT", "name": "VARCHAR", "fee": "DOUBLE", "at": "TIMESTAMP"}
    assert rows == EXPECTED


def test_a_mapping_that_leaves_a_column_out_has_no_value_there(fresh: Project) -> None:
    kinds, rows = loaded(fresh, lambda: [{"a": 1}, {"b": "x", "never": None}, {}])
    assert rows == [(1, None, None), (None, "x", None), (None, None, None)]
    assert kinds == {"a": "BIGINT", "b": "VARCHAR", "never": "VARCHAR"}


def test_a_column_that_mixes_types_is_text(fresh: Project) -> None:
    mixed = [{"a": 1, "b": 2**70}, {"a": "x", "b": 1}, {"a": date(2026, 1, 2), "b": None}]
    assert loaded(fresh, lambda: mixed) == (
        {"a": "VARCHAR", "b": "VARCHAR"},
        [("1", str(2**70)), ("x", "1"), ("2026-01-02", None)],
    )


def test_numbers_that_are_exact_stay_so_and_categories_are_text(fresh: Project) -> None:
    frame = pd.DataFrame({"kind": pd.Categorical(["a", None])})
    assert loaded(fresh, lambda: frame) == ({"kind": "VARCHAR"}, [("a",), (None,)])
    _, rows = loaded(fresh, lambda: [{"price": Decimal("1.10")}])
    assert rows == [(Decimal("1.10"),)]


def test_a_function_may_ask_for_the_project(fresh: Project) -> None:
    def named(project: Project) -> list[dict[str, str]]:
        return [{"name": project.name}]

    def by_default(prefix: str = "x", *, upper: bool = False) -> list[dict[str, str]]:
        return [{"name": prefix.upper() if upper else prefix}]

    assert loaded(fresh, named)[1] == [(fresh.name,)]
    assert loaded(fresh, by_default)[1] == [("x",)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "it has no rows"),
        (pl.DataFrame({"a": []}), "it has no rows"),
        (None, "of the type NoneType"),
        ("rows", "of the type str"),
        ({"a": 1}, "of the type dict"),
        ([1], "row 1 is of the type int"),
        ([{"a": 1}, {2: 1}], "a column is called 2"),
        ([{"a": 1, "A": 2}], "more than one column a"),
    ],
)
def test_what_is_no_table_is_refused_by_the_sources_name(
    given: object, words: str, fresh: Project
) -> None:
    with pytest.raises(ProjectError, match=r"^own: what its function gives: ") as refused:
        loaded(fresh, lambda: given)
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_goes_wrong_in_the_function_itself_is_not_hidden(fresh: Project) -> None:
    def failing() -> list[dict[str, object]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loaded(fresh, failing)


def test_the_line_runs_on_rows_of_ones_own(fresh: Project) -> None:
    rows = sample.make(fresh.contract, rows=300)
    project = replace(fresh, sources=(Rows("own", lambda: rows),))
    assert run_step("extract", project).words == "from own"
    assert run_step("validate", project).rows_in == 300
    assert run_step("transform", project).rows_out > 280


def test_several_sources_of_a_kind_have_tables_of_their_own(fresh: Project, tmp_path: Path) -> None:
    (tmp_path / "north.csv").write_text("id,fee\n1,2\n2,3\n")
    (tmp_path / "south.csv").write_text("id,fee\n3,4\n")
    (tmp_path / "calls.csv").write_text("id,calls\n1,7\n3,9\n")
    named = [Files(name) for name in ("north", "south", "calls")]
    for source in named:
        fresh = with_table(fresh, source.name, path=str(tmp_path / f"{source.name}.csv"))
    project = replace(fresh, sources=named)
    joins = (Join(source="calls", on=("id",)),)
    contract = project.contract.model_copy(update={"joins": joins})
    with scratch(project) as connection:
        assert extract(connection, contract, project, whole=False)[0] == ["north", "south", "calls"]
        rows = connection.execute("SELECT * FROM raw ORDER BY ALL").fetchall()
        assert connection.execute("FROM raw_calls").fetchall() == [("1", "7"), ("3", "9")]
    assert rows == [
        ("north", 1, "1", "2", "7"),
        ("north", 2, "2", "3", None),
        ("south", 3, "3", "4", "9"),
    ]
    with glimpse(joins, project) as (seen, _):
        assert seen.columns == ["id", "fee", "calls"]


def test_a_source_names_its_own_table_where_it_cannot_be_read(fresh: Project) -> None:
    with pytest.raises(ProjectError, match=r"setting orders\.path: Field required"):
        Files("orders").configured(fresh)
    project = with_table(fresh, "orders", path="nowhere.csv")
    with pytest.raises(ProjectError, match=r"orders\.path in config/sources\.toml"):
        run_step("extract", replace(project, sources=(Files("orders"),)))


@pytest.mark.parametrize(
    ("source", "variable"),
    [
        (Postgres(), "POSTGRES_URL"),
        (Postgres("orders"), "ORDERS_URL"),
        (MySQL("orders"), "ORDERS_URL"),
        (Snowflake(), "SNOWFLAKE_ACCOUNT"),
        (Snowflake("orders"), "ORDERS_ACCOUNT"),
    ],
)
def test_secrets_are_called_by_the_sources_name(
    source: Postgres | MySQL | Snowflake,
    variable: str,
    fresh: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("POSTGRES_URL", "MYSQL_URL", "SNOWFLAKE_ACCOUNT", "ORDERS_URL", "ORDERS_ACCOUNT"):
        monkeypatch.setenv(name, "")
    assert not source.configured(fresh)
    monkeypatch.setenv(variable, "postgresql://ada:secret@127.0.0.1:1/none")
    assert source.configured(fresh)


def test_a_secret_that_is_missing_is_named(fresh: Project) -> None:
    project = with_table(
        fresh, "crm", **dict.fromkeys(("url", "token_url"), "http://127.0.0.1:1/"), auth="oauth2"
    )
    with duckdb.connect() as connection, pytest.raises(ProjectError, match="CRM_CLIENT_ID is not"):
        RestApi("crm").load(connection, project, "rows", None)


def test_a_database_that_does_not_answer_is_told_without_its_password(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_URL", "postgresql://ada:secret@127.0.0.1:1/none")
    project = with_table(fresh, "orders", query="SELECT 1 AS id")
    with duckdb.connect() as connection, pytest.raises(ProjectError) as refused:
        Postgres("orders").load(connection, project, "rows", None)
    assert "(orders.query, ORDERS_URL)" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_key_file_of_one_project_is_not_the_next_ones(
    fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    monkeypatch.delenv(name, raising=False)
    (fresh.folder / ".env").write_text(f"{name}={tmp_path / 'nowhere.json'}\n")
    project = with_table(fresh, "bigquery", project="acme", query="SELECT 1 AS id", max_wait=1)
    with duckdb.connect() as connection, pytest.raises(ProjectError, match=r"nowhere\.json"):
        BigQuery().load(connection, project, "rows", None)
    (fresh.folder / ".env").unlink()
    assert fresh.at(fresh.folder).settings.variable(name) == ""


def test_two_projects_live_in_one_process(fresh: Project, tmp_path: Path) -> None:
    other = fresh.at(tmp_path / "other")
    (fresh.folder / "config").rename(tmp_path / "config")
    for project, rows in ((fresh, 100), (other, 200)):
        (project.root or tmp_path).mkdir(exist_ok=True)
        copy = (project.root or tmp_path) / "config"
        copy.mkdir()
        for file in (tmp_path / "config").iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        path = tmp_path / f"{rows}.parquet"
        duckdb.from_arrow(sample.make(fresh.contract, rows=rows)).write_parquet(str(path))
        with_table(project, "files", path=str(path))
    both = [replace(project, sources=(Files(),)) for project in (fresh, other)]
    for step in ("extract", "validate", "transform"):
        assert [run_step(step, project).rows_in for project in both] == [100, 200]
    with connect(both[0]) as one, connect(both[1]) as two:
        found = [c.execute("SELECT max(_row) FROM raw").fetchall() for c in (one, two)]
    assert found == [[(100,)], [(200,)]]
