"""`fourhats new --client-data s3://…`: from files in a client's bucket to a project about them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.availability import unavailable
from tests.services.object_stores import (
    ObjectStore,
    StoreMissingError,
    azure_store,
    gcs_store,
    s3_store,
)
from tests.services.rendered import ROOT
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

FOURHATS = Path(sys.executable).parent / "fourhats"
ROWS = 240
STORES = {"s3": s3_store, "gcs": gcs_store, "azure": azure_store}


@pytest.fixture(scope="module", params=STORES)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObjectStore]:
    table = tmp_path_factory.mktemp("table") / "deliveries.csv"
    deliveries(table, ROWS)
    with ExitStack() as stack:
        try:
            store = stack.enter_context(STORES[request.param]())
        except StoreMissingError as error:
            unavailable(error)
        store.put("2026/deliveries.csv", table.read_bytes())
        yield store


def fourhats(folder: Path, store: ObjectStore, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FOURHATS, *words],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=os.environ | {"FOURHATS_SOURCE": str(ROOT), **store.settings},
    )


def test_files_in_a_bucket_are_profiled_and_set_up(store: ObjectStore, tmp_path: Path) -> None:
    url = store.address("2026/*.csv")
    words = ("new", "acme", "--defaults", "--client-data", url, "--target", "hours")
    said = fourhats(tmp_path, store, *words)
    assert said.returncode == 0, said.stderr
    assert f"Contract inferred from *.csv: {ROWS} rows" in said.stdout
    project = tmp_path / "acme"
    sources = tomllib.loads((project / "config" / "sources.toml").read_text(encoding="utf-8"))
    assert sources["object_storage"]["url"] == url
    contract = tomllib.loads((project / "config" / "contract.toml").read_text(encoding="utf-8"))
    roles = {column["source"]: column["role"] for column in contract["columns"]}
    assert roles["hours"] == "target"


def test_what_is_not_there_is_said_in_one_line(store: ObjectStore, tmp_path: Path) -> None:
    url = store.address("2025/*.csv")
    words = ("new", "acme", "--defaults", "--client-data", url, "--target", "hours")
    said = fourhats(tmp_path, store, *words)
    assert said.returncode == 2
    assert said.stderr.strip() == f"fourhats: {url}: there is no such file"
    assert list(tmp_path.iterdir()) == []
