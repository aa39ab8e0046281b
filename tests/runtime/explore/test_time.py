"""What moved in time is named with its period; where nothing did, hardly anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.explore.sample import Rows
from fourhats_runtime.explore.time import Periods, by_period, moved, seasons, section

from tests.runtime.explore.worlds import answers, project_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 12_000
DAYS = 3 * 365


def _looked_at(folder: Path, chance: Any, *, share: Any = None) -> tuple[Rows, Periods]:  # noqa: ANN401
    """Give the rows of three years; the chance of a yes is by the day."""
    random = np.random.default_rng(7)
    days = np.sort(random.choice(DAYS, ROWS, p=share))
    moments = np.datetime64("2023-01-01", "us") + days.astype("timedelta64[D]")
    values = {
        "at": moments,
        "noise": random.normal(size=ROWS),
        "outcome": answers(random, chance(days)),
    }
    project = project_of(folder / "project", values, columns={"at": {"role": "time"}})
    with connect(project, read_only=True) as connection:
        rows = Rows.of(connection, project)
        periods = by_period(rows)
        assert periods is not None
        said = section(rows, periods)
        assert said.table is not None
        assert len(said.table.rows) == 36
        assert sum(int(row[1].replace(",", "")) for row in said.table.rows) == ROWS
        _SEASONS[id(periods)] = seasons(rows, periods)
    return rows, periods


_SEASONS: dict[int, list[str]] = {}


def test_a_step_is_named_with_its_month(tmp_path: Path) -> None:
    later = (np.datetime64("2024-07-01") - np.datetime64("2023-01-01")).astype(int)
    rows, periods = _looked_at(tmp_path, lambda days: np.where(days >= later, 0.4, 0.25))
    assert periods.unit == "month"
    (found,) = moved(periods)
    assert (found.name, found.kind, found.period) == (rows.measured, "step", "2024-07-01")
    assert (found.before, found.after) == pytest.approx((0.25, 0.4), abs=0.02)
    assert "steps from 0.2" in str(found)


def test_a_way_is_no_step(tmp_path: Path) -> None:
    rows, periods = _looked_at(tmp_path, lambda days: 0.2 + 0.3 * days / DAYS)
    (found,) = moved(periods)
    assert (found.name, found.kind) == (rows.measured, "way")
    assert "little by little" in str(found)


def test_nothing_is_named_where_nothing_moved(tmp_path: Path) -> None:
    _, periods = _looked_at(tmp_path, lambda days: np.full(len(days), 0.3))
    assert moved(periods) == []
    assert _SEASONS[id(periods)] == []


def test_a_season_comes_back(tmp_path: Path) -> None:
    rows, periods = _looked_at(
        tmp_path, lambda days: 0.3 + 0.2 * np.sin(2 * np.pi * days / 365 - np.pi / 2)
    )
    said = [each for each in _SEASONS[id(periods)] if "month of the year" in each]
    assert len(said) == 1
    assert said[0].startswith(f"{rows.measured} goes with the month of the year")
    assert not [each for each in moved(periods) if each.name == rows.measured]


def test_days_of_the_week_show_in_the_rows(tmp_path: Path) -> None:
    weekday = (np.arange(DAYS) + 6) % 7  # 2023 began on a Sunday
    weights = np.where(weekday >= 5, 0.2, 1.0)
    _, periods = _looked_at(
        tmp_path, lambda days: np.full(len(days), 0.3), share=weights / weights.sum()
    )
    (said,) = _SEASONS[id(periods)]
    assert said.startswith("rows goes with the day of the week")
    assert said.partition(" in ")[2][0] in "67"


def test_parts_of_time_make_periods(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    month = np.sort(random.integers(0, 24, 4_000))
    values = {
        "year": 2023 + month // 12,
        "month": 1 + month % 12,
        "outcome": answers(random, np.where(month >= 12, 0.5, 0.2)),
    }
    project = project_of(tmp_path / "project", values)
    text = project.contract_file.read_text(encoding="utf-8")
    project.contract_file.write_text(f'time_parts = ["year", "month"]\n{text}', encoding="utf-8")
    with connect(project, read_only=True) as connection:
        periods = by_period(Rows.of(connection, project.at(project.folder)))
    assert periods is not None
    assert len(periods.labels) == 24
    (said,) = [str(each) for each in moved(periods) if "outcome" in each.name]
    assert said.endswith("at 2024-1")
