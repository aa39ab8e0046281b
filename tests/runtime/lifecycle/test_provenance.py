"""A version says what it came of, and its rows are kept once."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fourhats_runtime.data import Rows
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.origin import commit
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pipeline import run_step
from pyarrow import parquet

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

TASKS = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


@TASKS
def test_a_version_says_what_it_came_of(ran: Project) -> None:
    found = _origin(ran)
    assert found["git"] is None
    assert found["training"] | {"seed": 0, "trials": 2} == found["training"]
    assert found["versions"].keys() >= {"Python", "numpy", "scikit-learn", "onnxruntime"}
    assert found["value"] == ran.value.model_dump(exclude_defaults=True)
    candidates = {attempt["candidate"] for attempt in found["attempts"]}
    assert len(found["attempts"]) == 2
    assert candidates == {"trees"}
    assert all(attempt["parameters"] for attempt in found["attempts"])
    evaluation = Registry(ran.artifacts / "registry").noted(_version(ran), "evaluation")
    assert evaluation is not None
    for figures in (found["validation"], evaluation["figures"]):
        for figure in figures.values():
            assert figure["low"] < figure["figure"] < figure["high"]
    assert found["validation"].keys() == evaluation["figures"].keys()


def test_the_balance_of_the_classes_is_that_of_the_training_rows(ran: Project) -> None:
    classes = _origin(ran)["target"]["classes"]
    card = Registry(ran.artifacts / "registry").card(_version(ran))
    assert list(classes) == list(ran.contract.classes)
    assert sum(classes.values()) == card["rows"]["learned"]


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_numbers_are_told_by_quantiles_and_rows_by_their_time(ran: Project) -> None:
    found = _origin(ran)
    quantiles = list(found["target"]["quantiles"].values())
    assert quantiles == sorted(quantiles)
    rows = _snapshot(ran)
    moments = rows["hour_start"].to_pylist()
    assert found["data"]["by"] == "hour_start"
    assert (found["data"]["from"], found["data"]["to"]) == (str(min(moments)), str(max(moments)))


@TASKS
def test_the_rows_are_kept_once_under_their_hash(ran: Project) -> None:
    found, (file,) = _origin(ran)["data"], _files(ran)
    assert file.stem == found["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert _snapshot(ran).num_rows == found["rows"]
    outcomes = _snapshot(ran)[ran.contract.target.name]
    assert outcomes.null_count == 0
    Registry(ran.artifacts / "registry").forget(_version(ran), "provenance")
    run_step("transform", ran)
    run_step("train", ran)
    assert _origin(ran)["data"] == found
    assert _files(ran) == [file]


def test_personal_data_is_kept_as_pseudonyms(fresh: Project) -> None:
    run_step("extract", fresh)
    with connect(fresh) as connection:
        found = connection.arrow("SELECT * FROM raw_sample")
    text = fresh.contract_file.read_text(encoding="utf-8")
    marked = text.replace(
        'type = "integer"\nrole = "id"', 'type = "text"\nrole = "id"\npii = true', 1
    )
    assert marked != text
    fresh.contract_file.write_text(marked, encoding="utf-8")
    project = replace(fresh, sources=(Rows("people", lambda: found),), root=fresh.folder)
    for step in ("extract", "validate", "transform", "train"):
        run_step(step, project)
    ids = _snapshot(project)["customer_id"].to_pylist()
    assert {len(name) for name in ids} == {32}


def test_rows_are_not_kept_where_nobody_wants_it(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING__KEEP_ROWS", "false")
    (file,) = _files(ran)
    file.unlink()
    Registry(ran.artifacts / "registry").forget(_version(ran), "provenance")
    run_step("train", ran.at(ran.folder))
    assert _origin(ran)["data"]["kept"] is False
    assert not _files(ran)


def test_the_commit_is_told_and_whether_the_code_is_as_it_has_it(fresh: Project) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=fresh.folder, check=True, capture_output=True)

    assert commit(fresh.folder) is None
    git("init")
    assert commit(fresh.folder) is None
    git("add", ".")
    git("commit", "--message", "first")
    found = commit(fresh.folder)
    assert found is not None
    assert found["clean"] is True
    assert len(found["commit"]) == 40
    (fresh.folder / "docs").mkdir()
    (fresh.folder / "docs" / "model_card.md").write_text("", encoding="utf-8")
    assert commit(fresh.folder) == found
    with fresh.contract_file.open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert commit(fresh.folder) == found | {"clean": False}


def _version(project: Project) -> str:
    return Registry(project.artifacts / "registry").require("challenger")


def _origin(project: Project) -> dict[str, Any]:
    found = Registry(project.artifacts / "registry").noted(_version(project), "provenance")
    assert found is not None
    return found


def _files(project: Project) -> list[Path]:
    return sorted((project.artifacts / "snapshots").glob("*"))


def _snapshot(project: Project) -> Any:  # noqa: ANN401 (a table of Arrow)
    (file,) = _files(project)
    return parquet.read_table(file)
