"""A model is only used with the features that it was trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fourhats_runtime import Project
from fourhats_runtime.lifecycle.registered import FeaturesError, Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import Columns, weekday
from fourhats_runtime.monitor.alerts import open_incidents
from fourhats_runtime.pipeline import Asked, run_step

from tests.runtime.sample_project import sample_project


def derived(row: Columns) -> Columns:
    """Derive two numbers and a text."""
    return {
        "calls_a_month": row["support_calls"] / np.maximum(row["tenure_months"], 1),
        "signed_weekday": weekday(row["signed_on"]),
        "region_and_card": np.array(
            [
                None if r is None else f"{r} {c:g}"
                for r, c in zip(row["region"], row["pays_by_card"], strict=True)
            ],
            dtype=object,
        ),
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose model was trained on derived features."""
    project = sample_project(tmp_path_factory.mktemp("derived") / "project", features=derived)
    for step in ("extract", "validate", "transform", "train", "evaluate", "promote"):
        run_step(step, project)
    return project


def test_the_model_takes_them_and_is_asked_for_raw_columns(project: Project) -> None:
    model = Model.champion(project)
    inputs = {each.name for each in model.session.get_inputs()}
    assert {"calls_a_month", "signed_weekday", "region_and_card"} <= inputs
    assert "signed_on" not in inputs
    assert "signed_on" in model.example
    assert "calls_a_month" not in model.example


def test_batch_and_single_row_give_the_same(project: Project) -> None:
    run_step("score", project)
    model = Model.champion(project)
    from fourhats_runtime.data.warehouse import connect, values  # noqa: PLC0415

    with connect(project) as connection:
        rows = values(connection, "SELECT * FROM scores ORDER BY _row LIMIT 5")
    for place, probability in enumerate(rows["probability"]):
        one = {c.name: [rows[c.name][place]] for c in model.contract.features}
        assert model.rule.certainty(model.predict(one)).tolist() == pytest.approx([probability])


def _other_values(row: Columns) -> Columns:
    return {**derived(row), "calls_a_month": row["support_calls"]}


def _one_less(row: Columns) -> Columns:
    return {name: values for name, values in derived(row).items() if name != "signed_weekday"}


def _one_more(row: Columns) -> Columns:
    return {**derived(row), "twice": row["monthly_fee"] * 2}


def _of_no_column(row: Columns) -> Columns:
    return {"more": row["no_such_column"]}


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (_other_values, "gives other values of 'calls_a_month'"),
        (_one_less, "no longer gives 'signed_weekday'"),
        (_one_more, "has come to give 'twice'"),
        (_of_no_column, "uses the column 'no_such_column', which is no feature"),
        (None, "no longer gives 'calls_a_month'"),
    ],
)
def test_with_others_it_is_refused_by_the_features_name(
    project: Project, features: object, said: str
) -> None:
    changed = replace(project, features=features)  # type: ignore[arg-type]
    with pytest.raises(FeaturesError, match=said):
        Model.champion(changed)


def test_a_model_without_derived_features_is_refused_by_one_with(ran: Project) -> None:
    with pytest.raises(FeaturesError, match="has come to give 'twice'"):
        Model.champion(replace(ran, features=_twice))


def _twice(row: Columns) -> Columns:
    return {"twice": row["monthly_fee"] * 2}


def test_a_champion_of_other_features_gives_way_only_where_a_person_says_so(
    project: Project, tmp_path: Path
) -> None:
    import shutil  # noqa: PLC0415

    shutil.copytree(project.folder, tmp_path / "changed")
    changed = replace(project, root=tmp_path / "changed", features=_one_more)
    before = Registry(changed.artifacts / "registry").require("champion")
    for step in ("train", "evaluate"):
        run_step(step, changed)
    kept = run_step("promote", changed)
    assert (kept.facts["champion"], kept.facts["undecided"]) == (before, True)
    assert "promote --accept" in kept.words
    assert "promotion" in open_incidents(changed)
    run_step("promote", changed, asked=Asked(accept=True))
    assert "promotion" not in open_incidents(changed)
    assert Registry(changed.artifacts / "registry").require("champion") != before
    assert "twice" in {each.name for each in Model.champion(changed).session.get_inputs()}


def test_the_proof_is_a_few_rows_and_no_id(project: Project) -> None:
    registry = Registry(project.artifacts / "registry")
    proof = registry.card(registry.require("champion"))["derived"]
    assert 0 < len(proof["rows"]["signed_on"]) <= 20
    assert "customer_id" not in proof["rows"]
