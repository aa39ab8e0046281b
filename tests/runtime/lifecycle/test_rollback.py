"""A champion that earns less than the one before gives the place back, and noise takes none."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, connect, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.rollback import rollback, rollback_to
from fourhats_runtime.monitor.predictions import sql_type
from fourhats_runtime.pipeline import Asked, Result, run_step
from fourhats_runtime.tasks.classification.rule import Rule

ROWS = 400


@pytest.fixture(scope="module")
def twice() -> dict[str, Project]:
    """Keep the project that was trained twice."""
    return {}


@pytest.fixture
def project(
    twice: dict[str, Project],
    line: tuple[Project, dict[str, Result]],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Give a project that has run, and has learnt from other rows since."""
    if "project" not in twice:
        root = tmp_path_factory.mktemp("twice") / "project"
        shutil.copytree(line[0].folder, root)
        made = line[0].at(root)
        with connect(made) as connection:
            connection.execute("DELETE FROM clean WHERE _row % 3 <> 0")
        run_step("train", made)
        run_step("evaluate", made)
        twice["project"] = made
    root = tmp_path / "twice"
    shutil.copytree(twice["project"].folder, root)
    return twice["project"].at(root)


@pytest.fixture
def contract(project: Project) -> Contract:
    """Give its contract."""
    return project.contract


@pytest.fixture
def registry(project: Project) -> Registry:
    """Give a registry whose champion took the place of an earlier one."""
    registry = Registry(project.artifacts / "registry")
    assert registry.version("champion") != registry.version("challenger")
    registry.make_champion(registry.require("challenger"), "promoted", "a test said so")
    registry.mark_announced()
    return registry


def _decide(
    connection: Connection, project: Project, contract: Contract, right: Sequence[str | None]
) -> None:
    """Have the champion decide on rows, where the versions in `right` were right in turn."""
    features = ", ".join(
        f"CAST({quote(c.name)} AS {sql_type(c)}) AS {quote(c.name)}" for c in contract.features
    )
    champion = Registry(project.artifacts / "registry").require("champion")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE predictions AS
        SELECT CAST(_row AS VARCHAR) AS prediction_id, CAST(NULL AS VARCHAR) AS id,
            CAST(NULL AS VARCHAR) AS _entity, TIMESTAMP '2026-01-01' AS given_at,
            '{champion}' AS model_version, {features}, CAST(NULL AS VARCHAR) AS actual
        FROM clean ORDER BY _row LIMIT {ROWS}
        """
    )
    rows = values(connection, "SELECT * FROM predictions ORDER BY prediction_id")
    names = list(rows["prediction_id"])
    connection.execute("CREATE OR REPLACE TABLE came (prediction_id VARCHAR, actual VARCHAR)")
    for turn, version in enumerate(right):
        if version is not None:
            answers = _answers(Model.load(project, version), rows)
            came = [(names[place], answers[place]) for place in range(turn, ROWS, len(right))]
            connection.executemany("INSERT INTO came VALUES (?, ?)", came)
    connection.execute(
        "UPDATE predictions SET actual = (SELECT came.actual FROM came "
        "WHERE came.prediction_id = predictions.prediction_id)"
    )


def _answers(model: Model, rows: dict[str, Any]) -> list[str]:
    """Give the outcomes with which a model's decisions are the right ones."""
    outputs, contract = model.predict(rows), model.contract
    if not contract.classes:
        return [str(number) for number in outputs]
    if contract.positive is None:
        return [contract.classes[place] for place in outputs.argmax(axis=1)]
    (negative,) = set(contract.classes) - {contract.positive}
    assert isinstance(model.rule, Rule)
    acts = model.rule.decide(outputs)
    return [contract.positive if act else negative for act in acts]


def test_a_champion_that_earns_less_gives_the_place_back(
    project: Project, contract: Contract, registry: Registry
) -> None:
    old, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old])
        verdict = rollback(connection, project, contract)
        assert (verdict.champion, registry.version("champion")) == (old, old)
        again = rollback(connection, project, contract)
    assert again.champion == old
    assert registry.promotions()[-1]["how"] == "rolled back"
    assert f"{old} would have earned +" in verdict.reason
    assert f"a decision against {new}" in verdict.reason


def test_a_champion_that_earns_more_stays(
    project: Project, contract: Contract, registry: Registry
) -> None:
    _, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [new])
        verdict = rollback(connection, project, contract)
    assert (verdict.champion, verdict.promoted) == (new, False)
    assert "would have earned -" in verdict.reason


def test_a_difference_that_may_be_chance_rolls_nothing_back(
    project: Project, contract: Contract, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old, new])
        gains = np.concatenate([np.full(200, -105.0), np.full(200, 100.0)])
        earned = {new: gains, old: np.zeros(ROWS)}
        versions = iter([old, new, old, new])
        monkeypatch.setattr(Rule, "realised", lambda *_: earned[next(versions)])
        assert rollback(connection, project, contract).champion == new
        monkeypatch.setenv("COMPARISON__ERROR_RATE", "0.45")
        sure = project.at(project.folder)
        assert rollback(connection, sure, contract).champion == old


def test_few_outcomes_prove_nothing(
    project: Project, contract: Contract, registry: Registry
) -> None:
    old, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old, *[None] * 9])
        verdict = rollback(connection, project, contract)
    assert verdict.champion == new
    assert "40 outcomes that it did not learn from are too few" in verdict.reason


def test_the_same_case_over_and_over_counts_once(
    project: Project, contract: Contract, registry: Registry
) -> None:
    old, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old])
        connection.execute("UPDATE predictions SET id = 'the same'")
        verdict = rollback(connection, project, contract)
    assert verdict.champion == new
    assert "1 outcomes" in verdict.reason


def test_the_decisions_of_other_champions_prove_as_much(
    project: Project, contract: Contract, registry: Registry
) -> None:
    old, _ = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old])
        connection.execute("UPDATE predictions SET model_version = 'v0-gone'")
        verdict = rollback(connection, project, contract)
    assert verdict.champion == old


@pytest.mark.parametrize(("seen", "proves"), [("2026-01-02", False), ("2099-01-01", True)])
def test_an_outcome_that_the_champion_may_have_learnt_proves_nothing(
    project: Project, contract: Contract, registry: Registry, seen: str, *, proves: bool
) -> None:
    old, new = registry.versions()
    with connect(project) as connection:
        _decide(connection, project, contract, [old])
        connection.execute("UPDATE predictions SET id = prediction_id")
        connection.execute("DELETE FROM seen_outcomes")
        connection.execute(
            f"INSERT INTO seen_outcomes SELECT id, TIMESTAMP '{seen}', NULL FROM predictions"
        )
        verdict = rollback(connection, project, contract)
    assert verdict.champion == (old if proves else new)


def test_what_was_rolled_back_is_not_promoted_again(project: Project, registry: Registry) -> None:
    old, new = registry.versions()
    run_step("rollback", project, asked=Asked(to=""))
    again = run_step("promote", project)
    assert (again.facts["champion"], registry.version("champion")) == (old, old)
    assert f"{new} was rolled back" in again.words
    run_step("rollback", project, asked=Asked(to=new))
    assert registry.version("champion") == new
    assert registry.noted(new, "rollback") is None


def test_a_version_that_is_not_there_is_refused(project: Project) -> None:
    with pytest.raises(ProjectError, match="there is no version 'v9'"):
        rollback_to("v9", project)
    with pytest.raises(ProjectError, match="name a version with --to"):
        rollback_to("", project)


def test_a_promotion_that_was_cut_off_leaves_no_trace(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = registry.versions()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.make_champion(old, "rolled back", "cut off")
    assert registry.version("champion") == new
    assert [promotion["version"] for promotion in registry.promotions()] == [old, new]
    registry.make_champion(old, "rolled back", "again")
    assert [promotion["reason"] for promotion in registry.promotions()][2:] == ["again"]
