"""The files of scores: parts that are whole, in partitions that say when they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pytest
from fourhats_runtime.data.sources import stores
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.score.files import ScoreFiles, score_files, stamp_of
from fourhats_runtime.score.rows import Interval, partition
from pyarrow import fs, parquet

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project
    from fourhats_runtime.lifecycle import Model

ROWS = pa.record_batch({"_row": [1, 2], "prediction": ["yes", "no"]})
NOW = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 (the warehouse's are all in UTC)
DAY = partition(NOW, None)


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest,
    fresh: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Project, Path]:
    """Give a project and the folder that its scores are in: its own, or a bucket's."""
    if request.param == "folder":
        return fresh, fresh.artifacts / "scores"
    (tmp_path / "bucket").mkdir()
    # No local file system by its type: what is written there is not moved.
    files = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(stores, "_file_system", lambda *_: files)
    return with_table(fresh, "scores", url="s3://bucket/of/scores/"), tmp_path / "bucket/of/scores"


def test_a_part_is_there_once_it_was_written_of_just_this(place: tuple[Project, Path]) -> None:
    project, folder = place
    files = ScoreFiles(project, DAY)
    assert not files.has(0, "a")
    (folder / DAY).mkdir(parents=True, exist_ok=True)
    files.write(0, ROWS, "a")
    files.write(1, ROWS, "b")
    assert [files.has(0, "a"), files.has(0, "b"), files.has(1, "b")] == [True, False, True]
    (folder / DAY / "part-00001.parquet").write_bytes(b"cut off")
    assert not files.has(1, "b")
    assert files.address.endswith(f"scores/{DAY}")


def test_what_the_memory_held_under_a_missing_value_changes_no_part(fresh: Project) -> None:
    model = cast("Model", SimpleNamespace(version="v1-a"))
    stamps = []
    for held in (7.0, 8.0):
        values = pa.array([1.0, held, 3.0])
        known = pa.py_buffer(bytes([0b101]))
        column = pa.Array.from_buffers(pa.float64(), 3, [known, values.buffers()[1]], 1)
        assert column.to_pylist() == [1.0, None, 3.0]
        stamps.append(stamp_of(model, fresh, pa.record_batch({"a": column})))
    assert stamps[0] == stamps[1]
    assert stamp_of(model, fresh, pa.record_batch({"a": [1.0, 2.0, 3.0]})) != stamps[0]


def test_a_partition_is_whole_when_it_says_so(place: tuple[Project, Path]) -> None:
    project, folder = place
    (folder / DAY).mkdir(parents=True, exist_ok=True)
    with score_files(project, DAY) as files:
        for part in range(3):
            files.write(part, ROWS, "a")
        files.complete(3)
        assert (folder / DAY / "_SUCCESS").exists()
        files.write(0, ROWS, "b")
        assert not (folder / DAY / "_SUCCESS").exists()
        files.complete(1)
    names = sorted(file.name for file in (folder / DAY).iterdir())
    assert names == ["_SUCCESS", "part-00000.parquet"]


def test_the_table_holds_every_day_and_no_time_of_the_past(place: tuple[Project, Path]) -> None:
    project, folder = place
    past = partition(NOW, Interval(date(2025, 1, 1), date(2025, 2, 1)))
    assert past == "backtests/since=2025-01-01/until=2025-02-01"
    for name in (DAY, "scored_on=2026-01-03", past):
        (folder / name).mkdir(parents=True, exist_ok=True)
        ScoreFiles(project, name).write(0, ROWS, "a")
    with connect(project) as connection:
        ScoreFiles(project, DAY).renew(connection)
        found = values(connection, "SELECT * FROM scores ORDER BY scored_on, _row")
    assert found["_row"] == [1, 2, 1, 2]
    assert {str(day) for day in found["scored_on"]} == {"2026-01-02", "2026-01-03"}


def test_the_list_of_who_got_no_decision_lies_beside_the_scores_and_is_no_part_of_them(
    place: tuple[Project, Path],
) -> None:
    project, folder = place
    (folder / DAY).mkdir(parents=True, exist_ok=True)
    with connect(project) as connection, score_files(project, DAY) as files:
        for listed in (b"source,row,id,reason\n", b"source,row,id,reason\nshop,1,7,late\n"):
            files.write(0, ROWS, "a")
            files.complete(1, listed)
            files.renew(connection)
            assert (folder / DAY / "_unscored.csv").read_bytes() == listed
            assert values(connection, "SELECT * FROM scores")["_row"] == [1, 2]
    assert parquet.read_table(folder / DAY).num_rows == 2


def test_what_cannot_be_written_is_named(fresh: Project) -> None:
    fresh.artifacts.mkdir()
    (fresh.artifacts / "scores").write_text("in the way")
    with (
        pytest.raises(ProjectError, match=rf"^artifacts/scores/{DAY} cannot be written: "),
        score_files(replace(fresh), DAY) as files,
    ):
        files.write(0, ROWS, "a")


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [("2026-01-30", "2026-01-31", 1), ("2026-01-01", "2026-02-01", 31)],
)
def test_an_interval_ends_before_its_second_day(since: str, until: str, days: int) -> None:
    interval = Interval.of(since, until)
    assert interval is not None
    assert (interval.until - interval.since).days == days
