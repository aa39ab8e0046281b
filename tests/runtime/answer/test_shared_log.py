"""The log of what serves reaches whoever monitors, by a bucket that is kept in memory."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer import log_sender
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.log_sender import LogSender
from fourhats_runtime.data import bucket
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor import shared_log
from fourhats_runtime.monitor.shared_log import gathered
from obstore.store import MemoryStore

from tests.runtime.configured import configured

Machines = tuple[Project, Project]
MANY = 1_000_000


@pytest.fixture
def machines(fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Give two machines with one bucket: one serves, the other one runs the line."""
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    for module in (shared_log, log_sender):
        monkeypatch.setattr(module, "PIECE_BYTES", 100)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/churn")
    shutil.copytree(fresh.folder, tmp_path / "line")
    return fresh, fresh.at(tmp_path / "line")


@pytest.fixture
def journal(machines: Machines) -> Iterator[Journal]:
    journal = Journal(machines[0].artifacts / "predictions", 365, MANY)
    yield journal
    journal.close()


def lines(machine: Project) -> list[str]:
    paths = map(Path, gathered(machine, "predictions"))
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


def test_what_was_logged_arrives_whole_as_it_grows(machines: Machines, journal: Journal) -> None:
    serving, line = machines
    sender = LogSender(serving)
    said: list[str] = []
    for count in (1, 30, 5, 0, 100):
        for _ in range(count):
            said.append(f"answer {len(said)}")
            journal.append(said[-1].encode())
        sender.send()
        assert lines(line) == said


def test_a_piece_that_is_full_is_sent_once(
    machines: Machines, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, written = LogSender(machines[0]), []
    write = bucket.Bucket.write

    def count(self: bucket.Bucket, name: str, content: bytes) -> None:
        written.append(name.rsplit("/", 1)[1])
        write(self, name, content)

    monkeypatch.setattr(bucket.Bucket, "write", count)
    journal.append(b"x" * 249)
    sender.send()
    journal.append(b"y" * 9)
    sender.send()
    sender.send()
    assert written == ["00000", "00001", "00002", "00002"]


def test_what_this_machine_has_logged_itself_counts_once(
    machines: Machines, journal: Journal
) -> None:
    journal.append(b"answer")
    LogSender(machines[0]).send()
    assert lines(machines[0]) == ["answer"]


def test_a_process_that_starts_again_goes_on_under_its_name(
    machines: Machines, journal: Journal
) -> None:
    serving, line = machines
    for word in (b"first", b"second"):
        journal.append(word)
        sender = LogSender(serving)
        sender.start()
        sender.close()
    assert lines(line) == ["first", "second"]


def test_what_is_too_old_or_too_much_goes_here_and_in_the_bucket(machines: Machines) -> None:
    serving, line = machines
    folder = serving.artifacts / "predictions"
    folder.mkdir(parents=True)
    for days in (0, 1, 2, 3):
        path = folder / f"{days_ago(days)}.jsonl"
        path.write_text(f"{days} days ago\n" * 90, encoding="utf-8")
    LogSender(serving).send()
    assert len(set(lines(line))) == 4
    few_days = configured(line, serve={"log_days": 3})
    assert set(lines(few_days)) == {"0 days ago", "1 days ago", "2 days ago"}
    few_bytes = configured(line, serve={"log_days": 3, "max_log_bytes": 1_000})
    assert set(lines(few_bytes)) == {"0 days ago"}
    assert set(lines(few_days)) == {"0 days ago"}


def test_while_the_bucket_is_away_it_says_so_once_and_sends_all_later(
    machines: Machines,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    serving, line = machines
    sender = LogSender(serving)
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise ProjectError("the bucket is away")

        patch.setattr(bucket.Bucket, "listed", away)
        patch.setattr(bucket.Bucket, "write", away)
        for word in (b"first", b"second"):
            journal.append(word)
            sender.send()
    assert caplog.text.count("the bucket is away") == 1
    sender.send()
    assert "takes the log again" in caplog.text
    assert lines(line) == ["first", "second"]


def test_a_process_that_ends_sends_the_rest(machines: Machines, journal: Journal) -> None:
    serving, line = machines
    sender = LogSender(configured(serving, storage={"send_log_every": 3600}))
    sender.start()
    journal.append(b"last words")
    sender.close()
    assert lines(line) == ["last words"]
