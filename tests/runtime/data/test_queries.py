"""The SQL in sql/ comes between the sources and the contract, whatever it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data.joins import put_together
from fourhats_runtime.data.landing import land
from fourhats_runtime.data.masking import Mask
from fourhats_runtime.data.queries import shape
from fourhats_runtime.data.sources import Loaded
from fourhats_runtime.data.warehouse import Connection, connect, scratch
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    from fourhats_runtime import Project
    from fourhats_runtime.contract import Contract

ORDERS = "SELECT * FROM (VALUES (2, 5.0), (1, 7.0), (2, 1.0)) AS orders(customer, amount)"
SUMS = "SELECT customer, sum(amount) AS total FROM raw_shop GROUP BY ALL; -- a customer, a row\n"


@pytest.fixture
def shop(fresh: Project) -> Iterator[Connection]:
    """Give a warehouse in which one source has its rows."""

    def load(duck: duckdb.DuckDBPyConnection) -> Loaded:
        duck.execute(f"CREATE TABLE raw_shop AS {ORDERS}")
        return Loaded()

    with scratch(fresh) as connection:
        land(connection, fresh, Mask.nothing(), "raw_shop", load)
        put_together(connection, (), ["shop"])
        yield connection


@pytest.fixture
def known(fresh: Project) -> Contract:
    """Give the contract."""
    return fresh.contract


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of the queries."""
    folder = tmp_path / "sql"
    folder.mkdir()
    return folder


def write(folder: Path, **queries: str) -> Path:
    for name, query in queries.items():
        (folder / f"{name}.sql").write_text(query, encoding="utf-8")
    return folder


def marked(contract: Contract, source: str) -> Contract:
    """Mark a column as personal data."""
    personal = contract.columns[0].model_copy(
        update={"source": source, "role": "ignore", "pii": True}
    )
    return contract.model_copy(update={"columns": (*contract.columns, personal)})


def test_the_last_files_rows_take_the_place_of_raw(
    shop: Connection, known: Contract, folder: Path
) -> None:
    last = "SELECT *, total > 6 AS large FROM sums WHERE customer IN (SELECT customer FROM raw)"
    write(folder, **{"10_sums": SUMS, "20-customers": last})
    for _ in range(2):
        put_together(shop, (), ["shop"])
        said = shape(shop, known, folder)
        assert said == ["sql/10_sums.sql: 2 rows", "sql/20-customers.sql: 2 rows"]
        rows = shop.execute("FROM raw").fetchall()
        assert rows == [("sql", 1, 1, 7.0, True), ("sql", 2, 2, 6.0, False)]
        assert shop.execute("FROM raw_origins").fetchall() == [
            (0, "customer", "sql"),
            (1, "total", "sql"),
            (2, "large", "sql"),
        ]
        tables = {table for (table,) in shop.execute("SHOW TABLES").fetchall()}
        assert tables == {"raw", "raw_origins", "raw_shop", "raw_sql"}


def test_rows_of_raw_get_new_numbers(shop: Connection, known: Contract, folder: Path) -> None:
    shape(shop, known, write(folder, twice="FROM raw UNION ALL FROM raw"))
    rows = shop.execute("SELECT _source, _row FROM raw").fetchall()
    assert rows == [("sql", number) for number in range(1, 7)]


def test_without_a_file_raw_stays_as_it_is(shop: Connection, known: Contract, folder: Path) -> None:
    shape(shop, known, write(folder, orders="FROM raw_shop"))
    (folder / "orders.sql").unlink()
    put_together(shop, (), ["shop"])
    before = shop.execute("FROM raw").fetchall()
    assert shape(shop, known, folder) == []
    assert shape(shop, known, folder / "not there") == []
    assert shop.execute("FROM raw").fetchall() == before
    assert ("raw_sql",) not in shop.execute("SHOW TABLES").fetchall()


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("10_orders", "SELECT nope FROM raw", 'column "nope" not found'),
        ("10_orders", "SELECT\nFROM WHERE", "LINE 2: FROM WHERE"),
        ("10_orders", "SELECT 1; SELECT 2", "one query"),
        ("10_orders", "DELETE FROM raw_shop", "one query"),
        ("10_orders", "", "one query"),
        ("10_raw_orders", "SELECT 1", "of the project's own"),
        ("10", "SELECT 1", "name it like"),
        ("10_Orders a month", "SELECT 1", "name it like"),
    ],
)
def test_what_is_no_query_is_refused(
    name: str, query: str, words: str, shop: Connection, folder: Path
) -> None:
    write(folder, **{name: query})
    with pytest.raises(ProjectError, match=words) as caught:
        shape(shop, None, folder)
    assert f"/{name}.sql: " in str(caught.value)


def test_no_table_of_the_project_is_hidden(shop: Connection, ran: Project, folder: Path) -> None:
    with connect(ran) as connection:
        tables = [table for (table,) in connection.execute("SHOW TABLES").fetchall()]
    assert {"clean", "raw", "raw_sample", "runs"} <= set(tables)
    for table in tables:
        file = folder / f"10_{table}.sql"
        file.write_text("SELECT 1", encoding="utf-8")
        with pytest.raises(ProjectError, match="of the project's own"):
            shape(shop, None, folder)
        file.unlink()


def test_personal_data_keeps_its_name(shop: Connection, known: Contract, folder: Path) -> None:
    write(folder, orders="SELECT customer AS person, amount FROM raw")
    shape(shop, marked(known, "customer"), folder)
    put_together(shop, (), ["shop"])
    with pytest.raises(ProjectError, match="'person', which"):
        shape(shop, marked(known, "PERSON"), folder)
