"""Rows come in whole, or only where they are new; a source that changed stops before any harm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb
import pytest
from fourhats_runtime.contract import Column, Contract, Join
from fourhats_runtime.data import Files, Rows
from fourhats_runtime.data.extraction import extract
from fourhats_runtime.data.joins import own_columns
from fourhats_runtime.data.privacy import Pseudonyms
from fourhats_runtime.data.sources import Loaded, Source, sample
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, columns, connect, scratch
from fourhats_runtime.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fourhats_runtime import Project

KEY = "not-so-secret-not-so-secret-not-so"
PLANTED = "anna.planted@example.com"


@dataclass
class Ledger:
    """A source that grows: a query of `origin`, which has all its rows, in its own database."""

    contract: Contract
    project: Project
    connection: Connection
    origin: duckdb.DuckDBPyConnection
    name: str = "ledger"
    sql: str = "FROM origin LIMIT 20"
    bookmark: str | None = None
    asked: list[str | None] = field(default_factory=list)
    others: list[Source] = field(default_factory=list)

    def configured(self, project: Project) -> bool:
        """Be there."""
        return project.folder.is_dir()

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        project: Project,
        table: str,
        bookmark: str | None,
    ) -> Loaded:
        """Write the rows of its query."""
        assert self.configured(project)
        self.asked.append(bookmark)
        rows = self.origin.sql(self.sql).to_arrow_table()
        connection.execute(f"DROP TABLE IF EXISTS {quote(table)}")
        connection.from_arrow(rows).create(quote(table))
        return Loaded(self.bookmark, whole=bookmark is None)

    def extract(self, *, whole: bool = False) -> list[str]:
        """Extract, and give what is said of the columns."""
        project = replace(self.project, sources=(self, *self.others))
        _, said = extract(self.connection, self.contract, project, whole=whole)
        return said

    def rows(self, query: str = "") -> list[tuple[object, ...]]:
        """Give the rows of a query of the warehouse, or those of the source there."""
        names = ", ".join(map(quote, own_columns(self.connection, "raw_ledger")))
        query = query or f"SELECT {names} FROM raw_ledger"
        return self.connection.execute(query).fetchall()

    def there(self, query: str) -> list[tuple[object, ...]]:
        """Give the rows of a query of `origin`."""
        return self.origin.execute(query).fetchall()


@pytest.fixture
def ledger(fresh: Project) -> Iterator[Ledger]:
    """Give a source with the first rows of the sample: no personal data, and joined to nothing."""
    contract = fresh.contract
    columns = tuple(column.model_copy(update={"pii": False}) for column in contract.columns)
    changed = {"columns": columns, "joins": ()}
    with scratch(fresh) as connection, duckdb.connect() as origin:
        origin.from_arrow(sample.make(contract)).create("origin")
        yield Ledger(contract.model_copy(update=changed), fresh, connection, origin)


@pytest.fixture
def visits(ledger: Ledger) -> Ledger:
    """Give the first source, which `visits` is joined to by the target's values."""
    key = ledger.contract.target.source
    other = Ledger(ledger.contract, ledger.project, ledger.connection, ledger.origin, "visits")
    other.sql = f"SELECT DISTINCT {quote(key)}, 7 AS visits FROM origin"
    ledger.others = [other]
    joins = (Join(source="visits", on=(key,)),)
    ledger.contract = ledger.contract.model_copy(update={"joins": joins})
    return other


def test_read_whole_the_table_is_what_the_source_has(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.extract()
        assert ledger.rows() == ledger.there("FROM origin LIMIT 20")
    assert ledger.asked == [None, None]


def test_what_is_new_replaces_the_rows_of_the_same_id(ledger: Ledger) -> None:
    assert ledger.contract.id is not None
    ordered = f"FROM origin ORDER BY {quote(ledger.contract.id.source)}"
    ledger.bookmark, ledger.sql = "20", f"{ordered} LIMIT 20"
    ledger.extract()
    ledger.bookmark, ledger.sql = "30", f"{ordered} LIMIT 15 OFFSET 15"
    for _ in range(2):
        ledger.extract()
        assert ledger.rows() == ledger.there(f"{ordered} LIMIT 30")
    assert ledger.asked == [None, "20", "30"]
    ledger.sql = f"{ordered} LIMIT 3"
    ledger.extract(whole=True)
    assert ledger.rows() == ledger.there(ledger.sql)
    assert ledger.asked[-1] is None


def test_a_new_column_is_taken_along_and_said(ledger: Ledger) -> None:
    ledger.extract()
    ledger.sql = "SELECT *, 1 AS brand_new FROM origin"
    assert ledger.extract() == ["ledger has a new column brand_new"]
    assert "brand_new" in columns(ledger.connection, "raw")


@pytest.mark.parametrize(
    ("change", "words"), [("EXCLUDE ({})", "{} is gone"), ("REPLACE (1 AS {})", "{} was text")]
)
def test_a_needed_column_that_is_gone_or_retyped_stops_it(
    change: str, words: str, ledger: Ledger
) -> None:
    ledger.extract()
    before = ledger.rows()
    target = ledger.contract.target.source
    ledger.sql = f"SELECT * {change.format(quote(target))} FROM origin"
    with pytest.raises(ProjectError, match="Nothing was taken in") as stopped:
        ledger.extract()
    assert words.format(target) in str(stopped.value)
    assert ledger.rows() == before
    ledger.extract(whole=True)
    assert len(ledger.rows()) > len(before)


def test_rows_without_an_id_cannot_be_told_apart(ledger: Ledger) -> None:
    columns = tuple(column for column in ledger.contract.columns if column.role != "id")
    ledger.contract = ledger.contract.model_copy(update={"columns": columns})
    ledger.bookmark = "1"
    with pytest.raises(ProjectError, match="needs a column with the role id"):
        ledger.extract()


def test_a_join_adds_columns_and_says_how_many_rows_found_one(
    ledger: Ledger, visits: Ledger
) -> None:
    assert visits.asked == []
    (said,) = ledger.extract()
    assert said.endswith("20 of 20 rows found one")
    assert ledger.rows("SELECT _source, _row, visits FROM raw") == [
        ("ledger", row, 7) for row in range(1, 21)
    ]


def test_a_joined_source_is_kept_up_by_the_keys_of_the_join(ledger: Ledger, visits: Ledger) -> None:
    key, visits.bookmark = quote(ledger.contract.target.source), "1"
    ledger.extract()
    keys = len(ledger.rows("FROM raw_visits"))
    visits.sql = f"SELECT {key}, 9 AS visits FROM origin WHERE {key} IS NOT NULL LIMIT 1"
    for _ in range(2):
        ledger.extract()
        counted = ledger.rows("SELECT visits, count(*) FROM raw_visits GROUP BY ALL ORDER BY ALL")
        assert counted == [(7, keys - 1), (9, 1)]
    assert visits.asked == [None, "1", "1"]


def test_a_source_without_its_key_cannot_be_kept_up(ledger: Ledger, visits: Ledger) -> None:
    visits.bookmark, visits.sql = "1", "SELECT 7 AS visits"
    with pytest.raises(ProjectError, match="needs the column"):
        ledger.extract()


def test_a_join_that_multiplies_rows_warns(ledger: Ledger, visits: Ledger) -> None:
    visits.sql = f"{visits.sql} UNION ALL {visits.sql}"
    (said,) = ledger.extract()
    assert said.startswith("WARNING: ledger joined with visits by")
    assert "they became 40" in said
    assert ledger.rows("SELECT _row FROM raw") == [(row,) for row in range(1, 41)]


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (Join(source="moon", on=("x",)), "joins moon, which is not set up"),
        (Join(source="visits", on=("x",)), "by x, which ledger does not have"),
    ],
)
def test_a_join_that_is_not_possible_is_refused(
    join: Join, words: str, ledger: Ledger, visits: Ledger
) -> None:
    assert visits.configured(ledger.project)
    ledger.contract = ledger.contract.model_copy(update={"joins": (join,)})
    with pytest.raises(ProjectError, match=words):
        ledger.extract()


def test_personal_data_is_left_out_and_ids_become_pseudonyms(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", KEY)
    with connect(ledger.project) as connection:
        ledger.connection = connection
        people = f"SELECT '{PLANTED}' || i AS email, 'anna' || i AS person FROM range(99) AS t(i)"
        ledger.sql = f"SELECT *, 1 AS n FROM ({people})"
        mark(ledger)
        ledger.extract()
        pseudonyms = [Pseudonyms(KEY.encode()).of(f"anna{i}") for i in range(99)]
        assert ledger.rows() == [(pseudonym, 1) for pseudonym in pseudonyms]
    kept = b"".join(path.read_bytes() for path in files(ledger))
    assert pseudonyms[0].encode() in kept
    assert PLANTED.encode() not in kept


def test_a_column_that_is_marked_later_is_read_anew(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", KEY)
    ledger.sql = f"SELECT '{PLANTED}' AS email, 1 AS person"
    mark(ledger, pii=False)
    ledger.bookmark = "1"
    ledger.extract()
    assert ledger.rows() == [(PLANTED, 1)]
    mark(ledger)
    ledger.extract()
    assert ledger.rows() == [(Pseudonyms(KEY.encode()).of("1"),)]
    ledger.extract()
    assert ledger.asked == [None, None, "1"]


def test_without_a_key_there_are_no_pseudonyms(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", "short")
    mark(ledger)
    with pytest.raises(ProjectError, match="PSEUDONYM_KEY is too short"):
        ledger.extract()
    assert ledger.asked == []


@pytest.mark.parametrize("name", ["", "Orders", "my-orders", "1st", "sql", "joined", "o" * 41])
def test_a_source_whose_name_gives_no_table_is_refused(name: str, ledger: Ledger) -> None:
    ledger.name = name
    with pytest.raises(ProjectError, match="a source cannot be called"):
        ledger.extract()


def test_two_sources_of_one_name_are_refused(ledger: Ledger) -> None:
    ledger.others = [Rows("ledger", list)]
    with pytest.raises(ProjectError, match="two sources are called 'ledger'"):
        ledger.extract()


def test_the_sample_stands_in_while_no_source_is_set_up(fresh: Project) -> None:
    with (fresh.folder / "config" / "sources.toml").open("a") as sources:
        sources.write('[files]\npath = ""\n')
    project = replace(fresh, sources=(Files(),))
    with scratch(project) as connection:
        assert extract(connection, project.contract, project, whole=False) == ([], [])
        rows = connection.execute("SELECT _source, count(*) FROM raw GROUP BY ALL").fetchall()
    assert rows == [("sample", sample.ROWS)]


def mark(ledger: Ledger, *, pii: bool = True) -> None:
    """Give the contract the id `person` and the column `email`, marked or not."""
    columns = (
        Column(name="email", source="email", type="text", role="ignore", pii=pii),
        Column(name="person", source="person", type="text", role="id", pii=pii),
        Column(name="n", source="n", type="integer"),
    )
    ledger.contract = ledger.contract.model_copy(update={"columns": columns})


def files(ledger: Ledger) -> list[Path]:
    return [path for path in ledger.project.artifacts.rglob("*") if path.is_file()]
