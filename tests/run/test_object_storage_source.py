"""Files in S3, Google Cloud Storage and Azure Blob: in every format, whole and only the new."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.services.rendered import Project, command, install, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.object_stores import ObjectStore

ROWS = 240
ONLY_NEW = {"OBJECT_STORAGE__ONLY_NEW": "true"}
Record = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """A project, and the store that it reads."""

    project: Project
    store: ObjectStore
    records: list[Record]

    def extract(
        self, pattern: str, settings: dict[str, str] | None = None, *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Extract the files that match."""
        url = {"OBJECT_STORAGE__URL": self.store.address(pattern)}
        env = {**self.store.settings, **url, **(settings or {})}
        return command(self.project, "extract", env=env, check=check)

    def refused(self, pattern: str, settings: dict[str, str] | None = None) -> str:
        """Extract in vain: one line, no secret, and what was there is still there."""
        before = self.tables()
        done = self.extract(pattern, settings, check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr
        keys = [value for name, value in self.store.settings.items() if name.endswith("_KEY")]
        assert not [key for key in keys if key in done.stderr]
        assert self.tables() == before
        return done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the project's warehouse."""
        path = self.project.folder / "artifacts" / "warehouse.duckdb"
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(query).fetchall()

    def names(self) -> list[str]:
        """Give the ids that were extracted."""
        return [name for (name,) in self.rows("SELECT order_no FROM raw_object_storage ORDER BY 1")]

    def tables(self) -> list[tuple[Any, ...]]:
        """Give what was extracted so far, and how far it came."""
        if not (self.project.folder / "artifacts").exists():
            return []
        names = self.rows("SELECT table_name FROM duckdb_tables() ORDER BY ALL")
        kept = [name for (name,) in names if name in {"raw_object_storage", "bookmarks"}]
        return [row for name in kept for row in self.rows(f"FROM {name}")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("object-storage")
    deliveries(folder / "deliveries.csv", ROWS, open_rows=0)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=["object_storage"],
            serving=["batch"],
            orchestrator="none",
        )
    )
    table = str(folder / "deliveries.csv")
    command(project, "contract", "infer", table, "--target", "hours", "--force")
    return project


@pytest.fixture
def shop(project: Project, store: ObjectStore, tmp_path: Path) -> Iterator[Shop]:
    """A project that has not read anything yet, and a bucket with nothing in it."""
    table = project.folder.parent / "deliveries.csv"
    with table.open(encoding="utf-8", newline="") as file:
        records = [_record(row) for row in csv.DictReader(file)]
    yield Shop(project, store, records)
    store.empty()
    artifacts = project.folder / "artifacts"
    if artifacts.exists():
        artifacts.rename(tmp_path / "artifacts")


def _record(row: dict[str, str]) -> Record:
    """Make the record of a delivery."""
    weight = float(row["weight_kg"]) if row["weight_kg"] else None
    numbers = {name: float(row[name]) for name in ("distance_km", "hours")}
    return {**row, **numbers, "weight_kg": weight, "express": row["express"] == "true"}


def as_csv(records: list[Record]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0], delimiter=";")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_json_lines(records: list[Record]) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def as_parquet(records: list[Record]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), file)
    return file.getvalue()


FORMATS = {
    "csv": as_csv,
    "csv.gz": lambda records: gzip.compress(as_csv(records)),
    "jsonl": as_json_lines,
    "parquet": as_parquet,
}
# What does not depend on the store is seen on one of them.
ON_S3 = pytest.mark.parametrize("store", ["s3"], indirect=True)


@pytest.mark.parametrize(
    ("store", "ending"),
    [*(("s3", ending) for ending in FORMATS), ("gcs", "csv.gz"), ("azure", "csv.gz")],
    indirect=["store"],
)
def test_every_format_is_read_and_folders_of_partitions_are_columns(
    shop: Shop, ending: str
) -> None:
    write = FORMATS[ending]
    half = len(shop.records) // 2
    shop.store.put(f"sales/year=2025/land=Z%C3%BCrich/a.{ending}", write(shop.records[:half]))
    shop.store.put(f"sales/year=2026/land=Bern/b ä.{ending}", write(shop.records[half:]))
    shop.store.put("sales/_SUCCESS", b"done")
    shop.store.put(f"sales/year=2026/.hidden.{ending}", b"nothing")
    shop.store.put("elsewhere/x.csv", b"a,b\n1,2\n")
    shop.extract("sales/")
    assert shop.names() == [record["order_no"] for record in shop.records]
    found = shop.rows("SELECT year, land, count(*) FROM raw_object_storage GROUP BY ALL ORDER BY 1")
    assert found == [("2025", "Zürich", half), ("2026", "Bern", half)]
    command(shop.project, "validate")
    assert shop.rows("SELECT count(*) FROM quarantine") == [(0,)]
    shop.extract(f"sales/*.{ending}")
    assert len(shop.names()) == ROWS
    if ending == "csv":
        shop.extract(f"sales/year=2025/land=Z%C3%BCrich/a.{ending}")
        assert len(shop.names()) == half


def test_only_new_files_are_read_and_a_changed_or_vanished_one_means_all(shop: Shop) -> None:
    third = ROWS // 3
    parts = [shop.records[start : start + third] for start in range(0, ROWS, third)]
    shop.store.put("in/1.parquet", as_parquet(parts[0]))
    shop.extract("in/*.parquet", ONLY_NEW)
    once = shop.tables()
    shop.extract("in/*.parquet", ONLY_NEW)
    assert [row[:7] for row in shop.tables()][1:] == [row[:7] for row in once][1:]
    corrected = {**parts[0][0], "hours": 99.5}
    shop.store.put("in/2.parquet", as_parquet([corrected, *parts[1]]))
    shop.extract("in/*.parquet", ONLY_NEW)
    assert len(shop.names()) == 2 * third
    changed = f"order_no = '{corrected['order_no']}'"
    hours = f"SELECT hours FROM raw_object_storage WHERE {changed}"  # noqa: S608 - our own
    assert shop.rows(hours) == [(99.5,)]
    shop.store.put("in/2.parquet", as_parquet(parts[2]))
    shop.extract("in/*.parquet", ONLY_NEW)
    expected = sorted(record["order_no"] for record in parts[0] + parts[2])
    assert shop.names() == expected
    assert shop.rows(hours) == [(parts[0][0]["hours"],)]
    shop.store.remove("in/1.parquet")
    shop.extract("in/*.parquet", ONLY_NEW)
    assert shop.names() == sorted(record["order_no"] for record in parts[2])


@ON_S3
def test_json_lines_that_leave_out_what_is_null_are_only_new_rows(shop: Shop) -> None:
    shop.store.put("in/1.jsonl", as_json_lines(shop.records[:100]))
    shop.extract("in/", ONLY_NEW)
    late = [{**record, "hours": 3} for record in shop.records[100:110]]
    for record in late:
        del record["weight_kg"]
    shop.store.put("in/2.jsonl", as_json_lines(late))
    shop.extract("in/", ONLY_NEW)
    assert len(shop.names()) == 110
    shop.extract("in/", ONLY_NEW)
    assert len(shop.names()) == 110


@ON_S3
def test_a_column_that_is_gone_or_retyped_stops_before_any_harm(shop: Shop) -> None:
    shop.store.put("in/1.parquet", as_parquet(shop.records))
    shop.extract("in/")
    shop.store.put("in/1.parquet", as_parquet([{"order_no": "A", "colour": "red"}]))
    assert "distance_km is gone" in shop.refused("in/")
    far = [{**record, "distance_km": "far"} for record in shop.records]
    shop.store.put("in/1.parquet", as_parquet(far))
    assert "distance_km was number and is text" in shop.refused("in/")
    shop.store.put("in/1.parquet", as_parquet([{**r, "colour": "red"} for r in shop.records]))
    assert "new column colour" in shop.extract("in/").stdout


def test_what_is_wrong_is_told_in_one_line_that_names_the_object(shop: Shop) -> None:
    assert "no such file" in shop.refused("nothing/*.csv")
    shop.store.put("bad/1.csv", b"%PDF-1.7 no table")
    assert shop.store.address("bad/1.csv") in shop.refused("bad/")
    shop.store.put("bad/1.csv", as_csv(shop.records))
    shop.store.put("bad/2.jsonl", b'{"order_no": 1}\n{"order_no": \n')
    assert "JSON and other" in shop.refused("bad/")
    assert f"{shop.store.address('bad/2.jsonl')}: line 2" in shop.refused("bad/2.jsonl")
    missing = {"OBJECT_STORAGE__URL": f"{shop.store.scheme}://no-such-bucket/x.csv"}
    assert "object_storage.url" in shop.refused("x", missing)
    assert "https" in shop.refused("x", {"OBJECT_STORAGE__ENDPOINT": "ftp://example.com"})
    assert "s3://" in shop.refused("x", {"OBJECT_STORAGE__URL": "ftp://bucket/x"})


# moto and the Google emulator take every key.
@pytest.mark.parametrize("store", ["azure"], indirect=True)
def test_a_wrong_key_is_refused_and_not_shown(shop: Shop) -> None:
    shop.store.put("in/1.csv", as_csv(shop.records))
    wrong = {"AZURE_STORAGE_KEY": "d3Jvbmcta2V5LXMzY3JldA=="}
    assert wrong["AZURE_STORAGE_KEY"] not in shop.refused("in/", wrong)
    assert "AZURE_STORAGE_ACCOUNT" in shop.refused("in/", {"AZURE_STORAGE_ACCOUNT": ""})
