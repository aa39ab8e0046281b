"""Every model that the holdout has judged is counted, and when there were too many, it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.looks import BUDGET, MOST_HASHES, looks, note_look, warning
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.parts import Part, split
from fourhats_runtime.pipeline import run_step

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


def rows(first: int, last: int) -> Part:
    """Give rows whose keys are spread over all that hashes may be."""
    keys = np.arange(first, last, dtype=np.uint64) * np.uint64(11_400_714_819_323_198_485)
    return Part({}, np.zeros(last - first), keys=keys)


def judge(registry: Registry, holdout: Part, *models: int) -> None:
    """Note that models were judged by these rows."""
    for model in models:
        version = f"v{model}-{model:08x}"
        registry.folder(version).mkdir(parents=True, exist_ok=True)
        note_look(registry, version, holdout)


def test_a_model_is_counted_once_by_the_rows_that_judged_it_last(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert looks(registry, rows(0, 100)) == 0
    judge(registry, rows(0, 100), 1, 1, 2)
    assert looks(registry, rows(0, 100)) == 2
    judge(registry, rows(50, 150), 2)
    assert looks(registry, rows(0, 100)) == 1.5


def test_rows_that_came_since_have_judged_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    judge(registry, rows(0, 100), 1, 2, 3, 4)
    assert looks(registry, rows(0, 200)) == 2
    assert looks(registry, rows(100, 200)) == 0


def test_of_many_rows_the_share_is_estimated(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    judge(registry, rows(0, 20_000), 1)
    judge(registry, rows(0, MOST_HASHES // 2), 2)
    assert looks(registry, rows(0, 80_000)) == pytest.approx(0.25 + 500 / 80_000, abs=0.03)
    assert looks(registry, rows(0, 20_000)) == pytest.approx(1 + 500 / 20_000, abs=0.03)
    assert looks(registry, rows(10_000, 20_000)) == pytest.approx(1)
    note = registry.noted("v1-00000001", "look")
    assert note is not None
    assert (len(note["hashes"]), note["rows"]) == (MOST_HASHES, 20_000)


@pytest.mark.parametrize(("found", "said"), [(0.0, ""), (10.4, ""), (10.6, "11 models")])
def test_after_the_tenth_it_is_said(found: float, said: str) -> None:
    assert warning(found).startswith(said)
    assert bool(warning(found)) == bool(said)


def test_a_promotion_after_the_tenth_look_says_so_on_console_card_and_report(ran: Project) -> None:
    with connect(ran) as connection:
        holdout = split(connection, ran).holdout
    registry = Registry(ran.artifacts / "registry")
    said = f"{BUDGET + 1} models were judged by this holdout"
    assert looks(registry, holdout) == 1
    assert said not in run_step("promote", ran).words
    # Versions two to eleven; the champion is the first.
    judge(registry, holdout, *range(2, BUDGET + 2))
    for step in ("evaluate", "promote"):
        assert said in run_step(step, ran).words
    run_step("report", ran)
    for file in (ran.folder / "docs" / "model_card.md", ran.artifacts / "reports" / "report.html"):
        assert said in file.read_text(encoding="utf-8")
