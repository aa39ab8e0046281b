"""What is served gives the trainer's own answers, and only what is worth more goes live."""

from dataclasses import replace

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.evaluate import evaluate
from fourhats_runtime.lifecycle.promote import promote
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.encoding import for_trees
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.parts import Part, Split, split
from fourhats_runtime.tasks.classification.rule import Rule
from fourhats_runtime.tasks.rule import Policy
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline


@pytest.fixture
def parts(ran: Project) -> Split:
    """Give the rows, as they were split for training."""
    with connect(ran) as connection:
        return split(connection, ran)


def _trees(part: Part, contract: Contract, labels: object = None, seed: int = 0) -> Pipeline:
    """Fit trees to rows, or to other labels of theirs."""
    candidate = Candidate(
        "trees", lambda _: HistGradientBoostingClassifier(random_state=seed), for_trees
    )
    model = candidate.fit(part, contract, {}).pipeline
    if labels is not None:
        model.fit(part.frame, labels)
    return model


def test_the_champion_gives_the_trainers_own_predictions(ran: Project, parts: Split) -> None:
    from sample_classification_sklearn.estimator import candidates  # type: ignore[import-not-found]  # noqa: PLC0415

    champion = Model.champion(ran)
    card = Registry(ran.artifacts / "registry").card(champion.version)
    chosen = {each.name: each for each in candidates(ran.seed)}[card["model"]]
    trained = chosen.fit(parts.learned, ran.contract, card["parameters"])
    ours = champion.run(parts.holdout.inputs)
    theirs = champion.calibration(trained.predict(parts.holdout, ran.contract))
    assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_graph_that_differs_from_the_trained_model_is_refused(
    contract: Contract, parts: Split
) -> None:
    trained = _trees(parts.train, contract)
    other = _trees(parts.train, contract, np.roll(parts.train.labels(contract), 1), seed=1)
    kinds = parts.train.kinds
    with pytest.raises(ProjectError, match="differs from the trained one"):
        check_parity(convert(other, contract, kinds), trained, parts.holdout, contract, 1e-4)
    same = convert(trained, contract, kinds)
    assert check_parity(same, trained, parts.holdout, contract, 1e-4) < 1e-4


def test_a_worse_challenger_is_refused_and_the_champion_stays(
    ran: Project, contract: Contract, parts: Split
) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    backwards = 1 - parts.train.labels(contract)
    worse = convert(_trees(parts.train, contract, backwards), contract, parts.train.kinds)
    card = registry.card(champion) | {"parity": 0.0}
    challenger = registry.add(worse, ran.contract_file.read_text(encoding="utf-8"), card)
    evaluate(parts, contract, ran)
    verdict = promote(parts.holdout, contract, ran)
    assert verdict.promoted is False
    assert "less than" in verdict.reason
    assert verdict.undecided is False
    assert registry.version("champion") == champion
    assert registry.version("challenger") == challenger


def test_a_challenger_has_to_be_evaluated_before_it_is_promoted(
    ran: Project, contract: Contract, parts: Split
) -> None:
    registry = Registry(ran.artifacts / "registry")
    (registry.folder(registry.require("challenger")) / "evaluation.json").unlink()
    with pytest.raises(ProjectError, match="run the step `evaluate` first"):
        promote(parts.holdout, contract, ran)


@pytest.fixture
def as_good(ran: Project) -> str:
    """Register a challenger that decides as the champion does; gives its version."""
    return _again(ran, Registry(ran.artifacts / "registry").require("champion"))


def _again(project: Project, version: str, change: tuple[str, str] = ("", "")) -> str:
    """Register a version once more, with another contract; gives the new one's name."""
    registry = Registry(project.artifacts / "registry")
    folder = registry.folder(version)
    contract = (folder / "contract.toml").read_text(encoding="utf-8")
    assert change[0] in contract
    graph, card = (folder / "model.onnx").read_bytes(), registry.card(version)
    made = registry.add(graph, contract.replace(*change, 1), card | {"parity": 0.5})
    evaluation = {"value": 10.0, "policies": {}, "baselines": {"linear": 11.0}, "ahead": []}
    nobody = Policy("act on nobody", acts=False, on=1.0)
    registry.note(made, "evaluation", evaluation | {"no_model": [nobody._asdict()]})
    return made


def test_a_tie_keeps_the_champion(ran: Project, contract: Contract, parts: Split) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    _again(ran, champion)
    verdict = promote(parts.holdout, contract, ran)
    assert (verdict.promoted, verdict.champion) == (False, champion)
    assert "is not worth more than the champion" in verdict.reason
    assert f"on the same {len(parts.holdout):,} rows" in verdict.reason


def test_the_champion_is_not_promoted_again(ran: Project, contract: Contract, parts: Split) -> None:
    registry = Registry(ran.artifacts / "registry")
    before = registry.noted(registry.require("champion"), "promotion")
    verdict = promote(parts.holdout, contract, ran)
    assert (verdict.promoted, verdict.undecided) == (False, False)
    assert registry.noted(registry.require("champion"), "promotion") == before


def test_a_challenger_has_to_beat_the_champion_by_its_whole_worth(
    ran: Project, contract: Contract, parts: Split, as_good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    rows = len(parts.holdout)
    earned = {champion: np.zeros(rows), as_good: np.resize([1.0, -1.5], rows)}
    order = iter([as_good, champion] * 2)
    monkeypatch.setattr(Model, "predict", lambda *_: np.zeros((rows, 2)))
    monkeypatch.setattr(Rule, "realised", lambda *_: earned[next(order)])
    assert promote(parts.holdout, contract, ran).champion == champion
    earned[as_good] = np.resize([40.0, 30.0], rows)
    verdict = promote(parts.holdout, contract, ran)
    assert verdict.champion == as_good
    assert "+35 EUR (95 % interval: +34.08 to +35.62) a decision" in verdict.reason
    assert "+35,000 EUR (95 % interval: +34,0" in verdict.reason


def test_a_first_model_has_to_beat_the_best_policy_beyond_chance(
    ran: Project, contract: Contract, parts: Split, as_good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(ran.artifacts / "registry")
    (registry.root / "champion").unlink()
    rows = len(parts.holdout)
    earned = np.resize([40.0, -35.0], rows)
    monkeypatch.setattr(Rule, "realised", lambda *_: earned)
    verdict = promote(parts.holdout, contract, ran)
    assert (verdict.promoted, verdict.champion, verdict.undecided) == (False, None, True)
    assert "+2,500 EUR (95 % interval: -" in verdict.reason
    assert "to act on nobody" in verdict.reason
    assert "chance alone may do as much" in verdict.reason
    earned = np.resize([40.0, 30.0], rows)
    verdict = promote(parts.holdout, contract, ran)
    assert (verdict.promoted, verdict.champion) == (True, as_good)
    assert "+35,000 EUR (95 % interval: +34,0" in verdict.reason


def test_a_first_model_that_decides_as_the_best_policy_does_is_not_promoted(
    ran: Project, contract: Contract, parts: Split, as_good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(ran.artifacts / "registry")
    (registry.root / "champion").unlink()
    monkeypatch.setattr(Rule, "realised", lambda *_: np.zeros(len(parts.holdout)))
    kept = promote(parts.holdout, contract, ran)
    assert kept.champion is None
    assert "adds +0 EUR (95 % interval: +0 to +0) a month" in kept.reason
    accepted = promote(parts.holdout, contract, ran, accepted=True)
    assert (accepted.champion, registry.version("champion")) == (as_good, as_good)
    assert "a person accepted it as the first champion" in accepted.reason


@pytest.mark.parametrize(("more", "ahead"), [((40.0, -35.0), []), ((40.0, 30.0), ["linear"])])
def test_a_baseline_is_ahead_that_earns_more_beyond_chance(
    ran: Project,
    parts: Split,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[float, float],
    ahead: list[str],
) -> None:
    rows = len(parts.holdout)
    monkeypatch.setattr(Rule, "realised", lambda *_: np.zeros(rows))
    monkeypatch.setattr(
        "fourhats_runtime.lifecycle.evaluate._baseline_earned",
        lambda *_: np.resize(more, rows),
    )
    judged = evaluate(parts, ran.contract, ran)
    assert judged["baselines"]["linear"] > judged["value"]
    assert judged["ahead"] == ahead


@pytest.mark.parametrize(
    ("evaluation_of_it", "words"),
    [
        (
            {"policies": {"act on nobody": 4.0}, "ahead": ["linear"]},
            "1 EUR less than the baseline 'linear', per decision, on 60 rows",
        ),
        (
            {"policies": {"act on everybody": 6.0}, "ahead": []},
            "1 EUR less than the policy to act on everybody",
        ),
        (
            {"value": -2.0, "policies": {"act on nobody": -3.0}, "ahead": []},
            "2 EUR less than no decision",
        ),
    ],
)
def test_what_is_worth_less_than_no_model_or_than_nothing_is_never_promoted(
    ran: Project, parts: Split, as_good: str, evaluation_of_it: dict[str, object], words: str
) -> None:
    registry, contract = Registry(ran.artifacts / "registry"), ran.contract
    judged = {"value": 5.0, "rows": 60, "baselines": {"linear": 6.0}} | evaluation_of_it
    registry.note(as_good, "evaluation", judged)
    verdict = promote(parts.holdout, contract, ran, accepted=True)
    assert verdict.promoted is False
    assert words in verdict.reason
    (registry.root / "champion").unlink()
    first = promote(parts.holdout, contract, ran)
    assert (first.champion, first.undecided) == (None, True)


@pytest.mark.parametrize(
    "change",
    [
        ('type = "integer"\nmin = 0', 'type = "integer"\nnote = "in full months"\nmin = 0'),
        ("nullable = true", "nullable = false"),
        ('type = "integer"', 'type = "number"'),
    ],
    ids=["note", "nullable", "integer"],
)
def test_a_contract_that_says_more_is_no_other_input(
    ran: Project, contract: Contract, parts: Split, change: tuple[str, str]
) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    _again(ran, champion, change)
    verdict = promote(parts.holdout, contract, ran)
    assert (verdict.champion, verdict.undecided) == (champion, False)
    assert f"on the same {len(parts.holdout):,} rows" in verdict.reason


def test_a_column_of_another_type_leaves_the_rows_that_both_can_take(
    ran: Project, contract: Contract, parts: Split
) -> None:
    region = next(c for c in contract.features if c.type == "category")
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    changed = list(parts.holdout.rows[region.name])
    changed[::2] = [7] * len(changed[::2])  # what no category is
    of_today = contract.model_copy(
        update={
            "columns": tuple(
                c.model_copy(update={"type": "number"}) if c.name == region.name else c
                for c in contract.columns
            )
        }
    )
    _again(ran, champion)
    holdout = replace(parts.holdout, rows={**parts.holdout.rows, region.name: changed})
    verdict = promote(holdout, of_today, ran)
    assert f"on the same {len(parts.holdout) // 2:,} rows" in verdict.reason


def test_where_a_column_is_gone_a_person_decides_and_no_gain_is_claimed(
    ran: Project, contract: Contract, parts: Split, as_good: str
) -> None:
    gone = contract.features[0].name
    rows = {name: values for name, values in parts.holdout.rows.items() if name != gone}
    holdout = replace(parts.holdout, rows=rows)
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    verdict = promote(holdout, contract, ran)
    assert (verdict.champion, verdict.undecided) == (champion, True)
    assert f"takes {gone!r}, which is gone" in verdict.reason
    assert "promote --accept" in verdict.reason
    accepted = promote(holdout, contract, ran, accepted=True)
    assert (accepted.champion, registry.version("champion")) == (as_good, as_good)
    assert "a person accepted it" in accepted.reason
    assert "EUR" not in accepted.reason


def test_an_unknown_category_and_a_gap_are_answered(ran: Project, parts: Split) -> None:
    champion = Model.champion(ran)
    columns: dict[str, list[object]] = {
        column.name: ["never seen before"] if column.type == "category" else [None]
        for column in champion.contract.features
    }
    outputs = champion.predict(columns)
    assert np.isfinite(outputs).all()
    first = {name: values[:1] for name, values in parts.holdout.inputs.items()}
    assert not np.allclose(outputs, champion.run(first))
