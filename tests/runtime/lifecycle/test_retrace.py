"""A version is built anew from its rows, whatever the project holds and says today."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import retrace as retracing
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.retrace import retrace

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_same_graph_comes_out_whatever_was_changed_since(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = _champion(ran)
    before = _listing(ran.folder)
    with connect(ran) as connection:
        connection.execute("DELETE FROM clean")
    monkeypatch.setenv("TRAINING__SEED", "5")
    monkeypatch.setenv("TRAINING__TRIALS", "1")
    monkeypatch.setenv("VALUE__CURRENCY", "CHF")
    monkeypatch.setenv("PERFORMANCE__OUTCOME_DAYS", "3")
    found = retrace(ran.at(ran.folder), version)
    assert found.difference is None
    assert str(found).startswith(f"{version}: the same graph, byte by byte, from ")
    assert _listing(ran.folder) == before


def test_another_graph_is_said_to_be_another_one(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = _champion(ran)
    monkeypatch.setattr(retracing, "_trained", lambda *_: b"another")
    monkeypatch.setattr(retracing, "_difference", lambda *_: 1e-6)
    assert "differ by at most 1e-06" in str(retrace(ran, version))
    monkeypatch.setattr(retracing, "_difference", lambda *_: 0.2)
    monkeypatch.setattr(retracing, "versions", lambda: {"numpy": "1.0"})
    with pytest.raises(ProjectError, match=r"answers differ by up to 0\.2; numpy was .*, is 1\.0"):
        retrace(ran, version)


def test_what_cannot_be_retraced_is_said(ran: Project) -> None:
    with pytest.raises(ProjectError, match=r"there is no version 'v9' \(there are: v1-"):
        retrace(ran, "v9")
    version = _champion(ran)
    folder = ran.artifacts / "snapshots"
    (file,) = folder.glob("*.parquet")
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ProjectError, match="its content has another hash"):
        retrace(ran, version)
    shutil.rmtree(folder)
    with pytest.raises(ProjectError, match="is missing: the rows were not kept"):
        retrace(ran, version)
    Registry(ran.artifacts / "registry").forget(version, "provenance")
    with pytest.raises(ProjectError, match="what it came of was not noted"):
        retrace(ran, version)


def _champion(project: Project) -> str:
    return Registry(project.artifacts / "registry").require("champion")


def _listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
