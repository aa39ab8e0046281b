"""What drives a model is read from what it does, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.model.parts import Part
from fourhats_runtime.monitor.influence import (
    dependence_figure,
    importance_figure,
    importances,
)
from fourhats_runtime.monitor.page import segment_figure
from fourhats_runtime.monitor.quality_report import _over_the_runs
from fourhats_runtime.tasks.classification.rule import Rule as ActionRule

from tests.runtime.drawn import sound
from tests.runtime.handmade import handmade

if TYPE_CHECKING:
    from fourhats_runtime import Project
    from fourhats_runtime.model.features import Feed

ROWS = 2000


def _rows(project: Project) -> tuple[Model, Part]:
    """Give a model that uses the fee alone, as its weekday never changes, and rows for it."""
    random = np.random.default_rng(0)
    fee = random.normal(0, 30, ROWS)
    actual = (random.random(ROWS) < 1 / (1 + np.exp(-fee / 10))).astype(np.float64)
    inputs: Feed = {
        "fee": fee.astype(np.float32).reshape(-1, 1),
        "weekday": np.zeros((ROWS, 1), dtype=np.float32),
    }
    return Model.champion(handmade(project)), Part(inputs, actual)


def test_what_a_model_goes_by_is_worth_what_is_lost_without_it(fresh: Project) -> None:
    model, part = _rows(fresh)
    found = importances(model, part, 0)
    assert list(found) == ["fee", "weekday"]
    assert found["weekday"].loss == 0
    fee = part.where(slice(None, None, 4))
    before = model.rule.realised(model.run(fee.inputs), fee.actual).mean()
    chances = model.run(fee.inputs)
    assert isinstance(model.rule, ActionRule)
    acted, right = model.rule.decide(chances).mean(), fee.actual.mean()
    by_chance = acted * (right * 100 - (1 - right) * 20)
    assert found["fee"].loss == pytest.approx(before - by_chance, abs=3)
    assert 0 < found["fee"].off < found["fee"].loss
    sound(importance_figure(found, "EUR"))


def test_an_input_of_one_value_has_no_curve(fresh: Project) -> None:
    model, part = _rows(fresh)
    figure = dependence_figure(model, part, ["fee", "weekday"])
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_xlabel() == "fee"
    (line,) = axes.get_lines()
    assert (np.diff(line.get_ydata()) > 0).all()
    sound(figure)
    assert dependence_figure(model, part, ["weekday"]) is None


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_report_shows_what_the_model_goes_by_and_who_is_worse_off(ran: Project) -> None:
    page = (ran.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    for title in ("What drives the model", "Which way the strongest work"):
        assert f"<strong>{title}</strong>" in page
    assert "What decisions earn, by group" in page
    assert "Who is worse off" in page


def test_groups_are_drawn_with_their_intervals_where_they_have_one() -> None:
    common = {"column": "region", "rows": 9, "metric": "AUC", "figure": None, "less": None}
    segments = [
        common | {"category": "east", "value": 2.0, "low": 1.0, "high": 3.0, "missed": None},
        common | {"category": "west", "value": 9.0, "low": None, "high": None, "missed": None},
    ]
    sound(segment_figure(segments, "EUR"))  # type: ignore[arg-type]


def test_the_limit_lies_within_the_axis_of_what_it_limits(ran: Project) -> None:
    with connect(ran) as connection:
        assert _over_the_runs(connection, "contract", 0.05) is None
        for share in (0.001, 0.002):
            connection.execute(
                "INSERT INTO quality SELECT * REPLACE (? AS figure) FROM quality "
                "WHERE boundary = 'raw' AND name = 'contract' LIMIT 1",
                [share],
            )
        figure = _over_the_runs(connection, "contract", 0.05)
    assert figure is not None
    assert figure.axes[0].get_ylim()[1] > 0.05
    sound(figure)
