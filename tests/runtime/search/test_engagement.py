"""What a search is accepted by, and how it stands: measured and written like any other work."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.engagement import accept, criteria, write_exit_report, write_status
from fourhats_runtime.engagement.trial import Address, ask
from fourhats_runtime.lifecycle.ledger import experiments
from fourhats_runtime.search.log import searches
from fourhats_runtime.serve import create_app

from tests.services.ports import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project


@contextmanager
def serve(project: Project) -> Iterator[Address]:
    """Serve the project in a thread."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(project), port=port, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_for(f"http://127.0.0.1:{port}/ready", timeout=30)
        yield Address(port, "")
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def agreed(searched: Project) -> Project:
    """Give the library with terms."""
    terms = "[acceptance]\nrequests = 500\nreproducible = false\nexplained = true\n"
    (searched.folder / "docs").mkdir(exist_ok=True)
    (searched.folder / "config" / "engagement.toml").write_text(terms, encoding="utf-8")
    return searched.at(searched.folder)


def test_every_criterion_is_measured_and_met(agreed: Project) -> None:
    found, (page, _) = accept(agreed, serve)
    states = {each.name: each.state for each in found.criteria}
    assert states == dict.fromkeys(
        ("value", "latency", "available", "explained", "rows", "age"), "met"
    )
    assert "answer nothing" in page.read_text(encoding="utf-8")


def test_questions_are_asked_as_a_trial(agreed: Project) -> None:
    with connect(agreed, read_only=True) as connection:
        asking = criteria.asking(connection, agreed)
    assert {"questions": ["about car"]} in asking.bodies
    with serve(agreed) as address:
        trial = ask(address, asking, 5, explain=True)
    assert (trial.answered, trial.fault) == (5, "")
    assert trial.explained == trial.asked_to_explain > 0
    assert searches(agreed, 100) == []


def test_how_it_stands_and_how_it_ended_is_written(agreed: Project) -> None:
    (status, *_) = write_status(agreed, None, None)
    (ended, *_) = write_exit_report(agreed, None)
    for page in (status, ended):
        assert "| MRR |" in page.read_text(encoding="utf-8")
    (one,) = experiments(agreed)
    assert one.verdict == "champion"
    assert one.gain is not None
