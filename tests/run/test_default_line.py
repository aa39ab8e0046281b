"""The default project: from its sample to predictions over HTTP that are the trainer's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.services.rendered import (
    champion,
    command,
    example_record,
    pid_of,
    project_env,
    serve,
)

if TYPE_CHECKING:
    from tests.services.rendered import Project

# In the project's own environment: fit the champion's parameters anew, and predict its example.
TRAINERS_OWN = """
import json, sys
from customer_churn.estimator import candidates
from customer_churn.project import project
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.parts import Part, split
champion = Model.champion(project)
card = Registry(project.artifacts / "registry").card(champion.version)
with connect(project) as connection:
    parts = split(connection, project)
assert card["model"] == "trees"
trees = {each.name: each for each in candidates(project.seed)}["trees"]
model = trees.fit(parts.learned, project.contract, card["parameters"])
record = {name: [value] for name, value in json.loads(sys.argv[1]).items()}
one = Part(champion.feed(record), parts.train.actual[:1])
said = champion.calibration(model.predict(one, project.contract))
print(json.dumps(said.tolist()))
"""


def test_what_is_served_is_what_the_trainer_says(default_project: Project) -> None:
    record = example_record(default_project)
    with serve(default_project) as url:
        (served,) = httpx.post(f"{url}/predict", json=[record]).json()["predictions"]
    python = default_project.program.with_name("python")
    done = subprocess.run(
        [python, "-W", "ignore", "-c", TRAINERS_OWN, json.dumps(record)],
        cwd=default_project.folder,
        env=project_env({}),
        capture_output=True,
        text=True,
        check=True,
    )
    ((_, likely),) = json.loads(done.stdout)
    assert served["probability"] == pytest.approx(likely, abs=1e-5)


def test_the_run_says_what_the_model_is_worth_as_json(default_project: Project) -> None:
    facts = json.loads(command(default_project, "evaluate", "--json").stdout)
    assert facts["version"] == champion(default_project)
    assert facts["currency"] == "EUR"
    assert facts["value"] > max(facts["baselines"].values())
    assert facts["gain"]["low"] > 0
    watched = json.loads(command(default_project, "monitor", "--json").stdout)
    assert watched["open"] == []
    assert {"data:freshness", "data:volume", "data:contract"} <= {
        finding["incident"] for finding in watched["findings"]
    }


def test_an_answer_is_in_the_log_even_if_the_service_is_killed(default_project: Project) -> None:
    record = example_record(default_project)
    ids = [f"killed-{number}" for number in range(50)]
    with serve(default_project) as url:
        for request_id in ids:
            headers = {"x-request-id": request_id}
            assert httpx.post(f"{url}/predict", json=[record], headers=headers).status_code == 200
        os.kill(pid_of(url), signal.SIGKILL)
    (log,) = (default_project.folder / "artifacts" / "predictions").glob("*.jsonl")
    logged = {json.loads(line)["request_id"] for line in log.read_bytes().splitlines()}
    assert logged >= set(ids)


def test_a_first_run_leaves_nothing_behind_that_git_would_not_ignore(
    default_project: Project,
) -> None:
    ignored = (default_project.folder / ".gitignore").read_text().split()
    assert {"/artifacts/", ".env", ".venv/", "/data/"} <= set(ignored)


def test_without_a_project_around_it_the_command_says_so(
    default_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    done = subprocess.run(
        [default_project.program, "run"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=project_env({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "run this inside the project" in done.stderr
    assert len(done.stderr.splitlines()) == 1
