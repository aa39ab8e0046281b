"""Predictions are compared with what the graph answered, as that is what is served."""

import pytest
from fourhats_runtime import Project
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.distribution import baseline, prediction_column
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.parts import split
from fourhats_runtime.monitor.watch import drift

TASKS = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


@TASKS
def test_the_baseline_of_predictions_is_what_the_graph_answers(ran: Project) -> None:
    """Not what the trainer computes: its tiny probabilities are 0 in single precision."""
    with connect(ran) as connection:
        parts = split(connection, ran)
    model = Model.champion(ran)
    served = prediction_column(model.run(parts.holdout.inputs))
    made = baseline({"prediction": served})["prediction"]
    card = Registry(ran.artifacts / "registry").card(model.version)
    assert card["drift_baseline"]["prediction"] == made.model_dump(exclude_defaults=True)


@TASKS
def test_fresh_cases_of_the_sample_are_predicted_as_the_holdout_was(ran: Project) -> None:
    with connect(ran) as connection:
        found = {finding.incident: finding for finding in drift(connection, ran)}
    assert found["drift:prediction"].state == "fine", found["drift:prediction"].message
