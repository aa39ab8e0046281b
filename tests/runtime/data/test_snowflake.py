"""Snowflake as a source and as the warehouse. The account here is played; tests/run has another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa
import pytest
from fourhats_runtime.data import Loaded, Snowflake, snowflake_login
from fourhats_runtime.data.warehouse import columns, connect, count, snowflake_driver
from fourhats_runtime.errors import ProjectError
from pyarrow import parquet
from snowflake import connector

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

SHOP = Snowflake("shop")
NUMBER, REAL, TEXT, DATE, ZONED = 0, 1, 2, 3, 7


def column(name: str, kind: int, precision: int = 0, scale: int = 0) -> SimpleNamespace:
    """Describe a column as the connector does."""
    return SimpleNamespace(name=name, type_code=kind, precision=precision, scale=scale)


@dataclass
class Account:
    """What it answers, and what it was asked."""

    answers: dict[str, tuple[list[SimpleNamespace], pa.Table]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    login: dict[str, Any] = field(default_factory=dict)
    error: connector.Error | None = None
    description: list[SimpleNamespace] = field(default_factory=list)

    def connect(self, **login: Any) -> Account:  # noqa: ANN401 (the connector's)
        """Let in."""
        self.login = login
        return self

    def __enter__(self) -> Self:
        """Be one's own connection and cursor."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stay."""

    def cursor(self) -> Account:
        """Be one's own cursor."""
        return self

    def execute(self, query: str, file_stream: Any = None) -> None:  # noqa: ANN401
        """Note the statement, and what is sent with it."""
        self.asked.append(query)
        if file_stream is not None:
            self.files.append(file_stream.read())
        if self.error is not None:
            raise self.error
        none: tuple[list[SimpleNamespace], pa.Table] = ([], pa.table({}))
        self.description, self.rows = self.answers.get(query, none)

    def describe(self, query: str) -> list[SimpleNamespace]:
        """Tell the columns."""
        if query not in self.answers:
            raise connector.ProgrammingError(msg="no such table", errno=2003)
        return self.answers[query][0]

    def fetch_arrow_batches(self) -> Iterator[pa.Table]:
        """Give a row at a time."""
        yield from (self.rows.slice(place, 1) for place in range(len(self.rows)))

    def fetch_arrow_all(self, *, force_return_table: bool) -> pa.Table:
        """Give all rows."""
        assert force_return_table
        return self.rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give the answer to a question about the session."""
        return [(None,)]

    def close(self) -> None:
        """Sign out."""


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Give an account that both the source and the warehouse sign in to."""
    account = Account()
    monkeypatch.setattr(connector, "connect", account.connect)
    for prefix in ("SHOP", "SNOWFLAKE"):
        monkeypatch.setenv(f"{prefix}_ACCOUNT", "acme")
        monkeypatch.setenv(f"{prefix}_PASSWORD", "s3cret")
        for name in ("URL", "USER", "TOKEN", "PRIVATE_KEY_FILE", "PRIVATE_KEY_PASSPHRASE"):
            monkeypatch.setenv(f"{prefix}_{name}", "")
    return account


def load(
    project: Project, bookmark: str | None = None, **settings: str
) -> tuple[Loaded, dict[str, str], list[tuple[Any, ...]]]:
    """Read; gives what is said, the columns, the rows."""
    project = with_table(project, "shop", **({"query": "SELECT 1; "} | settings))
    with duckdb.connect() as connection:
        loaded = SHOP.load(connection, project, "rows", bookmark)
        table = connection.table("rows")
        kinds = dict(zip(table.columns, map(str, table.types), strict=True))
        return loaded, kinds, table.fetchall()


@pytest.mark.parametrize(
    ("described", "sent", "kind", "value"),
    [
        (column("X", NUMBER, 18), pa.array([Decimal(7)], pa.decimal128(18, 0)), "BIGINT", 7),
        (
            column("X", NUMBER, 19),
            pa.array([Decimal(7)], pa.decimal128(19, 0)),
            "DECIMAL(19,0)",
            Decimal(7),
        ),
        (
            column("X", NUMBER, 9, 2),
            pa.array([Decimal("1.25")], pa.decimal128(9, 2)),
            "DECIMAL(9,2)",
            Decimal("1.25"),
        ),
        (column("X", REAL), pa.array([1.5]), "DOUBLE", 1.5),
        (column("X", TEXT), pa.array(["Zoë"]), "VARCHAR", "Zoë"),
        (column("X", 99), pa.array(['{"a": 1}']), "VARCHAR", '{"a": 1}'),
    ],
)
def test_a_column_is_what_it_is_there(  # noqa: PLR0913, PLR0917
    described: SimpleNamespace,
    sent: pa.Array,
    kind: str,
    value: object,
    account: Account,
    fresh: Project,
) -> None:
    account.answers["SELECT 1"] = ([described], pa.table({"X": sent}))
    assert load(fresh) == (Loaded(), {"X": kind}, [(value,)])


def test_moments_come_in_utc(account: Account, fresh: Project) -> None:
    moment = pa.array([0], pa.timestamp("us", "Europe/Zurich"))
    account.answers["SELECT 1"] = ([column("AT", ZONED)], pa.table({"AT": moment}))
    _, kinds, ((found,),) = load(fresh)
    assert (kinds, str(found)) == ({"AT": "TIMESTAMP"}, "1970-01-01 00:00:00")


def test_only_what_is_not_before_the_bookmark_is_asked_for(
    account: Account, fresh: Project
) -> None:
    one = ([column("UPDATED_AT", TEXT)], pa.table({"UPDATED_AT": ["a", "b"]}))
    account.answers["SELECT 1"] = one
    first, _, _ = load(fresh, cursor="updated_at")
    assert first == Loaded("b", whole=True)
    since = (
        "SELECT * FROM (SELECT 1\n) AS source_rows "
        'WHERE "UPDATED_AT" >= \'b\\\\\' OR "UPDATED_AT" IS NULL'
    )
    account.answers[since] = (one[0], one[1].slice(0, 0))
    assert load(fresh, "b\\", cursor="updated_at")[0] == Loaded("b\\", whole=False)
    assert account.asked == ["SELECT 1", since]


def test_what_goes_wrong_is_one_line(account: Account, fresh: Project) -> None:
    twice = [column("a", TEXT), column("A", TEXT)]
    account.answers["SELECT 1"] = (twice, pa.table({"a": ["x"], "b": ["y"]}))
    with pytest.raises(ProjectError, match="more than one column a"):
        load(fresh)
    account.error = connector.ProgrammingError(msg="SQL compilation error:\nno table")
    with pytest.raises(ProjectError, match=r"SQL compilation error: no table \(\[shop\] in"):
        load(fresh)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"password": "s3cret"}),
        ({"TOKEN": "t0ken"}, {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "t0ken"}),
        (
            {"PRIVATE_KEY_FILE": "/key", "TOKEN": "t0ken"},
            {"authenticator": "SNOWFLAKE_JWT", "private_key_file": "/key"},
        ),
        (
            {"PRIVATE_KEY_FILE": "/key", "PRIVATE_KEY_PASSPHRASE": "phrase", "USER": "ada"},
            {
                "authenticator": "SNOWFLAKE_JWT",
                "private_key_file": "/key",
                "private_key_file_pwd": "phrase",
                "user": "ada",
            },
        ),
        (
            {"URL": "http://localhost"},
            {"password": "s3cret", "host": "localhost", "port": 80, "protocol": "http"},
        ),
        (
            {"URL": "https://snow.example"},
            {"password": "s3cret", "host": "snow.example", "port": 443, "protocol": "https"},
        ),
        (
            {"URL": "https://snow.example:8443"},
            {"password": "s3cret", "host": "snow.example", "port": 8443, "protocol": "https"},
        ),
    ],
)
def test_who_signs_in_is_said_by_variables(
    variables: dict[str, str],
    expected: dict[str, object],
    account: Account,
    fresh: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SHOP_{name}", value)
    account.answers["SELECT 1"] = ([column("X", TEXT)], pa.table({"X": ["x"]}))
    load(fresh, role="reader")
    found = {k: v for k, v in account.login.items() if k not in snowflake_login.SESSION}
    assert found.pop("session_parameters") == snowflake_login.PARAMETERS
    assert found == {"account": "acme", "role": "reader"} | expected


@pytest.mark.parametrize("url", ["http://snow.example", "snow.example", "https://"])
def test_no_secret_is_sent_to_what_is_no_address(
    url: str, account: Account, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_URL", url)
    with pytest.raises(ProjectError, match="SHOP_URL is no address"):
        load(fresh)
    monkeypatch.setenv("SHOP_URL", "")
    monkeypatch.setenv("SHOP_PASSWORD", "")
    with pytest.raises(ProjectError, match="put SHOP_PRIVATE_KEY_FILE, SHOP_TOKEN or"):
        load(fresh)
    assert account.login == {}


@pytest.fixture
def there(account: Account, fresh: Project) -> Project:
    """Give a project whose warehouse is the account."""
    assert account.login == {}
    table = with_table(fresh, "warehouse", database="shop", schema="sample")
    return replace(table, warehouse="snowflake")


def test_what_is_asked_there_comes_in_types_that_duckdb_knows(
    account: Account, there: Project
) -> None:
    described = [column("n", NUMBER, 38), column("m", NUMBER, 9, 2), column("t", TEXT)]
    rows = pa.table(
        {
            "n": pa.array([Decimal(10**20)], pa.decimal128(38, 0)),
            "m": pa.array([Decimal("1.25")], pa.decimal128(9, 2)),
            "t": ["x"],
        }
    )
    account.answers['SELECT * FROM "kinds"'] = (described, rows)
    with connect(there) as connection:
        assert connection.execute("SELECT * FROM kinds").fetchall() == [(1e20, 1.25, "x")]
        assert columns(connection, "kinds") == {"n": "BIGINT", "m": "DOUBLE", "t": "VARCHAR"}
        assert columns(connection, "nowhere") == {}
        assert connection.execute("CREATE TABLE t AS SELECT 1 AS x").fetchall() == []
        with connection.transaction():
            pass
    assert account.asked[:2] == ["SELECT CURRENT_SCHEMA()", "CREATE SCHEMA IF NOT EXISTS sample"]


def test_rows_get_there_by_way_of_parquet_files(
    account: Account, there: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snowflake_driver, "FILE_ROWS", 2500)
    rows = pa.table({"x": list(range(5000))})
    driver = snowflake_driver.connect(there)
    driver.load("t", rows.to_reader(max_chunksize=1000))
    tables = [parquet.read_table(pa.BufferReader(file)) for file in account.files]
    assert [len(table) for table in tables] == [3000, 2000]
    assert pa.concat_tables(tables) == rows
    assert 'CREATE OR REPLACE TEMPORARY TABLE rows_to_load ("x" BIGINT)' in account.asked
    assert account.asked[-2:] == [
        'CREATE OR REPLACE TABLE "t" AS SELECT * FROM rows_to_load',
        "DROP TABLE rows_to_load",
    ]


def test_what_the_account_refuses_is_one_line(account: Account, there: Project) -> None:
    account.error = connector.ProgrammingError(msg="not\nallowed")
    with pytest.raises(ProjectError, match=r"^Snowflake: not allowed \(config/warehouse"):
        count_there(there)
    with pytest.raises(ProjectError, match="name the `database`"):
        count_there(with_table(there, "warehouse", schema="sample"))


def count_there(project: Project) -> int:
    with connect(project) as connection:
        return count(connection, "t")
