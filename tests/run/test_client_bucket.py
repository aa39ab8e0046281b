"""`fourhats new --client-data s3://…`: from files in a client's bucket to a project about them."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.services.generator import fourhats
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.object_stores import ObjectStore

ROWS = 240


@pytest.fixture(scope="module")
def client(store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    """The store, with a client's table in it."""
    table = tmp_path_factory.mktemp("table") / "deliveries.csv"
    deliveries(table, ROWS)
    store.put("2026/deliveries.csv", table.read_bytes())
    return store


def test_files_in_a_bucket_are_profiled_and_set_up(client: ObjectStore, tmp_path: Path) -> None:
    url = client.address("2026/*.csv")
    words = ("new", "acme", "--defaults", "--client-data", url, "--target", "hours")
    said = fourhats(tmp_path, *words, env=client.settings)
    assert said.returncode == 0, said.stderr
    assert f"Contract inferred from *.csv: {ROWS} rows" in said.stdout
    project = tmp_path / "acme"
    sources = tomllib.loads((project / "config" / "sources.toml").read_text(encoding="utf-8"))
    assert sources["object_storage"]["url"] == url
    contract = tomllib.loads((project / "config" / "contract.toml").read_text(encoding="utf-8"))
    roles = {column["source"]: column["role"] for column in contract["columns"]}
    assert roles["hours"] == "target"


def test_what_is_not_there_is_said_in_one_line(client: ObjectStore, tmp_path: Path) -> None:
    url = client.address("2025/*.csv")
    words = ("new", "acme", "--defaults", "--client-data", url, "--target", "hours")
    said = fourhats(tmp_path, *words, env=client.settings)
    assert said.returncode == 2
    assert said.stderr.strip() == f"fourhats: {url}: there is no such file"
    assert list(tmp_path.iterdir()) == []


def test_they_are_profiled_without_a_project(client: ObjectStore, tmp_path: Path) -> None:
    words = ("profile", client.address("2026/*.csv"), "--json")
    said = fourhats(tmp_path, *words, env=client.settings)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["rows"] == ROWS
    assert list(tmp_path.iterdir()) == []
