"""Networks go from training to HTTP and back, served without their libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.ports import wait_for
from tests.services.rendered import (
    Project,
    champion,
    command,
    example_record,
    install,
    pid_of,
    render,
    serve,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = install(
        render(
            tmp_path_factory.mktemp("network") / "customer-churn",
            model_family=["pytorch", "tensorflow"],
            serving=["api"],
            orchestrator="none",
            ci="none",
        )
    )
    for step in ("extract", "validate", "transform"):
        command(project, step)
    become_champion(project, "linear")
    return project


def become_champion(project: Project, candidate: str) -> None:
    """Train this candidate alone, and promote it."""
    env = {"TRAINING__TRIALS": "1", "TRAINING__CANDIDATES": f'["{candidate}"]'}
    for step in (("train",), ("evaluate",), ("promote", "--accept")):
        command(project, *step, env=env)


def test_networks_take_over_while_they_are_served_and_answer_without_their_libraries(
    project: Project,
) -> None:
    record = example_record(project)
    with serve(project) as url:

        def said() -> dict[str, Any]:
            return dict(httpx.post(f"{url}/predict", json=[record]).json())

        last = said()
        assert last["model_version"] == champion(project)
        for candidate in ("pytorch", "tensorflow"):
            become_champion(project, candidate)
            version = champion(project)
            card = project.folder / "artifacts" / "registry" / "versions" / version / "model.json"
            assert json.loads(card.read_text())["model"] == candidate
            wait_for(lambda: said()["model_version"] == version)  # noqa: B023 (asked at once)
            (before,), (after,) = last["predictions"], (last := said())["predictions"]
            assert 0 < after["probability"] < 1
            assert after["probability"] != before["probability"]
        loaded = Path(f"/proc/{pid_of(url)}/maps").read_text()
        assert "onnxruntime" in loaded
        assert "torch" not in loaded
        assert "tensorflow" not in loaded
