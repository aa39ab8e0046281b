"""Payoffs a pair of classes are what the whole line decides and judges by."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.model.parts import split
from fourhats_runtime.monitor.months import month_of
from fourhats_runtime.pipeline import run_step, steps
from fourhats_runtime.serve import create_app

from tests.runtime.sample_project import CLASSES, SEVERAL, sample_project

PAIRS = """
[value.payoff.leaves]
stays = -40.0
leaves = 200.0

[value.payoff.leave]
leaves = -300.0
"""
EARNS = np.array([[100, -20, -20], [-40, 200, -20], [-20, -20, 100], [0, -300, 0]])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project of three classes whose line has run."""
    project = sample_project(tmp_path_factory.mktemp("pairs") / "project", SEVERAL)
    with (project.folder / "config" / "business.toml").open("a", encoding="utf-8") as file:
        file.write(PAIRS)
    project = project.at(project.folder)
    for step in steps(project):
        run_step(step, project)
    return project


def test_the_holdout_the_api_the_batch_and_the_month_go_by_the_pairs(done: Project) -> None:
    champion = Model.champion(done)
    with connect(done) as connection:
        holdout = split(connection, done).holdout
        scored = values(connection, "SELECT * FROM scores")
        connection.execute("UPDATE predictions SET actual = 'leaves'")
        month = month_of(connection, done, done.contract, datetime.now(UTC).date().replace(day=1))
    chosen = (champion.run(holdout.inputs) @ EARNS.T).argmax(axis=1)
    earned = EARNS[chosen, holdout.actual.astype(int)]
    facts = run_step("evaluate", done).facts
    assert facts["value"] == pytest.approx(earned.mean())
    constant = {f"act as if all were {name!r}": EARNS[place] for place, name in enumerate(CLASSES)}
    assert facts["policies"] == pytest.approx(
        {
            name: earns[holdout.actual.astype(int)].mean()
            for name, earns in (constant | {"leave every case to a person": EARNS[3]}).items()
        }
    )
    decisions = [*(f"act as {name}" for name in CLASSES), "leave"]
    known = EARNS[[decisions.index(each) for each in scored["decision"]], 1]
    assert month.realised.total == pytest.approx(known.sum())
    assert len(set(scored["decision"])) > 1
    record = {name: scored[name][0] for name in champion.example}
    record["signed_on"] = str(record["signed_on"]).replace(" ", "T")
    with TestClient(create_app(done)) as client:
        (answered,) = client.post("/predict", json=[record]).json()["predictions"]
    assert answered["decision"] == scored["decision"][0]
    assert answered["expected_value"] == pytest.approx(scored["expected_value"][0], rel=1e-4)


def test_a_class_that_there_is_not_is_said_before_training_and_serving(
    done: Project, tmp_path: Path
) -> None:
    shutil.copytree(done.folder, tmp_path / "copy")
    file = tmp_path / "copy" / "config" / "business.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("payoff.leaves", "payoff.left"), encoding="utf-8"
    )
    wrong = done.at(tmp_path / "copy")
    with pytest.raises(ProjectError, match=r"value\.payoff\.left: 'left' is no class"):
        run_step("train", wrong)
    with pytest.raises(ProjectError, match=r"value\.payoff\.left: 'left' is no class"):
        Model.champion(wrong)
