"""Three classes from the client's own file, served over HTTP without Airflow, and watched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.services.rendered import (
    ROOT,
    Project,
    command,
    example_record,
    install,
    project_env,
    serve,
)
from tests.services.tables import grades
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

FOURHATS = str(Path(sys.executable).with_name("fourhats"))
ANSWERS = ("serving=[api]", "orchestrator=none", "ci=none", "alerts=[log, webhook]")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("classes")
    grades(folder / "weine.csv")
    data = [word for answer in ANSWERS for word in ("--data", answer)]
    subprocess.run(
        [
            *(FOURHATS, "new", str(folder / "wine-grades"), "--defaults"),
            *("--source", str(ROOT), "--client-data", str(folder / "weine.csv")),
            *("--target", "Güte", *data),
        ],
        check=True,
        env=project_env({}),
    )
    project = install(Project(folder / "wine-grades", "wine-grades"))
    command(project, "run", env={"TRAINING__TRIALS": "4"})
    return project


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def url(project: Project) -> Iterator[str]:
    with serve(project) as running:
        yield running


def _monitor(project: Project, receiver: Receiver) -> dict[str, Any]:
    done = command(project, "monitor", "--json", env={"ALERT_WEBHOOK_URL": receiver.url})
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_the_line_has_no_step_that_was_not_asked_for(project: Project) -> None:
    assert not (project.folder / "dags").exists()
    assert not list((project.folder / "src").rglob("score.py"))
    assert command(project, "score", check=False).returncode != 0


def test_umlauts_and_decimal_commas_arrive_whole(project: Project, url: str) -> None:
    record = example_record(project)
    assert set(record) == {"saeure", "zucker_g_l", "region", "c2_lese"} or len(record) == 4
    (answer,) = httpx.post(f"{url}/predict", json=[record]).json()["predictions"]
    assert answer["prediction"] in {"einfach", "gut", "edel"}
    assert "Güte" in (project.folder / "docs" / "model_card.md").read_text(encoding="utf-8")


def test_predictions_are_sound(project: Project, url: str) -> None:
    facts = json.loads(command(project, "evaluate", "--json").stdout)
    assert facts["metrics"]["accuracy"] > 0.75
    assert facts["value"] > max(facts["baselines"].values())
    assert facts["gain"]["low"] > 0
    answers = httpx.post(f"{url}/predict", json=[example_record(project)] * 3).json()
    assert Counter(a["decision"] for a in answers["predictions"]).total() == 3


def test_drift_is_seen_to_alert_once_at_the_webhook(
    project: Project, url: str, receiver: Receiver
) -> None:
    record = example_record(project)
    name = next(name for name, value in record.items() if isinstance(value, float))
    for _ in range(15):
        shifted = [record | {name: 1000.0 + place} for place in range(20)]
        assert httpx.post(f"{url}/predict", json=shifted).status_code == 200
    facts = _monitor(project, receiver)
    assert f"drift:{name}" in facts["open"]
    _monitor(project, receiver)
    about = [m for m in receiver.incidents if m["incident"] == f"drift:{name}"]
    assert [message["status"] for message in about] == ["firing"]


def test_the_report_shows_what_monitoring_found(project: Project) -> None:
    command(project, "report")
    page = (project.folder / "artifacts" / "reports" / "report.html").read_text(encoding="utf-8")
    assert "<strong>How far inputs have moved since training</strong>" in page
