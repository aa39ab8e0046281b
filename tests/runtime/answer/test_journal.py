"""What is written stays, within bounds; a disk that is full is said, and got over."""

import errno
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.answer import journal as journal_module
from fourhats_runtime.answer.journal import MOST_DAYS_REMOVED, PARTS, Journal, NotWrittenError
from fourhats_runtime.errors import ProjectError

MANY = 1_000_000
STANDARD_ERROR = 2
WRITE = os.write


def lines(folder: Path) -> list[str]:
    paths = sorted(folder.glob("*.jsonl"))
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


def fill_up(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let the journal write so many bytes more, as a disk does that is nearly full."""

    def write(file: int, data: bytes) -> int:
        nonlocal room
        if file == STANDARD_ERROR:
            return WRITE(file, data)
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = WRITE(file, data[:room])
        room -= written
        return written

    monkeypatch.setattr("os.write", write)


def test_files_older_than_the_days_kept_are_removed(tmp_path: Path) -> None:
    for days in (0, 1, 2, 3):
        (tmp_path / f"{days_ago(days)}.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / "of my own.jsonl").write_text("{}\n", encoding="utf-8")
    Journal(tmp_path, 2, MANY).close()
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {f"{days_ago(0)}.jsonl", f"{days_ago(1)}.jsonl", "of my own.jsonl"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Give what sets the clock so many days ahead of the real one."""

    def set_ahead(days: int) -> None:
        def seconds() -> float:
            return time.time() + days * 86_400

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return cls.fromtimestamp(seconds(), tz)

        monkeypatch.setattr(journal_module, "datetime", Clock)
        monkeypatch.setattr(journal_module, "time", SimpleNamespace(time=seconds))

    return set_ahead


def test_a_clock_that_jumps_ahead_removes_nothing(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    for days in range(1, 30):
        (tmp_path / f"{days_ago(days)}.jsonl").write_text("{}\n", encoding="utf-8")
    journal = Journal(tmp_path, 31, MANY)
    journal.append(b"before")
    clock(400)
    journal.append(b"ahead")
    clock(0)
    journal.append(b"after")
    journal.close()
    assert len(lines(tmp_path)) == 29 + 3
    today = (tmp_path / f"{days_ago(0)}.jsonl").read_text(encoding="utf-8")
    assert today.splitlines() == ["before", "after"]


def test_one_that_stays_ahead_removes_few_days_a_roll_over(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    for days in range(30):
        (tmp_path / f"{days_ago(days)}.jsonl").write_text("{}\n", encoding="utf-8")
    clock(400)
    for started in range(3):
        journal = Journal(tmp_path, 31, MANY)
        journal.append(b"ahead")
        journal.close()
        left = len(list(tmp_path.iterdir()))
        assert left == 1 + 30 - started * MOST_DAYS_REMOVED
    assert not (tmp_path / f"{days_ago(29)}.jsonl").exists()  # the oldest go first


def test_after_a_pause_it_catches_up(tmp_path: Path) -> None:
    for days in range(20, 40):
        (tmp_path / f"{days_ago(days)}.jsonl").write_text("{}\n", encoding="utf-8")
    for _ in range(4):
        journal = Journal(tmp_path, 30, MANY)
        journal.append(b"now")
        journal.close()
    assert len(list(tmp_path.iterdir())) == 1 + 10


def test_it_never_holds_much_more_than_allowed_and_keeps_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SYNC_SECONDS", 0.005)
    journal = Journal(tmp_path, 1, 20_000)
    deadline = time.monotonic() + 20
    count = 0
    while len(list(tmp_path.iterdir())) < PARTS - 2 and time.monotonic() < deadline:
        journal.append(b"%0100d" % count)
        count += 1
        time.sleep(0.0005)
    for _ in range(1000):
        journal.append(b"%0100d" % count)
        count += 1
        time.sleep(0.0005)
    journal.close()
    left = [int(line) for line in lines(tmp_path)]
    assert left == list(range(count - len(left), count))
    assert len(left) < count
    assert 10_000 < sum(path.stat().st_size for path in tmp_path.iterdir()) < 30_000


def test_a_full_disk_is_said_and_what_was_torn_spoils_no_later_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, 1, MANY)
    journal.append(b"first")
    with monkeypatch.context() as patch:
        fill_up(patch, 3)
        with pytest.raises(NotWrittenError, match="No space"):
            journal.append(b"second")
        with pytest.raises(NotWrittenError, match="No space"):
            journal.append(b"third")
        assert "No space" in journal.fault
    journal.append(b"fourth")
    assert journal.fault == ""
    journal.close()
    assert lines(tmp_path) == ["first", "sec", "fourth"]


def test_what_another_process_left_torn_is_ended_first(tmp_path: Path) -> None:
    (tmp_path / f"{days_ago(0)}.jsonl").write_text("first\nsec", encoding="utf-8")
    journal = Journal(tmp_path, 1, MANY)
    journal.append(b"third")
    journal.close()
    assert lines(tmp_path) == ["first", "sec", "third"]


def test_it_is_seen_without_a_request_that_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SYNC_SECONDS", 0.01)
    journal = Journal(tmp_path, 1, MANY)
    with monkeypatch.context() as patch:
        fill_up(patch, 0)
        with pytest.raises(NotWrittenError):
            journal.append(b"first")
    deadline = time.monotonic() + 20
    while journal.fault and time.monotonic() < deadline:
        time.sleep(0.01)
    journal.close()
    assert not journal.fault


def test_machines_that_share_the_folder_write_files_of_their_own(tmp_path: Path) -> None:
    first, second = (Journal(tmp_path, 2, MANY, name) for name in ("api-7f", "api-x2"))
    for number in range(3):
        first.append(b"first %d" % number)
        second.append(b"second %d" % number)
    first.close()
    second.close()
    today = days_ago(0)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{today}_api-7f.jsonl",
        f"{today}_api-x2.jsonl",
    }
    assert lines(tmp_path) == [
        f"{who} {number}" for who in ("first", "second") for number in range(3)
    ]


def test_what_machines_that_are_gone_have_left_is_removed_in_time(tmp_path: Path) -> None:
    gone = [f"{days_ago(days)}_api-old{part}.jsonl" for days in (1, 2) for part in ("", "_001")]
    written = f"{days_ago(0)}_api-x2.jsonl"
    for name in (*gone, written):
        (tmp_path / name).write_text("x" * 1000, encoding="utf-8")
    Journal(tmp_path, 2, MANY, "api-7f").close()
    own = f"{days_ago(0)}_api-7f.jsonl"
    assert {path.name for path in tmp_path.iterdir()} == {own, written, *gone[:2]}
    Journal(tmp_path, 2, 900, "api-7f").close()
    # Another one may still write to its file of today, so that it stays.
    assert {path.name for path in tmp_path.iterdir()} == {own, written}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ProjectError, match="file cannot be written"):
        Journal(tmp_path / "file", 1, MANY)


def test_without_room_for_the_log_nothing_is_answered(
    client: TestClient, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fill_up(patch, 0)
        refused = client.post("/predict", json=[record])
        ready = client.get("/ready")
    again = client.post("/predict", json=[record])
    assert [refused.status_code, ready.status_code, again.status_code] == [503, 503, 200]
    assert "No space" in refused.json()["detail"]
    assert "No space" in ready.json()["status"]
    assert client.get("/ready").status_code == 200
    assert "prediction_log_failures_total 1.0" in client.get("/metrics").text
