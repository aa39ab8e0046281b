"""Files in an object storage: in every format, whole or only the new, by whichever vendor."""

from __future__ import annotations

import bz2
import gzip
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from fourhats_runtime.data import Loaded, ObjectStorage
from fourhats_runtime.data.sources import stores
from fourhats_runtime.data.store_login import address, endpoint, reason
from fourhats_runtime.errors import ProjectError
from pyarrow import fs

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

Rows = list[tuple[Any, ...]]


class Store:
    """A bucket that is a folder."""

    def __init__(self, project: Project, folder: Path) -> None:
        """Make it."""
        self.project, self.folder = project, folder / "bucket"
        self.folder.mkdir()
        self.taken = 0

    def put(self, name: str, content: str | bytes) -> None:
        """Write an object."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(
        self, pattern: str, bookmark: str | None = None, **settings: object
    ) -> tuple[Loaded, dict[str, str], Rows]:
        """Read what matches: gives what is said, the columns, the rows."""
        self.taken += 1
        source = ObjectStorage(f"store_{self.taken}")
        project = with_table(self.project, source.name, url=f"s3://bucket/{pattern}", **settings)
        assert source.configured(project)
        with duckdb.connect() as connection:
            loaded = source.load(connection, project, "rows", bookmark)
            table = connection.table("rows")
            kinds = dict(zip(table.columns, map(str, table.types), strict=True))
            return loaded, kinds, table.fetchall()


@pytest.fixture
def store(fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give a bucket that is a folder."""
    files = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(stores, "_file_system", lambda *_: files)
    return Store(fresh, tmp_path)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/a.csv", ["1"]),
        ("in", ["1", "2", "3", "4"]),
        ("in/", ["1", "2", "3", "4"]),
        ("in/*.csv", ["1", "2", "3", "4"]),
        ("in/?.csv", ["1", "2"]),
        ("in/s*/*.csv", ["3", "4"]),
        ("in/[b-z]*", ["2", "3", "4"]),
    ],
)
def test_a_file_a_folder_or_a_pattern_is_read(
    pattern: str, expected: list[str], store: Store
) -> None:
    for name, value in (("a", 1), ("b", 2), ("sub/c", 3), ("sub/deep/d", 4)):
        store.put(f"in/{name}.csv", f"x,y\n{value},0\n")
    for hidden in ("in/_SUCCESS", "in/.part", "in/_tmp/e.csv", "in/.tmp/f.csv", "in/empty.csv"):
        store.put(hidden, "" if "empty" in hidden else "x,y\n9,0\n")
    loaded, _, rows = store.read(pattern)
    assert loaded == Loaded()
    assert [x for x, _ in rows] == expected


def test_folders_with_values_become_columns(store: Store) -> None:
    store.put("year=2026/city=Z%C3%BCrich/a.csv", "x,y\n1,0\n")
    store.put("year=2027/city=__HIVE_DEFAULT_PARTITION__/b.csv", "x,y\n2,0\n")
    _, kinds, rows = store.read("*.csv")
    assert set(kinds.values()) == {"VARCHAR"}
    assert rows == [("1", "0", "2026", "Zürich"), ("2", "0", "2027", None)]
    store.put("lines/year=2026/a.jsonl", '{"x": 1, "year": "own"}\n\n{"x": 2}\n')
    assert store.read("lines")[2] == [("own", 1), ("2026", 2)]


def test_what_is_compressed_is_unpacked(store: Store) -> None:
    store.put("a.csv.gz", gzip.compress(b"x,y\n1,0\n"))
    store.put("b.CSV.bz2", bz2.compress(b"x,y\n2,0\n"))
    assert [x for x, _ in store.read("*")[2]] == ["1", "2"]


def test_json_lines_are_read_with_columns_that_were_seen_before(store: Store) -> None:
    store.put("a.json", '{"x": 1, "y": {"z": "a"}}\n')
    first, kinds, rows = store.read("*.json", only_new=True)
    assert (kinds, rows) == ({"x": "BIGINT", "y.z": "VARCHAR"}, [(1, "a")])
    store.put("b.json", '{"x": 2}\n')
    second, kinds, rows = store.read("*.json", first.bookmark, only_new=True)
    assert not second.whole
    assert (kinds, rows) == ({"x": "BIGINT", "y.z": "VARCHAR"}, [(2, None)])


def test_only_files_that_are_new_are_read(store: Store) -> None:
    store.put("a.csv", "x,y\n1,0\n")
    first, kinds, _ = store.read("*.csv", only_new=True)
    assert first.whole
    again, same, rows = store.read("*.csv", first.bookmark, only_new=True)
    assert (again.whole, same, rows) == (False, kinds, [])
    store.put("b.csv", "x,y\n2,0\n")
    second, _, rows = store.read("*.csv", again.bookmark, only_new=True)
    assert (second.whole, rows) == (False, [("2", "0")])
    store.put("a.csv", "x,y\n11,0\n")
    changed, _, rows = store.read("*.csv", second.bookmark, only_new=True)
    assert (changed.whole, rows) == (True, [("11", "0"), ("2", "0")])
    assert store.read("*.csv", changed.bookmark) == (Loaded(), kinds, rows)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there is no such file"),
        ({"a.csv": "x,y\n1,2\n", "b.json": "{}\n"}, "both JSON and other files"),
        ({"a.json": '{"x": 1}\n[1]\n'}, "a.json: line 2 is no JSON object"),
        ({"a.json": '{"x": \n'}, "a.json: line 1 is no JSON object"),
        ({"a.csv": "x\n1\n"}, "s3://bucket/a.csv: is no table"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_address(
    files: dict[str, str], words: str, store: Store
) -> None:
    for name, content in files.items():
        store.put(name, content)
    with pytest.raises(ProjectError, match=r"store_1\.url") as refused:
        store.read("*")
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://shop/a/b.csv", ("s3", "shop", "a/b.csv")),
        ("gs://shop", ("gs", "shop", "")),
        ("az://shop//a/*", ("az", "shop", "a/*")),
        ("http://shop/a", None),
        ("s3:/shop", None),
        ("shop/a", None),
    ],
)
def test_an_address_names_vendor_bucket_and_what_is_in_it(
    url: str, expected: tuple[str, str, str] | None
) -> None:
    if expected is None:
        with pytest.raises(ProjectError, match=r"shop\.url is "):
            address(url, "shop.url")
    else:
        assert address(url, "shop.url") == expected


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9000", "https://minio.example.com"])
def test_an_endpoint_names_a_host(url: str) -> None:
    assert endpoint(url, "shop.endpoint").geturl() == url


@pytest.mark.parametrize("url", ["minio:9000", "ftp://minio", "http://", "https:///path"])
def test_an_endpoint_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(ProjectError, match=r"shop\.endpoint has to start with https"):
        endpoint(url, "shop.endpoint")


def test_no_secret_is_part_of_an_error(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "s4cret")
    error = OSError("of s3cret\n and s4cret: https://x/?sig=abc&token=def&x=1")
    assert reason(error, fresh) == "of … and …: https://x/?sig=…&token=…&x=1"
    assert reason(OSError(), fresh) == "OSError"
    assert len(reason(OSError("x" * 999), fresh)) == 300


class Noted:
    """A file system that notes how it was made."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 (of each vendor others)
        """Keep what was given."""
        self.given = {name: value for name, value in given.items() if value not in (None, False)}


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the vendors' file systems aside, and what the machine knows of them."""
    for name in ("S3FileSystem", "GcsFileSystem", "AzureFileSystem"):
        monkeypatch.setattr(fs, name, Noted)
    monkeypatch.setattr(fs, "resolve_s3_region", lambda bucket: f"region of {bucket}")
    for name in (
        *(f"AWS_{each}" for each in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")),
        *(f"AZURE_STORAGE_{each}" for each in ("ACCOUNT", "KEY", "SAS_TOKEN")),
        *(f"AZURE_{each}" for each in ("CLIENT_ID", "TENANT_ID")),
    ):
        monkeypatch.setenv(name, "")


def given(project: Project, url: str) -> tuple[dict[str, Any], str]:
    """Give how the file system is made, and the folder in it."""
    files, folder = stores.folder(project, url, "scores.url")
    assert isinstance(files, Noted)
    return files.given, folder


@pytest.mark.usefixtures("vendors")
def test_s3_is_asked_for_its_region_unless_somebody_else_speaks(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given(fresh, "s3://shop/a/") == ({"region": "region of shop"}, "shop/a")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", " id ")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    minio = "http://127.0.0.1:9000"
    project = with_table(fresh, "object_storage", url="", endpoint=minio, anonymous=True)
    assert given(project, "s3://shop")[0] == {
        "access_key": "id",
        "secret_key": "key",
        "anonymous": True,
        "endpoint_override": minio,
    }


@pytest.mark.usefixtures("vendors")
def test_google_is_reached_where_the_endpoint_says(fresh: Project) -> None:
    assert list(given(fresh, "gs://shop/a")[0]) == ["retry_time_limit"]
    project = with_table(fresh, "object_storage", url="", endpoint="http://127.0.0.1:4443")
    found, folder = given(project, "gs://shop/a")
    assert folder == "shop/a"
    assert (found["scheme"], found["endpoint_override"]) == ("http", "127.0.0.1:4443")


@pytest.mark.usefixtures("vendors")
def test_azure_is_entered_by_token_key_or_identity_in_this_order(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProjectError, match="AZURE_STORAGE_ACCOUNT is not set"):
        given(fresh, "az://shop")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    monkeypatch.setenv("AZURE_CLIENT_ID", "machine")
    account = {"account_name": "acme"}
    assert given(fresh, "az://shop")[0] == account | {"client_id": "machine"}
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    assert given(fresh, "az://shop")[0] == account
    monkeypatch.setenv("AZURE_TENANT_ID", "")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "key")
    assert given(fresh, "az://shop")[0] == account | {"account_key": "key"}
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "token")
    assert given(fresh, "az://shop")[0] == account | {"sas_token": "token"}


def test_what_was_read_is_noted_as_json(store: Store) -> None:
    store.put("a.csv", "x,y\n1,0\n")
    loaded, kinds, _ = store.read("a.csv", only_new=True)
    note = json.loads(loaded.bookmark or "")
    assert note["columns"] == kinds
    ((size, written),) = note["files"].values()
    assert size == 8
    assert written > 0
