"""The bucket's champion is taken over, and the page of monitoring where an API shows it."""

import shutil
import threading
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.answer.follower import PAGE, Follower
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.predictor import Predictor
from fourhats_runtime.data import bucket
from fourhats_runtime.lifecycle.shared_registry import shared
from obstore.store import MemoryStore

from tests.runtime.handmade import handmade

Machines = tuple[Project, Project]


@pytest.fixture
def machines(fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Give two machines with one bucket: the first one has a champion, and a page to show."""
    shutil.copytree(fresh.folder, tmp_path / "other")
    store = MemoryStore()
    monkeypatch.setattr(bucket, "_store", lambda *_: store)
    monkeypatch.setenv("STORAGE__URL", "s3://acme/models")
    line = handmade(fresh)
    with shared(line):
        write_page(line, "first")
    return line, fresh.at(tmp_path / "other")


def write_page(project: Project, text: str) -> None:
    path = project.artifacts / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_page_of_monitoring_is_taken_over_as_it_changes(machines: Machines) -> None:
    line, serving = machines
    follower = Follower(serving, with_page=True)
    for text in ("first", "second"):
        with shared(line):
            write_page(line, text)
        follower.look()
        assert (serving.artifacts / PAGE).read_text(encoding="utf-8") == text


def test_it_stays_away_where_nobody_shows_it(machines: Machines) -> None:
    _, serving = machines
    Follower(serving).look()
    assert not (serving.artifacts / PAGE).exists()
    assert (serving.artifacts / "registry" / "champion").exists()


def test_a_predictor_has_the_buckets_champion_until_it_is_closed(machines: Machines) -> None:
    line, serving = machines
    before = threading.active_count()
    serving = handmade(serving)  # as it will be loaded, with the project's features
    shutil.rmtree(serving.artifacts / "registry")
    predictor = Predictor(serving, Journal.of(serving, "predictions"))
    assert predictor.loaded is not None
    assert predictor.loaded.model.version == (
        (line.artifacts / "registry" / "champion").read_text(encoding="utf-8").strip()
    )
    predictor.close()
    for thread in threading.enumerate():
        if thread.name == "follower":
            thread.join(20)
    assert threading.active_count() <= before
