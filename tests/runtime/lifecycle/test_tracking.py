"""MLflow says of experiments what the ledger says, under the same names."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.cli import Commands
from fourhats_runtime.lifecycle.ledger import experiments, note_training
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.tracking import track
from mlflow import MlflowClient

from tests.runtime.lifecycle.test_ledger import added

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


def runs(project: Project) -> tuple[MlflowClient, dict[str, Any]]:
    """Give what stands in the project's experiment, by the names of its runs."""
    client = MlflowClient(f"sqlite:///{project.artifacts / 'mlflow.sqlite'}")
    experiment = client.get_experiment_by_name(project.name)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return client, {run.info.run_name: run for run in found}


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_a_run_has_figures_trials_and_files_of_its_version(ran: Project, tmp_path: Path) -> None:
    track(ran)
    client, found = runs(ran)
    (experiment,) = experiments(ran)
    run = found[experiment.version]
    registry = Registry(ran.artifacts / "registry")
    origin = registry.noted(experiment.version, "provenance") or {}
    assert run.data.tags["data_sha256"] == origin["data"]["sha256"]
    assert run.data.tags["git"] == "not in git"
    assert run.data.tags["verdict"] == "champion"
    assert run.data.params["model"] == experiment.model
    assert sum(name.startswith("validation_") for name in run.data.metrics) > 9
    assert experiment.gain is not None
    gains = [run.data.metrics[name] for name in ("gain", "gain_low", "gain_high")]
    assert gains == [experiment.gain.gain, experiment.gain.low, experiment.gain.high]
    assert run.data.metrics["seconds"] == experiment.seconds
    lost = [each.value for each in client.get_metric_history(run.info.run_id, "trial_loss")]
    assert np.allclose(lost, [attempt["loss"] for attempt in origin["attempts"]])
    names = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert names == {"model.json", "contract.toml", "provenance.json"}
    kept = client.download_artifacts(run.info.run_id, "model.json", str(tmp_path))
    with open(kept, encoding="utf-8") as file:  # noqa: PTH123 (MLflow gives a text)
        assert json.load(file) == registry.card(experiment.version)


def test_what_comes_later_is_taken_over(ran: Project) -> None:
    track(ran)
    first = experiments(ran)[0].version
    _, before = runs(ran)
    second = added(ran, "another", training={"trials": 9})
    note_training(ran, second, "more trials", 5.0)
    registry = Registry(ran.artifacts / "registry")
    registry.note(first, "rollback", {"reason": "it came to earn less"})
    Commands(ran).experiments()
    _, found = runs(ran)
    assert set(found) == {first, second}
    assert found[first].data.tags["verdict"] == "rolled back"
    assert found[first].data.tags["reason"] == "it came to earn less"
    assert found[first].info.run_id == before[first].info.run_id
    assert found[second].data.tags["mlflow.note.content"] == "more trials"
    changed = experiments(ran)[1].changed
    assert changed
    assert found[second].data.tags["changed"] == "; ".join(changed)


def test_a_run_that_was_not_logged_to_its_end_is_made_anew(ran: Project) -> None:
    track(ran)
    version = experiments(ran)[0].version
    client, found = runs(ran)
    broken = found[version].info.run_id
    client.update_run(broken, status="RUNNING")
    track(ran)
    _, found = runs(ran)
    assert set(found) == {version}
    assert found[version].info.run_id != broken
    assert found[version].info.status == "FINISHED"
    folder = ran.artifacts / "mlflow"
    assert [path.name for path in folder.iterdir()].count(broken) == 0
    assert (folder / found[version].info.run_id).is_dir()


def test_a_project_that_was_moved_begins_anew_and_loses_nothing(ran: Project) -> None:
    moved = ran.folder.with_name("moved")
    shutil.copytree(ran.folder, moved)
    elsewhere = ran.at(moved)
    track(elsewhere)
    client, found = runs(elsewhere)
    assert set(found) == {each.version for each in experiments(ran)}
    assert all(str(moved) in run.info.artifact_uri for run in found.values())
    names = [each.name for each in client.search_experiments() if each.name != "Default"]
    assert len(names) == 2
    assert any(name.startswith(f"{ran.name} until ") for name in names)
