"""BigQuery as a source and as the warehouse. Its client is played; tests/run has an emulator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from fourhats_runtime.data import BigQuery, Loaded
from fourhats_runtime.data.warehouse import columns, connect
from fourhats_runtime.errors import ProjectError
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project


@dataclass
class Answer:
    """Rows, and what is said of their columns."""

    kinds: dict[str, str]
    rows: pa.Table

    @property
    def schema(self) -> list[bigquery.SchemaField]:
        """Describe the columns."""
        return [bigquery.SchemaField(name, kind) for name, kind in self.kinds.items()]

    def to_arrow_iterable(self) -> Iterator[pa.RecordBatch]:
        """Give a row at a time, or one batch without any."""
        yield from self.rows.to_batches(max_chunksize=1)

    def to_arrow(self, *, create_bqstorage_client: bool) -> pa.Table:
        """Give all rows."""
        assert not create_bqstorage_client
        return self.rows


NOTHING = Answer({}, pa.table({}))


@dataclass
class Client:
    """What it answers, and what it was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    loaded: list[pa.Table] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    who: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    def enter(self, **who: Any) -> Client:  # noqa: ANN401 (Google's)
        """Let in."""
        self.who = who
        return self

    def query_and_wait(self, query: str, job_config: Any = None, **_: object) -> Answer:  # noqa: ANN401
        """Answer a query."""
        self.asked.append((query, job_config))
        if self.error is not None:
            raise self.error
        return self.answers.get(query, NOTHING)

    def query(self, query: str, job_config: Any) -> Answer:  # noqa: ANN401
        """Tell the columns of a query."""
        assert job_config.dry_run
        return self.answers.get(query, NOTHING)

    def get_dataset(self, dataset: bigquery.DatasetReference, **_: object) -> None:
        """Say that there is none."""
        raise NotFound(str(dataset))  # type: ignore[no-untyped-call]

    def create_dataset(self, dataset: bigquery.DatasetReference, **_: object) -> None:
        """Make it."""
        self.made.append(dataset.dataset_id)

    def get_table(self, table: bigquery.TableReference, **_: object) -> Answer:
        """Describe a table."""
        if table.table_id not in self.answers:
            raise NotFound(table.table_id)  # type: ignore[no-untyped-call]
        return self.answers[table.table_id]

    def load_table_from_file(self, file: Any, *_: object, **how: Any) -> SimpleNamespace:  # noqa: ANN401
        """Take rows."""
        assert how["rewind"]
        file.seek(0)
        self.loaded.append(pa.parquet.read_table(file))
        return SimpleNamespace(result=lambda **_: None)

    def close(self) -> None:
        """Hang up."""


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """Give a client that both the source and the warehouse use."""
    client = Client()
    monkeypatch.setattr(bigquery, "Client", client.enter)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    return client


def load(
    project: Project, bookmark: str | None = None, **settings: str
) -> tuple[Loaded, dict[str, str], list[tuple[Any, ...]]]:
    """Read; gives what is said, the columns, the rows."""
    chosen = {"project": "acme", "query": "SELECT 1; "} | settings
    source = BigQuery("shop")
    with duckdb.connect() as connection:
        given = with_table(project, "shop", **chosen)
        assert source.configured(given)
        loaded = source.load(connection, given, "rows", bookmark)
        table = connection.table("rows")
        kinds = dict(zip(table.columns, map(str, table.types), strict=True))
        return loaded, kinds, table.fetchall()


def test_every_page_is_taken_in_moments_in_utc_and_long_decimals_as_text(
    client: Client, fresh: Project
) -> None:
    rows = pa.table(
        {
            "id": [1, 2],
            "at": pa.array([0, 1_000_000], pa.timestamp("us", "UTC")),
            "plain": pa.array([0, None], pa.timestamp("us")),
            "long": pa.array([Decimal("1.5"), None], pa.decimal256(60, 20)),
        }
    )
    client.answers["SELECT 1"] = Answer(dict.fromkeys(rows.column_names, "STRING"), rows)
    loaded, kinds, found = load(fresh, location="europe-west6")
    assert loaded == Loaded()
    assert kinds == {
        "id": "BIGINT",
        "at": "TIMESTAMP",
        "plain": "TIMESTAMP",
        "long": "VARCHAR",
    }
    assert [row[0] for row in found] == [1, 2]
    assert [str(row[1]) for row in found] == ["1970-01-01 00:00:00", "1970-01-01 00:00:01"]
    assert Decimal(found[0][3]) == Decimal("1.5")
    assert client.who == {"project": "acme", "location": "europe-west6"}


def test_only_what_is_not_before_the_bookmark_is_asked_for(client: Client, fresh: Project) -> None:
    rows = pa.table({"at": [3, 7]})
    client.answers["SELECT 1"] = Answer({"at": "INTEGER"}, rows)
    first, _, _ = load(fresh, cursor="at")
    assert first == Loaded("7", whole=True)
    since = "SELECT * FROM (SELECT 1\n) AS source_rows WHERE `at` >= @bookmark OR `at` IS NULL"
    client.answers[since] = Answer({"at": "INTEGER"}, rows.slice(1))
    assert load(fresh, "7", cursor="at")[0] == Loaded("7", whole=False)
    (parameter,) = client.asked[-1][1].query_parameters
    assert (parameter.name, parameter.type_, parameter.value) == ("bookmark", "INT64", 7)
    with pytest.raises(ProjectError, match="no column nope, which `cursor` names"):
        load(fresh, "7", cursor="nope")


def test_what_goes_wrong_is_one_line(client: Client, fresh: Project) -> None:
    with pytest.raises(ProjectError, match="gives no rows: it has to be a SELECT"):
        load(fresh)
    said = [{"message": "no table\nat all"}]
    client.error = BadRequest("400 POST https://x", said)  # type: ignore[no-untyped-call]
    with pytest.raises(ProjectError, match=r"^BigQuery: no table \(\[shop\] in config") as failed:
        load(fresh)
    assert "https" not in str(failed.value)


@pytest.fixture
def there(client: Client, fresh: Project) -> Project:
    """Give a project whose warehouse is the client's."""
    assert client.made == []
    table = with_table(fresh, "warehouse", project="acme", dataset="sample")
    return replace(table, warehouse="bigquery")


def test_the_dataset_is_made_and_statements_run_in_it(client: Client, there: Project) -> None:
    rows = pa.table({"n": [1], "t": ["x"], "d": pa.array([Decimal("1.5")], pa.decimal128(9, 1))})
    kinds = {"n": "INTEGER", "t": "STRING", "d": "NUMERIC"}
    client.answers["SELECT * FROM `kinds`"] = client.answers["kinds"] = Answer(kinds, rows)
    with connect(there) as connection:
        assert connection.execute("SELECT * FROM kinds").fetchall() == [(1, "x", 1.5)]
        assert client.asked[-1][1].default_dataset.dataset_id == "sample"
        assert columns(connection, "kinds") == {"n": "BIGINT", "t": "VARCHAR", "d": "DOUBLE"}
        assert columns(connection, "nowhere") == {}
        connection.execute("CREATE OR REPLACE VIEW v AS SELECT * FROM kinds")
        assert "`sample`.`kinds`" in client.asked[-1][0]
        connection.load("t", connection.reader.sql("SELECT i AS x FROM range(3) AS r(i)"))
    assert client.made == ["sample"]
    assert client.loaded[0].to_pydict() == {"x": [0, 1, 2]}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT trim(x) AS y FROM t", "TRIM(`x`, ' ')"),
        ("SELECT concat_ws('|', x, y) AS z FROM t", "ARRAY_TO_STRING([`x`, `y`], '|')"),
        ("CREATE OR REPLACE TEMP TABLE u AS SELECT 1 AS x", "CREATE OR REPLACE TABLE `u`"),
    ],
)
def test_what_it_lacks_is_said_in_other_words(
    sql: str, expected: str, client: Client, there: Project
) -> None:
    with connect(there) as connection:
        connection.execute(sql)
    assert expected in client.asked[-1][0]
