"""The same line on a table of every spelling: DuckDB, PostgreSQL and Spark give the same rows."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.services import messy
from tests.services.availability import unavailable
from tests.services.ports import free_port, wait_for
from tests.services.postgres import PostgresMissingError, postgres_server, server_binaries
from tests.services.processes import started
from tests.services.rendered import Project, command, install, project_env, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = 20
STEPS = ("extract", "validate", "transform")
LOOK = """
import json, sys
from fourhats_runtime.data import warehouse
from messy_orders.project import project
with warehouse.connect(project) as connection:
    rows = connection.execute(sys.argv[1]).fetchall()
print(json.dumps(rows, default=str))
"""
TABLES = {
    "clean": "order_no, seen_at, pieces, price, weight, paid, lasted, called, ordered, promised,"
    " quarter_, abroad, counted, express, region, per_region, grade, late",
    "quarantine": "reasons, pieces_text, region, grade",
}


@dataclass
class Engine:
    """A project on the table, and what its surroundings say."""

    project: Project
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, check: bool = True) -> str:
        """Run the project's command; gives what it said, on both channels."""
        done = command(self.project, *words, env=self.settings, check=check)
        return done.stdout + done.stderr

    def rows(self, query: str) -> list[list[Any]]:
        """Look into the warehouse."""
        python = self.project.program.with_name("python")
        done = subprocess.run(
            [python, "-c", LOOK, query],
            cwd=self.project.folder,
            env=project_env(self.settings),
            capture_output=True,
            check=True,
        )
        rows: list[list[Any]] = json.loads(done.stdout)
        return rows

    def tables(self) -> dict[str, list[list[Any]]]:
        """Run the steps, and give the rows that they made."""
        for step in STEPS:
            self.run(step)
        return {
            name: self.rows(f"SELECT _source, _row, {columns} FROM {name} ORDER BY _row")  # noqa: S608 - our own
            for name, columns in TABLES.items()
        }


def engine(folder: Path, **answers: Any) -> Engine:  # noqa: ANN401 - answers are of any type
    """Make and install a project on the table."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "orders.parquet"
    messy.write(table)
    project = render(
        folder / "messy-orders",
        project_name="Messy orders",
        data_sources=["files"],
        serving=["batch"],
        orchestrator="none",
        files_path=str(table),
        **answers,
    )
    (project.folder / "config" / "contract.toml").write_text(messy.CONTRACT, encoding="utf-8")
    (project.folder / "sql" / "10_orders.sql").write_text(messy.OWN_SQL, encoding="utf-8")
    # To act on everybody has to lose: what a model adds then is seen on few rows.
    settings = {"TRAINING__TRIALS": "2", "VALUE__ACT_WRONG": "-100"}
    return Engine(install(project), settings | {"QUALITY__MAX_INVALID_SHARE": "0.9"})


@pytest.fixture(scope="module")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine(tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = engine(tmp_path_factory.mktemp("postgres"), warehouse="postgres")
    try:
        with postgres_server() as url:
            made.settings["WAREHOUSE_URL"] = url
            yield made
    except PostgresMissingError as error:
        unavailable(error)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, postgres: Engine) -> Engine:
    """Spark beside the tables in PostgreSQL, in a schema of its own."""
    if shutil.which("java") is None:
        unavailable(RuntimeError("there is no Java: Spark runs on it"))
    made = engine(tmp_path_factory.mktemp("spark"), engine="spark", warehouse="postgres")
    made.settings |= {"SPARK__URL": "local[2]", "WAREHOUSE__SCHEMA": "by_spark"}
    made.settings["WAREHOUSE_URL"] = postgres.settings["WAREHOUSE_URL"]
    return made


@pytest.fixture(scope="module")
def expected(duckdb: Engine) -> dict[str, list[list[Any]]]:
    tables = duckdb.tables()
    assert len(tables["clean"]) > messy.ROWS / 3
    assert len(tables["quarantine"]) > messy.ROWS / 10
    assert sum(map(len, tables.values())) == messy.ROWS
    return tables


def test_postgres_gives_the_same_tables_however_often(
    postgres: Engine, expected: dict[str, list[list[Any]]]
) -> None:
    for _ in range(2):
        assert postgres.tables() == expected


def test_killed_at_any_moment_and_repeated_the_tables_are_the_same(
    postgres: Engine, expected: dict[str, list[list[Any]]]
) -> None:
    moments = random.Random(5)
    finished = 0
    for place in range(KILLS):
        with subprocess.Popen(
            [postgres.project.program, STEPS[place % len(STEPS)]],
            cwd=postgres.project.folder,
            env=project_env(postgres.settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(moments.uniform(0.3, 1.5))
            finished += process.poll() is not None
            process.kill()
    assert finished < KILLS, "no run was cut off"
    assert postgres.tables() == expected


def test_spark_gives_the_same_tables(spark: Engine, expected: dict[str, list[list[Any]]]) -> None:
    assert spark.tables() == expected


def test_every_spelling_is_read_as_it_is_meant(expected: dict[str, list[list[Any]]]) -> None:
    columns = TABLES["clean"].split(", ")
    clean = [dict(zip(columns, row[2:], strict=True)) for row in expected["clean"]]
    known = {"Köln", "O'Hara", "back\\slash"}
    assert {row["region"] for row in clean if row["late"] is not None} == known
    assert {row["region"] for row in clean if row["late"] is None} <= {*known, "Kölle"}
    assert {row["pieces"] for row in clean} == {12, 7, 0, 300}
    assert {row["price"] for row in clean} == {12, 12.5, 0.5, 7, 100, 3, 4.25, 0.01, None}
    assert {row["weight"] for row in clean} == {1.5, 1234.5, -2, None}
    assert {row["paid"] for row in clean} == {1_234_500, 12_000, -0.5, -7, 100, None}
    assert {row["lasted"] for row in clean} == {
        0.75,
        26 + 3 / 60 + 18 / 3600,
        126 + 0.5 / 3600,
        None,
    }
    assert {row["called"] for row in clean} == {0.25, 14.5, 12, 9 + 5 / 60, 14 + 10 / 60}
    written = ("ordered", "promised", "abroad", "counted", "quarter_")
    moments = {name: {row[name] for row in clean} - {None} for name in written}
    times = {name: {moment[11:] for moment in moments[name]} for name in written}
    assert times["ordered"] == {"00:05:00", "13:30:00", "00:00:00"}
    assert {moment[:7] for moment in moments["ordered"]} == {"2026-01", "1998-01"}
    assert times["promised"] == {"00:00:00", "09:05:00"}
    months = {"2026-03", "2025-12", "2026-08", "2026-09"}
    assert {moment[:7] for moment in moments["promised"]} == months
    assert times["abroad"] == {"01:04:05", "06:34:05", "00:00:00"}
    assert moments["counted"] == {
        *("2026-01-01 00:00:00", "2026-01-02 00:00:00.123000", "1969-12-31 00:00:00")
    }
    quarters = {"2026-01-01", "2025-10-01", "2024-04-01", "2026-07-01"}
    assert moments["quarter_"] == {f"{day} 00:00:00" for day in quarters}
    assert {row["express"] for row in clean} == {True, False, None}
    assert {row["late"] for row in clean} == {"yes", "no", None}
    reasons = "; ".join(row[2] for row in expected["quarantine"])
    told = ("pieces is no integer", "price is no number", "seen_at is no datetime")
    for reason in (*told, "express is no boolean", "region is an unknown category"):
        assert reason in reasons
    assert "order_no comes again with a newer row" in reasons


def test_scores_by_spark_are_those_of_this_machine(postgres: Engine, spark: Engine) -> None:
    scored = "SELECT _row, prediction, probability, decision, expected_value FROM scores"
    for made in (postgres, spark):
        made.run("run")
        made.run("promote", "--accept")  # what the few rows say may be chance
        made.run("score")
    here, there = ({row[0]: row[1:] for row in made.rows(scored)} for made in (postgres, spark))
    assert len(here) > 10
    assert here.keys() == there.keys()
    for row, answer in here.items():
        assert there[row] == [pytest.approx(value) for value in answer]


def test_spark_connect_gives_the_same_table(
    spark: Engine, expected: dict[str, list[list[Any]]]
) -> None:
    port = free_port()
    tools = spark.project.program.parent
    server = [
        *(str(tools / "spark-submit"), "--master", "local[2]"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--conf", "spark.connect.grpc.binding.address=127.0.0.1"),
        *("--conf", f"spark.connect.grpc.binding.port={port}"),
        *("--conf", "spark.ui.enabled=false"),
    ]
    surroundings = {"PYSPARK_PYTHON": str(tools / "python"), "SPARK_LOCAL_IP": "127.0.0.1"}
    there = Engine(spark.project, spark.settings | {"SPARK__URL": f"sc://127.0.0.1:{port}"})
    with started(
        server,
        log=spark.project.folder.with_name("connect.log"),
        cwd=spark.project.folder,
        env=project_env(surroundings),
    ) as process:
        wait_for(lambda: accepts(port), timeout=120, still_there=process.running)
        assert there.tables() == expected
        said = there.run("score")
    assert "artifacts/scores/scored_on=" in said


def accepts(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("password", ["s3cret", "s3cr%zt", "s3c ret", "s3c%20ret"])
def test_a_wrong_address_is_told_in_one_line(postgres: Engine, password: str) -> None:
    wrong = postgres.settings["WAREHOUSE_URL"].replace("postgres@", f"postgres:{password}@")
    there = Engine(postgres.project, {"WAREHOUSE_URL": wrong.rsplit("/", 1)[0] + "/no_such"})
    told = there.run("extract", check=False)
    assert told.count("\n") == 1
    assert "no_such" in told or "percent-encode" in told
    assert password[:4] not in told


def test_a_schema_of_others_is_refused_and_left_as_it_is(postgres: Engine) -> None:
    server = postgres.settings["WAREHOUSE_URL"]
    sql(server, "CREATE SCHEMA theirs", "CREATE TABLE theirs.orders AS SELECT 1 AS x")
    there = Engine(postgres.project, postgres.settings | {"WAREHOUSE__SCHEMA": "theirs"})
    told = there.run("extract", check=False)
    assert told.count("\n") == 1
    assert "holds tables that are not this project's (orders)" in told
    assert sql(server, "SELECT x FROM theirs.orders") == "1"


def test_a_schema_that_was_made_for_it_is_enough(postgres: Engine) -> None:
    server = postgres.settings["WAREHOUSE_URL"]
    sql(server, "CREATE ROLE narrow LOGIN", "CREATE SCHEMA given AUTHORIZATION narrow")
    own = {
        "WAREHOUSE_URL": server.replace("postgres@", "narrow@"),
        "WAREHOUSE__SCHEMA": "given",
    }
    there = Engine(postgres.project, postgres.settings | own)
    for _ in range(2):
        there.run("extract")
    assert there.rows("SELECT count(*) FROM raw") == [[messy.ROWS]]


def sql(server: str, *statements: str) -> str:
    """Run statements on the server; gives what the last one says."""
    words = [word for each in statements for word in ("--command", each)]
    psql = str(server_binaries() / "psql")
    done = subprocess.run(
        [psql, "--quiet", "--no-align", "--tuples-only", server, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_query_that_the_warehouse_refuses_is_named(postgres: Engine) -> None:
    file = postgres.project.folder / "sql" / "20_wrong.sql"
    file.write_text("SELECT nope FROM orders", encoding="utf-8")
    try:
        told = postgres.run("extract", check=False)
    finally:
        file.unlink()
    assert told.count("\n") == 1
    assert "sql/20_wrong.sql: " in told
    assert "nope" in told


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SPARK__URL", "nowhere://x", "spark.url"),
        ("SPARK__URL", "", "spark.url"),
        ("SPARK__URL", "sc://127.0.0.1:1", "refused"),
        ("SPARK__MEMORY", "lots", "spark.memory"),
        ("SPARK__FOLDER", "/proc/nowhere", "/proc/nowhere"),
    ],
)
def test_what_spark_cannot_do_is_told_in_one_line(
    spark: Engine, name: str, value: str, words: str
) -> None:
    there = Engine(spark.project, spark.settings | {name: value})
    done = command(there.project, "transform", env=there.settings, check=False)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
