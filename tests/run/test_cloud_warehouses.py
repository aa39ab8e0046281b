"""The tables in BigQuery and in Snowflake: by the drivers alone, then the whole line."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.services import messy
from tests.services.cloud_warehouses import (
    ACCOUNT,
    GOOGLE_PROJECT,
    PASSWORD,
    USER,
    StandIn,
    bigquery_server,
    key_file,
    new_key,
    snowflake_server,
)
from tests.services.draw import drawn
from tests.services.rendered import ROOT, Project, command, project_env
from tests.services.sources import delivery_project, delivery_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS, OPEN_ROWS = 600, 60
TEXTS = ["", "it's", 'a "q"', "back\\slash", "\\N", "\\n", "new\nline", "\r\n", "Zoë 🎩", "NULL"]
TEXTS += ["`tick`", "%s {x} $1 ?", " both sides ", "long" * 2000]
INTEGERS = [0, -1, 2**63 - 1, 1 - 2**63, 17]
NUMBERS = [0.1, -1e300, 1e-300, 1e17, 2 / 3]
# Rows as people type them: what is a number, a time or a truth is for every engine to judge alike.
TYPED = """\
W1,2026/02/03 04:05:06,1e2,.5,dry,yes,+7
W2,2026-02-03T04:05:06,12.,1.0,snow,NO,8.
W3,2026-2-3,100,0x1F,rain,t,9
W4,2026-13-01 00:00:00,100,1,dry,f,9
W5,yesterday,100,1,dry,1,9
W6,2026-02-03 04:05:06.789,1_000,1,dry,0,9
W7,2026-02-03 04:05:06,-1,1,hail,true,9
W8,2026-02-03 04:05:06,"1,5",nan,"say ""dry"", he",maybe,inf
 W9 ,2026-02-03 04:05:06, 12 ,NA,it's \\N,true,9
W11,2026-02-03 04:05:06,100,1,\tdry,true,9
,2026-02-03 04:05:06,100,1,Zoë 🎩,true,
"W
10",2026-02-03,+1.5E+2,2e-3,dry,true,9
"""
TYPES = {
    "n": "BIGINT",
    "x": "DOUBLE",
    "s": "VARCHAR",
    "b": "BOOLEAN",
    "t": "TIMESTAMP",
    "d": "DATE",
    "row no": "BIGINT",
    "nothing": "VARCHAR",
}


@dataclass(frozen=True)
class Cloud:
    """A project that keeps its tables elsewhere, and what its surroundings say."""

    project: Project
    kind: str
    settings: dict[str, str]
    wrong: dict[str, str]
    """Settings that nobody is let in with."""
    secret: str

    def drive(self, *steps: Sequence[str], **settings: str) -> list[Any]:
        """Have the driver do these steps; gives what came of each."""
        done = subprocess.run(
            [
                self.project.folder / ".venv" / "bin" / "python",
                ROOT / "tests" / "services" / "driver_work.py",
                "delivery_times",
                f"{self.kind}_driver",
            ],
            check=True,
            capture_output=True,
            text=True,
            input=json.dumps(steps),
            cwd=self.project.folder,
            env=project_env(self.settings | settings),
            timeout=120,
        )
        assert self.secret not in done.stdout + done.stderr
        return list(json.loads(done.stdout))

    def quoted(self, name: str) -> str:
        """Write a name as the warehouse does."""
        return f"`{name}`" if self.kind == "bigquery" else f'"{name}"'

    def select(self, table: str, order: str) -> str:
        """Give the query for a table's rows in order."""
        return f"SELECT * FROM {self.quoted(table)} ORDER BY {self.quoted(order)}"  # noqa: S608 - our own


@contextmanager
def bigquery(folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str], str]]:
    with bigquery_server() as server:
        other = StandIn(server.url, new_key(folder / "other.pem"), "")
        (folder / "wrong").mkdir()
        settings = {
            "BIGQUERY_EMULATOR_HOST": server.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(server, folder)),
            "WAREHOUSE__PROJECT": GOOGLE_PROJECT,
            # The library asks Google itself where the account may be used: in vain, and at once.
            "HTTPS_PROXY": "http://127.0.0.1:1",
        }
        wrong = {"GOOGLE_APPLICATION_CREDENTIALS": str(key_file(other, folder / "wrong"))}
        yield settings, wrong, server.key.read_text().splitlines()[1]


@contextmanager
def snowflake(_folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str], str]]:
    with snowflake_server() as server:
        settings = {
            "SNOWFLAKE_ACCOUNT": ACCOUNT,
            "SNOWFLAKE_URL": server.url,
            "SNOWFLAKE_USER": USER,
            "SNOWFLAKE_PASSWORD": PASSWORD,
            "WAREHOUSE__DATABASE": "shop",
        }
        yield settings, {"SNOWFLAKE_PASSWORD": "wr0ng-w0rd"}, PASSWORD


SERVICES = {"bigquery": bigquery, "snowflake": snowflake}


@pytest.fixture(scope="module", params=drawn(SERVICES))
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    kind = str(request.param)
    folder = tmp_path_factory.mktemp(kind)
    project = delivery_project(folder, ["files"], warehouse=kind)
    with SERVICES[kind](folder) as (settings, wrong, secret):
        yield Cloud(project, kind, {"TRAINING__TRIALS": "2"} | settings, wrong, secret)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """5,000 rows of every type, with gaps and with texts that are easily spoiled."""
    random, count = Random(0), 5000

    def some(values: list[Any], kind: pa.DataType) -> pa.Array:
        drawn = [None if random.random() < 0.1 else random.choice(values) for _ in range(count)]
        return pa.array(drawn, kind)

    days = [date(1900, 1, 1) + timedelta(days=random.randrange(100_000)) for _ in range(50)]
    times = [datetime(1950, 1, 1) + timedelta(microseconds=random.randrange(10**16)) for _ in days]  # noqa: DTZ001 - as they are stored
    columns = [
        some(INTEGERS, pa.int64()),
        some(NUMBERS, pa.float64()),
        some(TEXTS, pa.string()),
        some([True, False], pa.bool_()),
        some(times, pa.timestamp("us")),
        some(days, pa.date32()),
        pa.array(range(count), pa.int64()),
        pa.nulls(count, pa.string()),
    ]
    return pa.table(columns, names=list(TYPES))


def test_rows_come_back_as_they_went(cloud: Cloud, rows: pa.Table, tmp_path: Path) -> None:
    pq.write_table(rows, tmp_path / "rows.parquet")
    load = ("load", "kept", str(tmp_path / "rows.parquet"))
    query = cloud.select("kept", "row no")
    told = cloud.drive(load, ("columns", "kept"), ("run", query, str(tmp_path / "back.parquet")))
    assert told == [None, TYPES, rows.num_rows]
    assert pq.read_table(tmp_path / "back.parquet").equals(rows)


def test_a_load_replaces_the_table_with_its_columns(
    cloud: Cloud, rows: pa.Table, tmp_path: Path
) -> None:
    pq.write_table(rows, tmp_path / "rows.parquet")
    pq.write_table(rows.select(["s", "n"]).slice(0, 0), tmp_path / "none.parquet")
    first = ("load", "replaced", str(tmp_path / "rows.parquet"))
    then = ("load", "replaced", str(tmp_path / "none.parquet"))
    count = ("run", f"SELECT * FROM {cloud.quoted('replaced')}")  # noqa: S608 - our own
    told = cloud.drive(first, count, then, ("columns", "replaced"), count)
    assert told == [None, rows.num_rows, None, {"s": "VARCHAR", "n": "BIGINT"}, 0]


def test_there_are_no_columns_where_there_is_no_table(cloud: Cloud) -> None:
    assert cloud.drive(("columns", "no_such")) == [{}]


def test_what_is_refused_is_told_in_one_line(cloud: Cloud) -> None:
    told = cloud.drive(("run", "SELECT *\nFROM no_such"), ("run", "SELECT FROM\nWHERE ("))
    for each in told:
        assert each["refused"].count("\n") == 0
    assert "no_such" in told[0]["refused"].lower()


def test_a_wrong_secret_does_not_let_in_and_is_not_told(cloud: Cloud) -> None:
    (told,) = cloud.drive(("columns", "kept"), **cloud.wrong)
    assert told["refused"].count("\n") == 0
    assert "Invalid JWT" in told["refused"] or "Incorrect username" in told["refused"]
    assert "wr0ng" not in told["refused"]


@pytest.fixture(scope="module")
def orders(cloud: Cloud) -> Path:
    """A file of deliveries, the last of them as people type, and the project's contract for it."""
    table = delivery_table(cloud.project, ROWS, OPEN_ROWS)
    with table.open("a", encoding="utf-8", newline="\r\n") as file:
        file.write(TYPED)
    return table


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same project, whose tables are kept in DuckDB."""
    return delivery_project(tmp_path_factory.mktemp("duckdb"), ["files"])


def test_the_line_makes_the_same_tables_as_in_duckdb_however_often(
    cloud: Cloud, at_home: Project, orders: Path, tmp_path: Path
) -> None:
    surroundings = {
        "FILES__PATH": str(orders),
        "QUALITY__MAX_INVALID_SHARE": "0.5",
        "TRAINING__TRIALS": "2",
    }
    contract = "config/contract.toml"
    (at_home.folder / contract).write_bytes((cloud.project.folder / contract).read_bytes())
    expected = json.loads(command(at_home, "run", "--json", env=surroundings).stdout)
    tables = {name: at_home_rows(at_home, name) for name in ("clean", "quarantine")}
    assert len(tables["clean"]) > ROWS
    assert len(tables["quarantine"]) > 3
    for _ in range(2):
        done = command(cloud.project, "run", "--json", env=cloud.settings | surroundings)
        result = json.loads(done.stdout)
        for step in ("extract", "validate", "transform", "score"):
            assert result[step]["rows_out"] == expected[step]["rows_out"], step
        assert result["evaluate"]["metrics"] == pytest.approx(expected["evaluate"]["metrics"])
        for name, rows in tables.items():
            back = tmp_path / f"{name}.parquet"
            cloud.drive(("run", cloud.select(name, "_row"), str(back)))
            assert by_name(pq.read_table(back)) == rows


def test_own_sql_and_every_spelling_give_the_same_tables_as_in_duckdb(
    cloud: Cloud, at_home: Project, tmp_path: Path
) -> None:
    table = tmp_path / "messy.parquet"
    messy.write(table)
    surroundings = {"FILES__PATH": str(table), "QUALITY__MAX_INVALID_SHARE": "0.9"}
    for project, settings in ((at_home, {}), (cloud.project, cloud.settings)):
        (project.folder / "config" / "contract.toml").write_text(messy.CONTRACT, encoding="utf-8")
        query = project.folder / "sql" / "10_orders.sql"
        query.write_text(messy.OWN_SQL, encoding="utf-8")
        command(project, "extract", "--whole", env=settings | surroundings)
        for step in ("validate", "transform"):
            command(project, step, env=settings | surroundings)
        query.unlink()
    for name in ("clean", "quarantine"):
        back = tmp_path / f"{name}.parquet"
        cloud.drive(("run", cloud.select(name, "_row"), str(back)))
        rows = at_home_rows(at_home, name)
        assert len(rows) > messy.ROWS / 10
        assert by_name(pq.read_table(back)) == rows


def at_home_rows(project: Project, table: str) -> list[dict[str, Any]]:
    path = str(project.folder / "artifacts" / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as connection:
        return by_name(connection.sql(f"FROM {table} ORDER BY _row").to_arrow_table())


def by_name(rows: pa.Table) -> list[dict[str, Any]]:
    """Give the rows with their columns in the order of the names."""
    found: list[dict[str, Any]] = rows.select(sorted(rows.column_names)).to_pylist()
    return found
