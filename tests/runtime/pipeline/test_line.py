"""The line runs from raw rows to a report; each step can be run again, with the same result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import evaluate as evaluation
from fourhats_runtime.lifecycle.comparison import Comparison
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pipeline import STEPS, Result, run_step, steps

from tests.runtime.sample_project import sample_project

Line = tuple[Project, dict[str, Result]]
TASKS = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


@TASKS
def test_the_line_ends_with_a_champion_a_report_and_a_model_card(line: Line) -> None:
    project, results = line
    assert Registry(project.artifacts / "registry").version("champion") is not None
    assert results["promote"].facts["promoted"] is True
    report = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in report
    assert "http" not in report.replace("http-equiv", "")
    card = (project.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert "# Model card" in card


@TASKS
def test_the_model_is_worth_more_than_every_baseline(line: Line) -> None:
    evaluation = line[1]["evaluate"].facts
    assert evaluation["value"] >= max(evaluation["baselines"].values())
    assert evaluation["policies"][evaluation["gain"]["over"]] == max(
        evaluation["policies"].values()
    )
    assert evaluation["gain"]["low"] > 0
    assert evaluation["monthly_value"] == evaluation["value"] * evaluation["monthly_volume"]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_run_again_gives_the_same_result(ran: Project, line: Line, step: str) -> None:
    again = run_step(step, ran)
    before = line[1][step]
    assert (again.rows_in, again.rows_out) == (before.rows_in, before.rows_out)
    if step in ("train", "evaluate"):
        assert (again.words, again.facts) == (before.words, before.facts)


@pytest.mark.parametrize(
    ("step", "first"), [("validate", "extract"), ("train", "transform"), ("report", "monitor")]
)
def test_a_step_out_of_turn_says_which_comes_first(fresh: Project, step: str, first: str) -> None:
    with pytest.raises(ProjectError, match=f"run the step `{first}` first"):
        run_step(step, fresh)


def test_a_project_that_scores_no_batches_has_no_such_step(fresh: Project) -> None:
    assert "score" not in steps(replace(fresh, serving=("api",)))


def test_two_projects_live_in_one_process(tmp_path: Path) -> None:
    one = sample_project(tmp_path / "one", "classification")
    other = sample_project(tmp_path / "other", "regression")
    for step in ("extract", "validate", "transform", "train", "evaluate", "promote"):
        for project in (one, other):
            run_step(step, project)
    for project, figure in ((one, "accuracy"), (other, "r2")):
        registry = Registry(project.artifacts / "registry")
        noted = registry.noted(registry.require("champion"), "evaluation")
        assert noted is not None
        assert figure in noted["metrics"]


def test_a_metric_and_a_baseline_of_ones_own_are_in_the_evaluation(ran: Project) -> None:
    project = replace(ran, metrics=lambda *_: {"lift": 2.5})
    assert run_step("evaluate", project).facts["metrics"] == {"lift": 2.5}


@TASKS
def test_a_first_model_that_is_refused_leaves_its_report_and_ends_no_run(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_baseline_earned", lambda *_: np.array([1e6]))
    far_ahead = Comparison(rows=1, gain=1e6, low=1e6, high=1e6, is_better=True)
    monkeypatch.setattr(evaluation, "compare", lambda *_, **__: far_ahead)
    results = {step: run_step(step, fresh) for step in steps(fresh)}
    assert results["promote"].facts["champion"] is None
    assert "refused: v1-" in results["promote"].words
    assert "less than the baseline" in results["promote"].words
    assert "nothing is scored: there is no champion yet" in results["score"].words
    assert results["monitor"].facts["open"] == ["promotion"]
    report = (fresh.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "Refused: v1-" in report
    card = (fresh.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert "| Refused because |" in card
    monkeypatch.undo()
    run_step("evaluate", fresh)
    assert run_step("promote", fresh).facts["promoted"] is True
    assert run_step("monitor", fresh).facts["open"] == []
