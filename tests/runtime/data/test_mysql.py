"""MySQL as a source: what a server sends becomes typed columns. The server here is played."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pymysql
import pytest
from fourhats_runtime.data import Loaded, MySQL
from fourhats_runtime.errors import ProjectError
from pymysql.constants import FIELD_TYPE, FLAG

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

URL = "mysql://re%40der:s3c%23ret@db.example:3307/shop%20one"
BINARY, UTF8 = 63, 45


@dataclass
class Field:
    """What the server says of a column."""

    name: str
    type_code: int
    flags: int = 0
    length: int = 11
    scale: int = 0
    charsetnr: int = UTF8


@dataclass
class Server:
    """What it has, and what it was asked."""

    fields: list[Field] = field(default_factory=list)
    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: dict[str, Any] = field(default_factory=dict)
    cut_off: bool = False
    unbuffered_active: bool = True

    def connect(self, **address: Any) -> Server:  # noqa: ANN401 (PyMySQL's)
        """Let in."""
        self.address = address
        return self

    def cursor(self, _kind: type) -> Server:
        """Be one's own cursor."""
        return self

    def execute(self, query: str) -> None:
        """Note the query."""
        self.asked.append(query)
        self.left = list(self.rows)

    @property
    def description(self) -> list[Field] | None:
        """Tell whether there are rows."""
        return self.fields or None

    @property
    def _result(self) -> Server:
        return self

    def fetchmany(self, rows: int) -> list[tuple[bytes | None, ...]]:
        """Give two rows at a time."""
        assert rows > 1000
        if self.cut_off:
            raise pymysql.OperationalError(2013, "Lost connection\nin the middle")
        given, self.left = self.left[:2], self.left[2:]
        return given

    def escape(self, text: str) -> str:
        """Quote a text."""
        return f"'{text}'"

    def close(self) -> None:
        """Hang up."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Give a server with a column of each kind."""
    monkeypatch.setenv("SHOP_URL", URL)
    server = Server()
    monkeypatch.setattr(pymysql, "connect", server.connect)
    return server


def load(
    project: Project, bookmark: str | None = None, **settings: str
) -> tuple[Loaded, dict[str, str], list[tuple[Any, ...]]]:
    """Read; gives what is said, the columns, the rows."""
    project = with_table(project, "shop", **({"query": "SELECT * FROM orders; "} | settings))
    with duckdb.connect() as connection:
        loaded = MySQL("shop").load(connection, project, "rows", bookmark)
        table = connection.table("rows")
        kinds = dict(zip(table.columns, map(str, table.types), strict=True))
        return loaded, kinds, table.fetchall()


@pytest.mark.parametrize(
    ("given", "sent", "kind", "value"),
    [
        (Field("x", FIELD_TYPE.LONG), b"-7", "BIGINT", -7),
        (Field("x", FIELD_TYPE.LONGLONG, FLAG.UNSIGNED), b"%d" % (2**64 - 1), "UBIGINT", 2**64 - 1),
        (Field("x", FIELD_TYPE.YEAR), b"2026", "BIGINT", 2026),
        (Field("x", FIELD_TYPE.DOUBLE), b"1.5", "DOUBLE", 1.5),
        (Field("x", FIELD_TYPE.DATE), b"2026-01-02", "DATE", date(2026, 1, 2)),
        (Field("x", FIELD_TYPE.DATE), b"0000-00-00", "DATE", None),
        (Field("x", FIELD_TYPE.TIMESTAMP), b"2026-01-02 03:04:05", "TIMESTAMP",
         datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        (Field("x", FIELD_TYPE.NEWDECIMAL, 0, 12, 2), b"1.25", "DECIMAL(10,2)", Decimal("1.25")),
        (Field("x", FIELD_TYPE.NEWDECIMAL, FLAG.UNSIGNED, 10, 0), b"7", "DECIMAL(10,0)",
         Decimal(7)),
        (Field("x", FIELD_TYPE.NEWDECIMAL, 0, 40, 2), b"1.25", "DECIMAL(38,2)", Decimal("1.25")),
        (Field("x", FIELD_TYPE.NEWDECIMAL, 0, 41, 2), b"1.25", "VARCHAR", "1.25"),
        (Field("x", FIELD_TYPE.BIT, FLAG.UNSIGNED, 9), b"\x01\x02", "UBIGINT", 258),
        (Field("x", FIELD_TYPE.VAR_STRING), "Zoë".encode(), "VARCHAR", "Zoë"),
        (Field("x", FIELD_TYPE.BLOB, charsetnr=BINARY), b"\xff\x00", "BLOB", b"\xff\x00"),
        (Field("x", FIELD_TYPE.JSON, charsetnr=BINARY), b"[1]", "VARCHAR", "[1]"),
        (Field("x", FIELD_TYPE.TIME, charsetnr=BINARY), b"12:34:56", "VARCHAR", "12:34:56"),
    ],
)  # fmt: skip
def test_a_column_is_what_it_is_in_the_database(  # noqa: PLR0913, PLR0917
    given: Field, sent: bytes, kind: str, value: object, server: Server, fresh: Project
) -> None:
    server.fields, server.rows = [given], [(sent,), (None,), (sent,)]
    loaded, kinds, rows = load(fresh)
    assert loaded == Loaded()
    assert kinds == {"x": kind}
    assert rows == [(value,), (None,), (value,)]
    assert server.unbuffered_active is False


def test_an_empty_answer_has_its_columns(server: Server, fresh: Project) -> None:
    server.fields = [Field("id", FIELD_TYPE.LONG), Field("name", FIELD_TYPE.VAR_STRING)]
    assert load(fresh)[1:] == ({"id": "BIGINT", "name": "VARCHAR"}, [])


def test_only_what_is_not_before_the_bookmark_is_asked_for(server: Server, fresh: Project) -> None:
    server.fields, server.rows = [Field("at`s", FIELD_TYPE.LONG)], [(b"1",), (b"3",)]
    first, _, _ = load(fresh, cursor="at`s")
    assert first == Loaded("3", whole=True)
    assert server.asked == ["SELECT * FROM orders; "]
    server.rows = []
    with duckdb.connect() as connection:
        again = MySQL("shop").load(connection, fresh.at(fresh.folder), "rows", first.bookmark)
    assert again == Loaded("3", whole=False)
    assert server.asked[-1] == (
        "SELECT * FROM (SELECT * FROM orders\n) AS source_rows "
        "WHERE `at``s` >= '3' OR `at``s` IS NULL"
    )


def test_the_address_is_taken_apart(server: Server, fresh: Project) -> None:
    server.fields = [Field("id", FIELD_TYPE.LONG)]
    load(fresh)
    names = ("host", "port", "user", "password", "database")
    found = tuple(server.address[name] for name in names)
    assert found == ("db.example", 3307, "re@der", "s3c#ret", "shop one")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "SHOP_URL is not set"),
        ("postgresql://a:s3cret@h/d", "is no address such as"),
        ("mysql://a:s3cret@h", "is no address such as"),
        ("mysql:///d", "is no address such as"),
        ("mysql://a:s3cret@h:x/d", "is no address such as"),
        ("mysql://a:s3cret@h/d?ssl=1", "nothing can stand behind"),
    ],
)
def test_what_is_no_address_is_refused_without_the_password(
    url: str, words: str, server: Server, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_URL", url)
    with pytest.raises(ProjectError, match=r"^SHOP_URL") as refused:
        load(fresh)
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert server.asked == []


def test_mariadb_and_the_usual_port_are_known(
    server: Server, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_URL", "mariadb+pymysql://ada@h/d")
    server.fields = [Field("id", FIELD_TYPE.LONG)]
    load(fresh)
    assert (server.address["port"], server.address["password"]) == (3306, "")


def test_what_goes_wrong_is_one_line(server: Server, fresh: Project) -> None:
    with refused("gives no rows: it has to be a SELECT"):
        load(fresh)
    server.fields = [Field("id", FIELD_TYPE.LONG), Field("ID", FIELD_TYPE.LONG)]
    with refused("more than one column id"):
        load(fresh)
    server.fields, server.cut_off = server.fields[:1], True
    with refused(r"^MySQL: Lost connection \(shop\.query, SHOP_URL\)$"):
        load(fresh)
    assert server.unbuffered_active is False


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises(ProjectError, match=words):
        yield
