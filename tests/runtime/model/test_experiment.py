"""The experiment looks at the rows that it may look at, and chooses as it promises."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registration import check_classes, register
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import tuning
from fourhats_runtime.model.candidates import AnyTrial, Candidate, Fitted
from fourhats_runtime.model.encoding import for_linear, for_trees
from fourhats_runtime.model.features import Feed
from fourhats_runtime.model.graph import check_parity, convert, export
from fourhats_runtime.model.parts import Part, Split, split
from fourhats_runtime.model.tuning import (
    Search,
    fit,
    losses,
    refit,
    selected,
    simplest_of_the_best,
    tune,
)
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

LINEAR = Candidate("linear", lambda _: LogisticRegression(max_iter=500), for_linear)


@pytest.fixture
def parts(cleaned: Project) -> Split:
    """Give the rows, as they are split for training."""
    with connect(cleaned) as connection:
        return split(connection, cleaned)


def test_no_row_is_in_two_parts(parts: Split) -> None:
    total = sum(len(part) for part in (parts.train, parts.validation, parts.holdout))
    assert 0.55 < len(parts.train) / total < 0.65
    assert 0.15 < len(parts.holdout) / total < 0.25
    assert len(_rows(parts.train.inputs) & _rows(parts.holdout.inputs)) < 0.02 * total


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_the_parts_follow_time_where_the_contract_knows_it(cleaned: Project, parts: Split) -> None:
    known = "SELECT demand FROM clean WHERE demand NOTNULL ORDER BY hour_start {} LIMIT 100"
    with connect(cleaned) as connection:
        latest = values(connection, known.format("DESC"))
        oldest = values(connection, known.format("ASC"))
    assert set(latest["demand"]) <= set(parts.holdout.actual.tolist())
    assert set(oldest["demand"]) <= set(parts.train.actual.tolist())


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_rows_of_one_moment_cannot_be_split_by_time(cleaned: Project) -> None:
    with connect(cleaned) as connection:
        connection.execute("UPDATE clean SET hour_start = (SELECT min(hour_start) FROM clean)")
        with pytest.raises(ProjectError, match="have the same hour_start"):
            split(connection, cleaned)


def test_too_few_rows_are_refused(cleaned: Project) -> None:
    with connect(cleaned) as connection:
        connection.execute("DELETE FROM clean WHERE _row > 40")
        with pytest.raises(ProjectError, match="at least 50 are needed"):
            split(connection, cleaned)


def test_training_rows_of_one_class_are_refused(parts: Split, cleaned: Project) -> None:
    without = parts.train.where(parts.train.actual == 0)
    with pytest.raises(ProjectError, match="no training row is of the class 'yes'"):
        check_classes(Split(without, parts.validation, parts.holdout, {}), cleaned.contract)


def test_a_class_that_no_training_row_has_is_never_predicted(
    parts: Split, cleaned: Project
) -> None:
    contract = cleaned.contract
    target = contract.target
    wider = target.model_copy(update={"categories": ("never", *target.categories)})
    columns = tuple(wider if column is target else column for column in contract.columns)
    contract = contract.model_copy(update={"columns": columns})
    train, holdout = (
        replace(part, actual=part.actual + 1) for part in (parts.train, parts.holdout)
    )
    check_classes(Split(train, train, holdout, {}), contract)
    model = LINEAR.fit(train, contract, {})
    outputs = model.predict(holdout, contract)
    assert outputs.shape == (len(holdout), 3)
    assert not outputs[:, 0].any()
    graph = convert(model.pipeline, contract, holdout.kinds)
    assert check_parity(graph, model.pipeline, holdout, contract, 1e-4) < 1e-4
    with connect(cleaned) as connection:
        connection.execute("DELETE FROM clean WHERE churned = 'yes'")
        notes = split(connection, cleaned).notes
    assert notes == ("no training row is of the class yes, so it is never predicted",)


class _Watching(LogisticRegression):  # type: ignore[misc]
    """Notes how many rows it is shown."""

    def predict_proba(self, rows: object) -> NDArray[np.float64]:
        seen.append(len(rows))  # type: ignore[arg-type]
        return np.asarray(super().predict_proba(rows))


seen: list[int] = []


def test_tuning_never_looks_at_the_holdout(cleaned: Project, parts: Split) -> None:
    def build(trial: object) -> _Watching:
        return _Watching(C=trial.suggest_float("C", 0.1, 10), max_iter=200)  # type: ignore[attr-defined]

    seen.clear()
    shorter = Split(parts.train, parts.validation.where(slice(300)), parts.holdout, parts.sample)
    tune(Candidate("watching", build, for_linear), shorter, cleaned)
    assert set(seen) == {300}
    assert len(parts.holdout) != 300


def test_what_asks_for_nothing_is_not_tuned(cleaned: Project, parts: Split) -> None:
    done: list[int] = []
    assert tune(LINEAR, parts, cleaned, lambda now, _: done.append(now)) == Search({})
    assert done == [1]


def test_tuning_finds_what_loses_less(
    cleaned: Project, parts: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING__TRIALS", "8")

    def build(trial: object) -> HistGradientBoostingClassifier:
        trees = trial.suggest_categorical("max_iter", [1, 100])  # type: ignore[attr-defined]
        return HistGradientBoostingClassifier(max_iter=trees, learning_rate=0.1)

    found = tune(Candidate("trees", build, for_trees), parts, cleaned.at(cleaned.folder))
    assert found.parameters == {"max_iter": 100}
    assert len(found.attempts) == 8
    best = min(found.attempts, key=lambda attempt: attempt["loss"])
    assert (best["candidate"], best["parameters"]) == ("trees", {"max_iter": 100})


def _asked_for(calls: list[int]) -> Candidate:
    """Give a candidate that notes each time it is built."""

    def build(trial: AnyTrial) -> LogisticRegression:
        calls.append(len(calls) + 1)
        return LogisticRegression(C=trial.suggest_float("C", 0.1, 10), max_iter=20)

    return Candidate("asked", build, for_linear)


def test_a_search_by_the_clock_ends_with_it(
    cleaned: Project, parts: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING__MINUTES", "0.05")
    shown: list[tuple[int, int]] = []
    began = time.monotonic()
    found = tune(
        _asked_for([]), parts, cleaned.at(cleaned.folder), lambda *done: shown.append(done)
    )
    assert 3 <= time.monotonic() - began < 15
    assert len(found.attempts) > int(os.environ["TRAINING__TRIALS"])
    assert shown[-1][1] == 3
    assert [done for done, _ in shown] == sorted(min(done, 3) for done, _ in shown)


def test_as_many_trials_as_a_version_had_find_the_same_again(
    cleaned: Project, parts: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING__TRIALS", "3")
    once = tune(_asked_for([]), parts, cleaned.at(cleaned.folder))
    monkeypatch.setenv("TRAINING__MINUTES", "5")
    monkeypatch.setenv("TRAINING__TRIED", '{"asked": 3}')
    assert tune(_asked_for([]), parts, cleaned.at(cleaned.folder)) == once


# A process of its own: a signal reaches the main thread, which another process's may be busy with.
INTERRUPTED = """
import os, pathlib, signal, sys
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.model import tuning
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_linear
from fourhats_runtime.model.parts import split
from sklearn.linear_model import LogisticRegression
from tests.runtime.sample_project import existing
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background has none
project = existing(pathlib.Path(sys.argv[1]))
at, times = int(sys.argv[2]), int(sys.argv[3])
built = []
def build(trial):
    built.append(1)
    for _ in range(times if len(built) == at else 0):
        os.kill(os.getpid(), signal.SIGINT)
    return LogisticRegression(C=trial.suggest_float("C", 0.1, 10), max_iter=20)
with connect(project) as connection:
    parts = split(connection, project)
tuning.AT_ONCE_SECONDS = float(sys.argv[4])
found = tuning.tune(Candidate("asked", build, for_linear), parts, project)
assert found.parameters in [attempt["parameters"] for attempt in found.attempts]
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
print(len(found.attempts))
"""


def _interrupted(project: Project, *words: object) -> subprocess.CompletedProcess[str]:
    """Search in a process that Ctrl-C reaches: at which trial, how often, and what is at once."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED, project.folder, *map(str, words)],
        env={**os.environ, "TRAINING__TRIALS": "9"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_an_interrupted_search_has_found_is_kept(cleaned: Project) -> None:
    done = _interrupted(cleaned, 4, 2, 1)
    assert done.stdout == "4\n", done.stderr
    assert done.stderr.count("the search of asked ends after this trial") == 1
    done = _interrupted(cleaned, 2, 2, 0)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "KeyboardInterrupt" in done.stderr


def test_training_tries_the_candidates_that_are_named(
    cleaned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [LINEAR, _asked_for([])]
    assert selected(known, cleaned) == known
    monkeypatch.setenv("TRAINING__CANDIDATES", '["asked"]')
    assert [each.name for each in selected(known, cleaned.at(cleaned.folder))] == ["asked"]
    monkeypatch.setenv("TRAINING__CANDIDATES", '["asked", "forest"]')
    with pytest.raises(ProjectError, match=r"no candidate 'forest' \(it has: linear, asked\)"):
        selected(known, cleaned.at(cleaned.folder))


@pytest.mark.parametrize(
    ("gain", "chosen"),
    [(0.0, "simple"), (0.09, "simple"), (0.11, "complex"), (-0.5, "simple")],
)
def test_the_simpler_model_is_taken_unless_the_other_loses_less_by_a_standard_error(
    cleaned: Project, parts: Split, monkeypatch: pytest.MonkeyPatch, gain: float, chosen: str
) -> None:
    rows = parts.validation.where(slice(100))
    # Of 100 rows: a standard error of 0.1.
    swings = np.tile([1.0, -1.0], 50)
    said = {"simple": np.full(100, 5.0), "complex": 5.0 - gain + swings}
    monkeypatch.setattr(Fitted, "predict", lambda model, *_: said[model.name])
    monkeypatch.setattr(tuning, "losses", lambda outputs, _: outputs)
    models = [Fitted(name, {}, Pipeline([("model", LogisticRegression())])) for name in said]
    by_hand = replace(parts, train=replace(parts.train, groups=None), validation=rows)
    assert simplest_of_the_best(models, by_hand, cleaned.contract).name == chosen


def test_with_few_validation_rows_models_are_compared_on_all_that_is_learnt_from(
    cleaned: Project, parts: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(
        parts,
        train=parts.train.where(slice(200)),
        validation=parts.validation.where(slice(50)),
    )
    lucky = _keys(few.validation)
    learnt_from: list[Part] = []
    judged: list[Part] = []

    def learnt(model: Pipeline, part: Part, _contract: Contract) -> Pipeline:
        learnt_from.append(part)
        return model

    def predict(model: Fitted, part: Part, _contract: Contract) -> NDArray[np.float64]:
        judged.append(part)
        by_luck = np.isin(_keys(part), lucky) == (model.name == "lucky")
        return np.where(by_luck, 1.0, 2.0)

    monkeypatch.setattr(tuning, "learnt", learnt)
    monkeypatch.setattr(tuning, "losses", lambda outputs, _: outputs)
    monkeypatch.setattr(Fitted, "predict", predict)
    models = [
        Fitted(name, {}, Pipeline([("model", LogisticRegression())])) for name in ("lucky", "good")
    ]
    assert simplest_of_the_best(models, few, cleaned.contract).name == "good"
    for before, after in zip(learnt_from, judged, strict=True):
        assert not np.isin(_keys(after), _keys(before)).any()
        assert len(before) + len(after) == 250
    assert sum(map(len, judged)) == 2 * 250


def _keys(part: Part) -> NDArray[np.uint64]:
    assert part.keys is not None
    return part.keys


def test_what_a_row_loses_is_of_calibrated_probabilities_or_how_far_off_a_number_is() -> None:
    chance = np.random.default_rng(0).random(4000)
    came = (np.random.default_rng(1).random(4000) < chance).astype(np.float64)
    true = np.column_stack([1 - chance, chance])
    sure = true**3 / (true**3).sum(axis=1, keepdims=True)
    lost = losses(true, came)
    assert lost.mean() == pytest.approx(0.5, abs=0.02)  # the mean entropy of a uniform chance
    assert losses(sure, came).mean() == pytest.approx(lost.mean(), abs=5e-3)
    uncalibrated = -np.log(sure[np.arange(4000), came.astype(int)]).mean()
    assert uncalibrated > lost.mean() + 0.1
    assert np.isfinite(losses(np.array([[1.0, 0.0]] * 10), np.ones(10))).all()
    assert losses(np.array([1.0, 5.0]), np.array([3.0, 4.0])).tolist() == [2.0, 1.0]


def test_the_chosen_model_learns_from_the_validation_rows_too(
    cleaned: Project, parts: Split
) -> None:
    chosen = fit(LINEAR, parts.train, cleaned, {})
    final = refit(chosen, parts.learned, cleaned.contract)
    assert (final.name, final.parameters) == (chosen.name, chosen.parameters)
    together = fit(LINEAR, parts.learned, cleaned, {})
    before, after, same = (
        model.predict(parts.holdout, cleaned.contract) for model in (chosen, final, together)
    )
    assert after.tolist() == same.tolist()
    assert after.tolist() != before.tolist()
    assert len(parts.learned) == len(parts.train) + len(parts.validation)
    assert parts.learned.keys is not None
    assert parts.train.keys is not None
    assert parts.validation.keys is not None
    assert set(parts.learned.keys) == set(parts.train.keys) | set(parts.validation.keys)


def test_another_estimator_trains_exports_and_registers(cleaned: Project, parts: Split) -> None:
    def build(trial: object) -> Pipeline:
        depth = trial.suggest_int("max_depth", 2, 6)  # type: ignore[attr-defined]
        model = RandomForestClassifier(n_estimators=20, max_depth=depth, random_state=0)
        return make_pipeline(SimpleImputer(), model)

    forest = Candidate("forest", build, for_trees)
    model = fit(forest, parts.train, cleaned, tune(forest, parts, cleaned).parameters)
    unseen = model.predict(parts.validation, cleaned.contract)
    graph, difference = export(model, parts.holdout, cleaned)
    version = register(cleaned, parts, model, unseen, graph, difference)
    card = Registry(cleaned.artifacts / "registry").card(version)
    assert card["model"] == "forest"
    assert 2 <= card["parameters"]["max_depth"] <= 6


def test_a_feature_that_tells_the_outcome_is_suspected(cleaned: Project, parts: Split) -> None:
    registry = Registry(cleaned.artifacts / "registry")
    inputs = {
        **parts.train.inputs,
        "monthly_fee": parts.train.actual.astype(np.float32).reshape(-1, 1),
    }
    leaking = Split(Part(inputs, parts.train.actual), parts.validation, parts.holdout, parts.sample)
    for learnt_from, suspected in ((parts, []), (leaking, ["monthly_fee"])):
        model = fit(LINEAR, learnt_from.train, cleaned, {})
        unseen = model.predict(parts.validation, cleaned.contract)
        graph, difference = export(model, parts.holdout, cleaned)
        version = register(cleaned, learnt_from, model, unseen, graph, difference)
        assert registry.card(version)["leakage_suspects"] == suspected


def _rows(inputs: Feed) -> set[tuple[str, ...]]:
    columns = [values.ravel().astype(str).tolist() for values in inputs.values()]
    return set(zip(*columns, strict=True))
