"""The warehouse and the scores that machines share, in a bucket kept in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data import bucket, shared_data
from fourhats_runtime.data.warehouse import connect, one_row
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.shared_registry import pull, push, shared
from fourhats_runtime.pipeline import run_step
from obstore.store import MemoryStore

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from fourhats_runtime import Project

URL = "s3://acme/churn"

Machines = tuple["Project", "Project"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """Give the bucket."""
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    return store


@pytest.fixture
def machines(ran: Project, fresh: Project, store: MemoryStore) -> Machines:
    """Give two machines with one bucket: the line has run on the first, which has shared it."""
    assert not objects(store, "data")
    one, other = (with_table(machine, "storage", url=URL) for machine in (ran, fresh))
    with shared(one):
        pass
    return one, other


def runs(machine: Project) -> int:
    with connect(machine) as connection:
        return int(one_row(connection, "SELECT count(*) FROM runs")[0])


def add_a_run(machine: Project) -> None:
    with connect(machine) as connection:
        connection.execute("INSERT INTO runs SELECT * FROM runs LIMIT 1")


def objects(store: MemoryStore, folder: str) -> set[str]:
    return {one["path"] for one in store.list(f"churn/{folder}/").collect()}


def test_a_step_on_an_empty_disk_goes_on_from_the_warehouse_of_another(machines: Machines) -> None:
    one, other = machines
    before = runs(one)
    run_step("validate", other)
    assert runs(other) == before + 1
    run_step("validate", one)
    assert runs(one) == before + 2


def test_of_a_warehouse_that_grew_only_what_is_new_is_sent(
    machines: Machines, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    monkeypatch.setattr(shared_data, "PIECE_BYTES", 32 * 1024)
    with shared(one):
        add_a_run(one)
    whole = objects(store, "data")
    with shared(one):
        add_a_run(one)
    assert 0 < len(objects(store, "data") - whole) < len(whole) / 2
    pull(other)
    assert runs(other) == runs(one)


def test_of_two_that_work_at_once_one_wins_and_the_other_is_told(machines: Machines) -> None:
    one, other = machines
    pull(other)
    before = runs(other)
    add_a_run(other)
    with shared(one):
        add_a_run(one)
        add_a_run(one)
    with pytest.raises(ProjectError, match="another run"):
        push(other, with_data=True)
    assert runs(one) == runs(other) == before + 2


def test_what_was_cut_off_changes_nothing_and_is_removed_in_time(
    machines: Machines, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    before, named = runs(one), objects(store, "data")
    with monkeypatch.context() as patch:

        def cut_off(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(bucket.Bucket, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt), shared(one):
            add_a_run(one)
    left = objects(store, "data") - named
    assert left
    pull(other)
    assert runs(other) == before
    monkeypatch.setattr(shared_data, "KEPT", timedelta(0))
    with shared(other):
        add_a_run(other)
    assert not left & objects(store, "data")
    pull(one)
    assert runs(one) == before + 1


def test_a_warehouse_that_was_never_shared_is_put_aside(
    fresh: Project, ran: Project, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    assert not objects(store, "data")
    run_step("extract", fresh)
    one, other = (with_table(machine, "storage", url=URL) for machine in (ran, fresh))
    with shared(one):
        pass
    pull(other)
    assert runs(other) == runs(one)
    assert len(list(other.artifacts.glob("warehouse-before-*.duckdb"))) == 1
    assert "the one here is now" in caplog.text


def test_a_warehouse_that_is_gone_is_brought_again(machines: Machines) -> None:
    one, _ = machines
    before = runs(one)
    (one.artifacts / shared_data.WAREHOUSE).unlink()
    pull(one)
    assert runs(one) == before
