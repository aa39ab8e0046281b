"""Monitoring finds what is wrong, that and nothing else; and finds nothing where nothing is.

Projects learn from cases of a known process. Fresh ones come from the same process, or from one in
which a single thing is different.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.rendered import ROOT, Project, command, install, project_env, render

if TYPE_CHECKING:
    from pathlib import Path

TRIALS = ROOT / "tests" / "services" / "monitoring_trials.py"
MOST = int(os.environ.get("CLEAN_RUNS", "20"))
SEEDS = {"classification": MOST, "regression": MOST // 5}
"""How often monitoring looks at fresh cases, for each number of rows."""


@pytest.fixture(scope="module", params=sorted(SEEDS))
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """What monitoring alerts of, in a project of a task."""
    task = request.param
    folder = tmp_path_factory.mktemp(f"statistics-{task}")
    head, pool = folder / "head.csv", folder / "pool.parquet"
    answers = {"task": task, "data_sources": ["files"], "files_path": str(head)}
    project = install(render(folder / "project", **answers, orchestrator="none", ci="none"))
    _try(project, "make", pool, str(head))
    command(project, "run", env={"TRAINING__TRIALS": "5"})
    return task, json.loads(_try(project, "try", pool, str(SEEDS[task])))


def test_fresh_cases_of_the_same_process_raise_no_alert_of_any_kind(found: Any) -> None:  # noqa: ANN401
    task, seen = found
    for rows, runs in seen["clean"].items():
        assert len(runs) == SEEDS[task]
        assert [run for run in runs if run] == [], f"{rows} rows"
    assert seen["wrong"]["nothing"] == []


def test_a_column_that_has_moved_is_found(found: Any) -> None:  # noqa: ANN401
    task, seen = found
    alerts = set(seen["wrong"]["one column has moved"])
    column = {"classification": "tenure_months", "regression": "temperature"}[task]
    # What such inputs lead to may raise an alert as well; no other column is.
    follows = {"drift:prediction", "performance:estimated"}
    assert {f"drift:{column}"} <= alerts <= {f"drift:{column}"} | follows


def test_columns_that_no_longer_go_together_are_found_though_none_has_moved(
    found: Any,  # noqa: ANN401
) -> None:
    _, seen = found
    assert seen["wrong"]["two columns are no longer related"] == ["drift-joint"]


def test_predictions_that_are_less_true_are_found_though_they_cost_nothing(
    found: Any,  # noqa: ANN401
) -> None:
    _, seen = found
    assert seen["wrong"]["predictions are less true"] == ["calibration"]


def test_decisions_that_earn_less_are_found(found: Any) -> None:  # noqa: ANN401
    _, seen = found
    assert seen["wrong"]["outcomes are worse"] == ["calibration", "performance:value"]


def test_cases_that_will_earn_less_are_found_before_their_outcomes_come(
    found: Any,  # noqa: ANN401
) -> None:
    task, seen = found
    alerts = seen["wrong"]["other cases come"]
    assert "performance:value" not in alerts
    if task == "classification":  # a number is worth nearly the same wherever it lies
        assert "performance:estimated" in alerts


def _try(project: Project, what: str, pool: Path, rest: str) -> str:
    package = next((project.folder / "src").iterdir()).name
    done = subprocess.run(
        [project.folder / ".venv" / "bin" / "python", TRIALS, what, package, pool, rest],
        check=False,
        capture_output=True,
        text=True,
        cwd=project.folder,
        env=project_env({}),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
