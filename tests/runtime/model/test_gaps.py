"""Columns that say nothing in the rows that are learned from, and do elsewhere, stop no step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.model import split
from fourhats_runtime.monitor.joint import tell_apart
from fourhats_runtime.pipeline import run_step

if TYPE_CHECKING:
    from fourhats_runtime import Project
    from fourhats_runtime.model.features import Feed


@pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)
def test_the_line_goes_on_though_columns_are_empty_or_constant_where_it_learns(
    ran: Project,
) -> None:
    with connect(ran) as connection:
        learned = split(connection, ran).learned
        assert learned.keys is not None
        connection.execute("ALTER TABLE clean ADD COLUMN held BOOLEAN DEFAULT FALSE")
        holdout = split(connection, ran).holdout.rows
        connection.executemany(
            "UPDATE clean SET held = TRUE WHERE _source = ? AND _row = ?",
            zip(holdout["_source"], holdout["_row"], strict=True),
        )
        features = ran.contract.features
        numbers = [column.name for column in features if column.is_number]
        categories = [column.name for column in features if column.type == "category"]
        empty, constant, one_level = numbers[0], numbers[1], categories[0]
        level = connection.execute(f"SELECT any_value({one_level}) FROM clean").fetchall()[0][0]
        connection.execute(
            f"UPDATE clean SET {empty} = NULL, {constant} = 1, {one_level} = ? WHERE NOT held",
            [level],
        )
        if len(categories) > 1:
            connection.execute(f"UPDATE clean SET {categories[1]} = NULL WHERE NOT held")
    words = run_step("train", ran).words
    assert f"not learnt from, as no training row has a value: {empty}" in words
    for step in ("evaluate", "promote", "monitor", "report"):
        run_step(step, ran)


def test_columns_without_a_value_tell_no_rows_apart() -> None:
    random = np.random.default_rng(0)

    def rows(gap: float) -> Feed:
        values = random.normal(size=(400, 1)).astype(np.float32)
        return {"empty": np.full((400, 1), gap, dtype=np.float32), "value": values}

    found = tell_apart(rows(np.nan), rows(np.nan), false_alarms=0.001, seed=0)
    assert 0.4 < found.auc < found.by_chance
    nothing: Feed = {"empty": np.full((400, 1), np.nan, dtype=np.float32)}
    assert tell_apart(nothing, nothing, false_alarms=0.001, seed=0) == (0.5, 0.5)
