"""The book of incidents that machines share, in a bucket that is kept in memory."""

from dataclasses import replace

import pytest
from fourhats_runtime import Project
from fourhats_runtime.data import bucket
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor import Event, alerts, incident_log
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.shared_incidents import book
from obstore.store import MemoryStore

from tests.runtime.sample_project import sample_project

BAD = Finding("drift:a", "alert", "a has moved")
FINE = Finding("drift:a", "fine", "a is back")


@pytest.fixture
def sent() -> list[Event]:
    return []


@pytest.fixture
def machines(
    tmp_path_factory: pytest.TempPathFactory, sent: list[Event], monkeypatch: pytest.MonkeyPatch
) -> tuple[Project, Project]:
    """Give two machines with one bucket and one channel."""
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/models")
    root = tmp_path_factory.mktemp("machines")
    channels = {"own": lambda _, events: sent.extend(events)}
    one, other = (sample_project(root / name, channels=channels) for name in ("one", "other"))
    return one, other


def test_what_one_machine_sent_no_other_sends_again(
    machines: tuple[Project, Project], sent: list[Event]
) -> None:
    for machine in machines:
        with book(machine):
            assert alerts.update(machine, [BAD]) == ["drift:a"]
    assert [event.status for event in sent] == ["firing"]
    for machine in machines:
        with book(machine):
            assert alerts.update(machine, [FINE]) == []
    assert [event.status for event in sent] == ["firing", "resolved"]
    for machine in machines:
        with book(machine):
            (incident,) = incident_log.incidents(machine)
        assert incident.cleared is not None


def test_while_the_bucket_is_away_what_is_here_counts(
    machines: tuple[Project, Project], sent: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines

    def away(*_: object) -> None:
        raise ProjectError("the bucket does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(bucket.Bucket, "read", away)
        with book(one):
            alerts.update(one, [BAD])
    with book(one):
        pass
    with book(other):
        assert list(alerts.open_incidents(other)) == ["drift:a"]
        alerts.update(other, [BAD])
    assert [event.status for event in sent] == ["firing"]


def test_without_an_address_the_book_is_the_machines_own(
    machines: tuple[Project, Project], sent: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE__URL", "")
    for machine in machines:
        alone = replace(machine, root=machine.folder)
        with book(alone):
            alerts.update(alone, [BAD])
    assert [event.status for event in sent] == ["firing", "firing"]
