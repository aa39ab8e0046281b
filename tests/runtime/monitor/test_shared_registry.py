"""The registry that machines share, in a bucket that is kept in memory."""

import shutil

import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer.follower import Follower
from fourhats_runtime.data import bucket
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import sharing, snapshots
from fourhats_runtime.lifecycle.registry import CARD_FILE, CONTRACT_FILE, GRAPH_FILE, Registry
from fourhats_runtime.lifecycle.shared_registry import SEEN_FILE, pull, push, shared
from obstore.store import MemoryStore

Machines = tuple[Project, Project]
NEW = "v2-00000000"


@pytest.fixture
def machines(ran: Project, fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Give two machines with one bucket: the first has a champion, which it has shared."""
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/models")
    with shared(ran):
        pass
    return ran, fresh


def registry_of(machine: Project) -> Registry:
    return Registry(machine.artifacts / "registry")


def contents(machine: Project) -> dict[str, bytes]:
    root = machine.artifacts / "registry"
    files = (path for path in root.rglob("*.*") if path.is_file() and path.name != SEEN_FILE)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def promote_a_new_one(machine: Project, reason: str) -> None:
    registry = registry_of(machine)
    if NEW not in registry.versions():
        shutil.copytree(registry.folder(registry.require("champion")), registry.folder(NEW))
    registry.make_champion(NEW, "promoted", reason)


def test_another_machine_gets_it_whole(machines: Machines) -> None:
    one, other = machines
    pull(other)
    assert contents(other) == contents(one)
    assert registry_of(other).require("champion") == registry_of(one).require("champion")
    assert registry_of(other).promotions() == registry_of(one).promotions()


def test_another_machine_takes_the_rows_that_a_model_came_of_when_it_needs_them(
    machines: Machines,
) -> None:
    one, other = machines
    (file,) = (one.artifacts / "snapshots").glob("*.parquet")
    with shared(one):
        file.touch()
    pull(other)
    assert not (other.artifacts / "snapshots").exists()
    assert snapshots.kept(other, file.stem).read_bytes() == file.read_bytes()


def test_what_one_takes_back_is_gone_at_the_other(machines: Machines) -> None:
    one, other = machines
    champion = registry_of(one).require("champion")
    pull(other)
    registry_of(one).forget(champion, "evaluation")
    push(one)
    pull(other)
    assert registry_of(other).noted(champion, "evaluation") is None


def test_of_two_that_promote_at_once_one_wins(machines: Machines) -> None:
    for machine in machines:
        pull(machine)
        promote_a_new_one(machine, str(machine.folder))
    first, second = machines
    push(first)
    with pytest.raises(ProjectError, match="another run"):
        push(second)
    for machine in machines:
        assert registry_of(machine).promotions()[-1]["reason"] == str(first.folder)


def test_what_could_not_be_sent_is_sent_by_the_next_step(machines: Machines) -> None:
    one, other = machines
    pull(one)
    promote_a_new_one(one, "better")  # and the bucket was away
    with shared(one):
        pass
    pull(other)
    assert registry_of(other).require("champion") == NEW


def test_what_serves_gets_what_it_serves(machines: Machines) -> None:
    one, other = machines
    follower = Follower(other)
    follower.look()
    champion = registry_of(one).require("champion")
    assert registry_of(other).require("champion") == champion
    names = {path.name for path in registry_of(other).folder(champion).iterdir()}
    assert names == {GRAPH_FILE, CARD_FILE, CONTRACT_FILE}
    with shared(one):
        promote_a_new_one(one, "better")
        follower.look()
        assert registry_of(other).require("champion") == champion
    follower.look()
    assert registry_of(other).require("champion") == NEW


def test_without_an_address_nothing_leaves_the_machine(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    monkeypatch.setenv("STORAGE__URL", "")
    alone = other.at(other.folder)
    with sharing.shared(alone):
        assert registry_of(alone).version("champion") is None
    assert contents(one)
    assert not contents(alone)
