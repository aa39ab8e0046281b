"""Batch scoring: in parts, killed and repeated, and to a bucket."""

from __future__ import annotations

import random
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tests.services.object_stores import BUCKET
from tests.services.rendered import Project, command, install, project_env, render
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from tests.services.object_stores import ObjectStore

ROWS = 3_300
OPEN_ROWS = 2_000
KILLS = 10
# As the command does, with parts so small that there are many.
SMALL_PARTS = """
import pathlib
from fourhats_runtime import pipeline
from fourhats_runtime.score import files, local
from {package}.project import project
files.PART_ROWS = local.PART_ROWS = 100
print(pipeline.run_step("score", project).rows_out)
"""
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a champion, and rows to score."""
    folder = tmp_path_factory.mktemp("batch")
    table = folder / "deliveries.csv"
    deliveries(table, ROWS, open_rows=OPEN_ROWS)
    project = install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            data_sources=["files", "object_storage"],
            files_path=str(table),
            serving=["batch"],
            orchestrator="none",
        )
    )
    command(project, "contract", "infer", str(table), "--target", "hours", "--force")
    for step in ("extract", "validate", "transform", "train", "evaluate", "promote"):
        command(project, step)
    return project


@pytest.fixture(scope="module")
def expected(project: Project) -> Rows:
    """What scoring gives when nobody disturbs it."""
    command(project, "score")
    return scores(project)


def scores(project: Project) -> Rows:
    """Read the warehouse's table, without the moment."""
    path = project.folder / "artifacts" / "warehouse.duckdb"
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.sql("FROM scores ORDER BY _source, _row").to_arrow_table()
    taken: Rows = rows.drop_columns("scored_at").to_pylist()
    return taken


def in_small_parts(project: Project) -> subprocess.Popen[str]:
    script = SMALL_PARTS.format(package=project.slug.replace("-", "_"))
    return subprocess.Popen(
        [project.program.with_name("python"), "-c", script],
        cwd=project.folder,
        env=project_env({}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def partition(project: Project) -> Path:
    (folder,) = (project.folder / "artifacts" / "scores").glob("scored_on=*")
    return folder


def test_killed_at_any_moment_and_repeated_the_table_is_the_same(
    project: Project, expected: Rows
) -> None:
    assert len(expected) == OPEN_ROWS
    before = time.perf_counter()
    with in_small_parts(project) as process:
        process.communicate()
    seconds = time.perf_counter() - before
    moments = random.Random(5)
    for _ in range(KILLS):
        for part in partition(project).iterdir():
            part.unlink()
        with in_small_parts(project) as process:
            time.sleep(seconds * moments.uniform(0.3, 1))
            process.kill()
        with in_small_parts(project) as process:
            _, said = process.communicate()
        assert process.returncode == 0, said
        assert scores(project) == expected
        assert (partition(project) / "_SUCCESS").exists()


def test_what_a_killed_run_has_done_is_kept(project: Project, expected: Rows) -> None:
    with in_small_parts(project) as process:
        process.communicate()
    parts = sorted(partition(project).glob("part-*.parquet"))
    (partition(project) / "_SUCCESS").unlink()
    for part in parts[5:]:
        part.unlink()
    kept = [part.stat().st_mtime_ns for part in parts[:5]]
    parts[2].write_bytes(parts[2].read_bytes()[:-100])
    with in_small_parts(project) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    now = [part.stat().st_mtime_ns for part in parts[:5]]
    assert [place for place in range(5) if now[place] != kept[place]] == [2]
    assert scores(project) == expected


def test_other_rows_and_other_money_are_scored_anew(project: Project, expected: Rows) -> None:
    worth = {"VALUE__RIGHT": "77"}
    command(project, "score", env=worth)
    assert len(scores(project)) == len(expected)
    parts = [part.stat().st_mtime_ns for part in partition(project).glob("part-*")]
    command(project, "score")
    assert [part.stat().st_mtime_ns for part in partition(project).glob("part-*")] != parts
    assert scores(project) == expected


def test_a_folder_that_cannot_be_written_is_told_in_one_line(
    project: Project, expected: Rows
) -> None:
    folder = project.folder / "artifacts" / "scores"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    try:
        done = command(project, "score", check=False)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "artifacts/scores" in done.stderr
    assert scores(project) == expected


def test_scores_go_to_a_bucket_and_from_there_to_the_warehouse(
    project: Project, expected: Rows, store: ObjectStore
) -> None:
    env = {**store.settings, "SCORES__URL": store.address("out/scores")}
    store.put(f"out/scores/scored_on={datetime.now(UTC).date()}/part-00007.parquet", b"left over")
    for _ in range(2):
        said = command(project, "score", env=env).stdout
        assert f"{store.scheme}://{BUCKET}/out/scores/scored_on=" in said
        found = store.files.get_file_info(fs.FileSelector(f"{BUCKET}/out", recursive=True))
        files = [info.path for info in found if info.is_file]
        names = sorted(Path(file).name for file in files)
        assert names == ["_SUCCESS", "_unscored.csv", "part-00000.parquet"]
    (part,) = (file for file in files if file.endswith(".parquet"))
    with store.files.open_input_file(part) as file:
        assert pq.read_table(file).num_rows == len(expected)
    assert scores(project) == expected
