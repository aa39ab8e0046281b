"""`fourhats new --client-data URL`: from a client's database to a prediction, no edit by hand."""

from __future__ import annotations

import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.services.availability import unavailable
from tests.services.generator import fourhats
from tests.services.mariadb import PASSWORD, Mariadb, MariadbMissingError, mariadb_server
from tests.services.postgres import PostgresMissingError, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 900
SHORT = {"TRAINING__TRIALS": "2"}
# Late is what has many lines, or comes from far; a few orders are still open.
SHOP = """
CREATE TABLE orders (
    id integer PRIMARY KEY, ordered_on date, country varchar(20), freight numeric(8, 2),
    shipment varchar(10)
);
CREATE TABLE order_lines (order_id integer, product integer, quantity integer);
INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
SELECT i, DATE '2025-01-01',
    CASE i % 3 WHEN 0 THEN 'Brazil' WHEN 1 THEN 'France' ELSE 'Italy' END,
    i % 89 + 0.25,
    CASE WHEN i % 50 = 0 THEN NULL WHEN i % 3 = 0 AND i % 7 < 4 OR i % 7 = 6 THEN 'late'
        ELSE 'in time' END
FROM n;
INSERT INTO order_lines SELECT id, 1, id % 7 + 1 FROM orders;
INSERT INTO order_lines SELECT id, 2, id % 5 FROM orders WHERE id % 7 > 2;
"""
QUERY = """
SELECT orders.id, ordered_on, country, freight, count(*) AS n_lines, sum(quantity) AS quantity,
    max(CASE WHEN product = 1 THEN quantity END) AS main_quantity, shipment
FROM orders JOIN order_lines ON orders.id = order_lines.order_id
GROUP BY orders.id, ordered_on, country, freight, shipment ORDER BY orders.id
""".strip()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    try:
        with postgres_server() as url:
            psql = str(server_binaries() / "psql")
            command = [psql, "--quiet", "--set", "ON_ERROR_STOP=1", url, "--command", SHOP]
            subprocess.run(command, check=True)
            yield url.replace("postgres@", "postgres:geh'eim@")
    except PostgresMissingError as error:
        unavailable(error)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Mariadb]:
    try:
        with mariadb_server() as server:
            server.sql(SHOP)
            yield server
    except MariadbMissingError as error:
        unavailable(error)


def test_a_query_becomes_a_project_that_answers(database: str, tmp_path: Path) -> None:
    said = fourhats(
        *(tmp_path, "new", "acme", "--defaults", "--client-data", database, "--query", QUERY),
        *("--target", "shipment", "--run"),
        env=SHORT,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{ROWS:>9,} in {ROWS:>9,} out" in said.stdout
    assert "One prediction, asked over HTTP" in said.stdout
    project = tmp_path / "acme"
    sources = tomllib.loads((project / "config" / "sources.toml").read_text(encoding="utf-8"))
    assert sources["postgres"]["query"] == QUERY
    secret = project / ".env"
    assert secret.stat().st_mode & 0o777 == 0o600
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.split()
    assert ".env" not in tracked
    told = said.stdout + said.stderr
    for text in (told, *((project / name).read_text(encoding="utf-8") for name in tracked)):
        assert "eim@" not in text


def test_a_table_of_mariadb_is_profiled_and_set_up(mariadb: Mariadb, tmp_path: Path) -> None:
    words = ("--client-data", mariadb.url, "--table", "orders", "--target", "shipment")
    said = fourhats(tmp_path, "new", "acme", "--defaults", *words, env=SHORT)
    assert said.returncode == 0, said.stderr
    assert f"Contract inferred from orders: {ROWS} rows, 5 columns" in said.stdout
    project = tmp_path / "acme"
    sources = tomllib.loads((project / "config" / "sources.toml").read_text(encoding="utf-8"))
    assert sources["mysql"]["query"] == "SELECT * FROM orders"
    assert (project / ".env").read_text(encoding="utf-8") == f"MYSQL_URL='{mariadb.url}'\n"
    roles = tomllib.loads((project / "config" / "contract.toml").read_text(encoding="utf-8"))
    assert [column["role"] for column in roles["columns"]][0::4] == ["id", "target"]


@pytest.mark.parametrize(
    ("change", "table", "words"),
    [
        ((PASSWORD, "wr0ng-one"), "orders", "MySQL: Access denied for user 'reader'"),
        (("", ""), "odrers", "odrers' doesn't exist"),
        (("", ""), "order_lines`; DROP TABLE orders; --", "doesn't exist"),
    ],
)
def test_what_the_server_refuses_is_said_without_the_password(
    mariadb: Mariadb, tmp_path: Path, change: tuple[str, str], table: str, words: str
) -> None:
    url = mariadb.url.replace(*change) if change[0] else mariadb.url
    typed = ("--client-data", url, "--table", table, "--target", "shipment")
    said = fourhats(tmp_path, "new", "acme", "--defaults", *typed, env=SHORT)
    assert said.returncode == 2
    assert words in said.stderr
    assert said.stderr.strip().splitlines()[-1].startswith("fourhats: ")
    assert not {PASSWORD, "wr0ng-one"} & set(
        said.stderr.replace("@", " ").replace(":", " ").split()
    )
    assert list(tmp_path.iterdir()) == []
