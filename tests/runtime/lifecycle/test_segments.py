"""Groups are looked at one by one, and who is worse off is said in money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.segments import Judged, Segment, columns, segments, worse_off
from fourhats_runtime.model.parts import Part
from fourhats_runtime.pipeline import run_step
from fourhats_runtime.tasks import rule_of
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fourhats_runtime import Project

Floats = NDArray[np.float64]
ROWS = 400


def test_the_first_columns_with_few_categories_are_looked_at(fresh: Project) -> None:
    assert columns(fresh.contract, fresh) == ["contract", "region"]


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_rows_of_each_column_are_all_there(ran: Project) -> None:
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(registry.require("champion"), "evaluation")
    assert evaluation is not None
    found = evaluation["segments"]
    for name in {segment["column"] for segment in found}:
        mine = [segment for segment in found if segment["column"] == name]
        assert sum(segment["rows"] for segment in mine) == evaluation["rows"]
        whole = sum(segment["value"] * segment["rows"] for segment in mine) / evaluation["rows"]
        assert whole == pytest.approx(evaluation["value"])


def test_the_columns_are_a_setting(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT__SEGMENTS", '["region"]')
    facts = run_step("evaluate", ran.at(ran.folder)).facts
    assert {segment["column"] for segment in facts["segments"]} == {"region"}
    monkeypatch.setenv("REPORT__SEGMENTS", '["monthly_fee"]')
    with pytest.raises(ProjectError, match=r"report\.segments names 'monthly_fee'"):
        run_step("evaluate", ran.at(ran.folder))


def test_a_group_that_is_worse_off_is_named_with_the_money(fresh: Project) -> None:
    random = np.random.default_rng(0)
    regions = np.array(["east", "north", "south", "west"])[np.arange(ROWS) % 4]
    earned = random.normal(10, 2, ROWS) - 5 * (regions == "north")
    found = _segments(fresh, regions.tolist(), earned, np.zeros(ROWS))
    (worse,) = [segment for segment in found if segment["less"] is not None]
    assert worse["category"] == "north"
    assert worse["less"] is not None
    less, low, high = worse["less"]
    assert low < 5 < high
    evaluation = {"currency": "EUR", "monthly_volume": 1000, "rows": ROWS, "segments": found}
    (said,) = worse_off(evaluation)
    assert said.startswith(f"region = north: a decision earns {less:,.4g} EUR less than")
    assert said.endswith(f"{250 * less:,.0f} EUR a month")


def test_a_group_for_which_no_model_would_be_better_is_named(fresh: Project) -> None:
    random = np.random.default_rng(1)
    regions = np.array(["east", "west"])[np.arange(ROWS) % 2]
    earned = random.normal(10, 1, ROWS)
    policy = np.where(regions == "west", earned + 3, earned - 3)
    found = {each["category"]: each for each in _segments(fresh, regions.tolist(), earned, policy)}
    assert found["east"]["missed"] is None
    assert found["west"]["missed"] == pytest.approx(3)


def test_few_rows_are_shown_and_not_judged(fresh: Project) -> None:
    regions: list[str | None] = ["east"] * (ROWS - 5) + [None] * 5
    earned = np.append(np.full(ROWS - 5, 10.0), np.full(5, -100.0))
    found = {s["category"]: s for s in _segments(fresh, regions, earned, np.zeros(ROWS))}
    assert found["(missing)"]["rows"] == 5
    assert found["(missing)"]["low"] is None
    assert found["(missing)"]["less"] is None


def test_rare_categories_are_put_together(fresh: Project) -> None:
    regions = [f"r{place % 20:02}" for place in range(ROWS)]
    found = _segments(fresh, regions, np.ones(ROWS), np.zeros(ROWS))
    assert len(found) == 12
    assert sum(segment["rows"] for segment in found) == ROWS
    assert "(all others)" in {segment["category"] for segment in found}


def _segments(
    project: Project, regions: list[str | None] | list[str], earned: Floats, policy: Floats
) -> list[Segment]:
    actual = (np.arange(ROWS) % 3 == 0).astype(np.float64)
    outputs = np.tile([0.6, 0.4], (ROWS, 1))
    part = Part({}, actual, rows={"region": regions})
    rule = rule_of(project, project.contract, {})
    return segments(Judged(part, rule, outputs, earned, policy), project)
