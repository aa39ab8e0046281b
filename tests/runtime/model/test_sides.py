"""A row's side follows from its entity, its id or its content, and from its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model.parts import Part
from fourhats_runtime.model.sides import Sides, hashes, sides

ROWS = 1_000
START = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
HASH_OF_S1, HASH_OF_ONE = 6_909_601_587_305_189_250, 5_757_981_517_682_663_094
Role = Literal["id", "entity", "time", "ignore", "feature"]


def of(days: float = 0.0, **roles: Role) -> tuple[Sides, dict[str, list[Any]]]:
    """Give the sides of 1,000 rows of 200 shops on 100 days, and the rows; `days` an outcome."""
    rows: dict[str, list[Any]] = {
        "no": list(range(ROWS)),
        "shop": [f"S{row % 200}" for row in range(ROWS)],
        "day": [START + timedelta(days=row // 10) for row in range(ROWS)],
        "x": [None if row % 7 == 0 else row / 3 for row in range(ROWS)],
        "y": [row % 2 for row in range(ROWS)],
    }
    named: dict[str, Role] = {"no": "ignore", "shop": "ignore", "day": "ignore"}
    roles = named | roles
    columns = (
        Column(name="no", source="no", type="integer", role=roles["no"]),
        Column(name="shop", source="shop", type="text", role=roles["shop"]),
        Column(name="day", source="day", type="datetime", role=roles["day"]),
        Column(name="x", source="x", type="number", nullable=True),
        Column(name="y", source="y", type="integer", role="target"),
    )
    contract = Contract(columns=columns)
    used = {column.name: rows[column.name] for column in contract.used}
    ranks = np.arange(ROWS) // 10 * 10 / (ROWS - 1)
    return sides(used, ranks, contract, days), rows


def test_a_row_is_on_one_side_and_the_shares_are_as_they_should_be() -> None:
    found, _ = of(no="id")
    on = np.stack([found.train, found.validation, found.holdout])
    assert (on.sum(axis=0) == 1).all()
    assert np.allclose(on.mean(axis=1), [0.6, 0.2, 0.2], atol=0.04)
    assert (found.by, found.notes) == ("a hash of no", ())


def test_rows_of_one_entity_are_on_one_side() -> None:
    found, rows = of(shop="entity", no="id")
    for side in (found.train, found.validation, found.holdout):
        shops = {shop for shop, on in zip(rows["shop"], side, strict=True) if on}
        assert sum(on for shop, on in zip(rows["shop"], side, strict=True)) == 5 * len(shops)
    assert len(np.unique(found.groups)) == 200
    assert len(np.unique(found.keys)) == ROWS
    assert found.by == "a hash of shop"


def test_hashes_are_the_same_for_ever() -> None:
    """They are in the registry of somebody by now: another hash would mix the sides."""
    assert hashes(iter([("S1",), (1, None)])).tolist() == [HASH_OF_S1, HASH_OF_ONE]


def test_a_row_of_nobody_known_stands_for_itself() -> None:
    column = Column(name="shop", source="shop", type="text", role="entity", nullable=True)
    x = Column(name="x", source="x", type="number")
    y = Column(name="y", source="y", type="number", role="target")
    contract = Contract(columns=(column, x, y))
    rows: dict[str, list[Any]] = {
        "shop": [None, None, "S1", "S1"],
        "x": [1.0, 2.0, 3.0, 4.0],
        "y": [0.0] * 4,
    }
    found = sides(rows, np.zeros(4), contract, 0.0)
    assert len(np.unique(found.groups)) == 3
    assert found.groups[2] == found.groups[3]


def alike(rows: int, contents: int) -> Sides:
    """Give the sides of rows that hold a number and nothing else, one of so many."""
    x = Column(name="x", source="x", type="integer")
    y = Column(name="y", source="y", type="integer", role="target")
    held: dict[str, list[Any]] = {"x": [row % contents for row in range(rows)], "y": [0] * rows}
    return sides(held, np.zeros(rows), Contract(columns=(x, y)), 0.0)


def test_rows_with_the_same_content_are_on_one_side() -> None:
    assert len(np.unique(alike(599, 60).keys)) == 60


def test_a_case_that_many_others_look_like_stands_for_itself() -> None:
    found = alike(600, 8)
    assert len(np.unique(found.keys)) == 600
    shares = [side.mean() for side in (found.train, found.validation, found.holdout)]
    assert np.allclose(shares, [0.6, 0.2, 0.2], atol=0.05)
    assert (found.keys[:500] == alike(500, 8).keys).all()


def test_in_time_the_past_is_learnt_from() -> None:
    found, _ = of(day="time", no="id")
    place = np.arange(ROWS)
    assert place[found.train].max() < place[found.validation].min()
    assert place[found.validation].max() < place[found.holdout].min()
    assert [int(side.sum()) for side in (found.train, found.validation, found.holdout)] == [
        600,
        200,
        200,
    ]
    assert found.by == "day"


@pytest.mark.parametrize(
    ("days", "train", "validation"), [(0.0, 600, 200), (1.0, 600, 200), (2.5, 580, 180)]
)
def test_a_gap_is_as_long_as_outcomes_take(days: float, train: int, validation: int) -> None:
    """The last day before a part begins is one day before: with one day, its outcome is known."""
    found, _ = of(days, day="time", no="id")
    assert (int(found.train.sum()), int(found.validation.sum())) == (train, validation)
    assert int(found.holdout.sum()) == 200
    assert [note.partition(" rows")[0] for note in found.notes] == ["40"] * (days > 1)


def test_with_entity_and_time_what_would_tell_of_either_is_left_out() -> None:
    found, rows = of(shop="entity", day="time")
    early = np.arange(ROWS) < 600
    assert not (found.holdout & early).any()
    assert not ((found.train | found.validation) & ~early).any()
    alone, _ = of(shop="entity")
    assert (found.train == (alone.train & early)).all()
    assert (found.validation == (alone.validation & early)).all()
    assert (found.holdout == (alone.holdout & ~early)).all()
    lost = ROWS - int((found.train | found.validation | found.holdout).sum())
    assert found.notes[0].startswith(f"{lost:,} of 1,000 rows are left out")
    assert len(np.unique(found.keys)) == len(set(zip(rows["shop"], rows["day"], strict=True)))


@pytest.mark.parametrize("days", [1.0, 3.0])
def test_with_entity_and_time_only_the_holdout_has_a_gap_before_it(days: float) -> None:
    found, _ = of(days, shop="entity", day="time")
    before, _ = of(shop="entity", day="time")
    day = np.arange(ROWS) // 10
    known = day + days <= day[before.holdout].min()
    assert (found.train == (before.train & known)).all()
    assert (found.validation == (before.validation & known)).all()
    assert len(found.notes) == 1 + (days > 1)


def test_without_a_moment_a_gap_is_not_possible_and_it_is_said() -> None:
    columns = (
        Column(name="year", source="year", type="integer"),
        Column(name="y", source="y", type="number", role="target"),
    )
    contract = Contract(columns=columns, time_parts=("year",))
    rows: dict[str, list[Any]] = {"year": [2024, 2025, 2026], "y": [1.0, 2.0, 3.0]}
    found = sides(rows, np.array([0.0, 0.7, 1.0]), contract, 30.0)
    assert found.notes == ("no gap for outcomes that come late: year is no datetime",)
    assert found.train.tolist() == [True, False, False]


def part(amounts: list[float], groups: list[int] | None = None) -> Part:
    hashed = None if groups is None else np.array(groups, dtype=np.uint64)
    return Part({}, np.array(amounts), groups=hashed)


def test_a_standard_error_counts_an_entity_once() -> None:
    once, thrice = [1.0, 2.0, 4.0, 7.0], [1.0, 2.0, 4.0, 7.0] * 3
    alone = part(once).standard_error(np.array(once))
    assert alone == pytest.approx(np.std(once, ddof=1) / 2)
    together = part(thrice, [0, 1, 2, 3] * 3).standard_error(np.array(thrice))
    assert together == pytest.approx(alone)
    assert part(once, [5] * 4).standard_error(np.array(once)) == float("inf")


def test_entities_of_unequal_size_keep_the_mean_of_the_rows() -> None:
    """By hand: the mean is 2; off it are -1 and +1 of the one entity, and -1, 0, +1 of others."""
    amounts = np.array([1.0, 3.0, 1.0, 2.0, 3.0])
    draws = part([0.0] * 5, [7, 7, 1, 2, 3]).by_entity(amounts)
    assert sorted(draws.tolist()) == pytest.approx([2 - 4 / 5, 2, 2, 2 + 4 / 5])
    assert part([0.0] * 5).by_entity(amounts).tolist() == amounts.tolist()


def test_parts_of_a_part_keep_what_names_their_rows() -> None:
    whole = Part({}, np.arange(4.0), keys=hashes(iter([(1,), (2,), (3,), (4,)])))
    some = whole.where(np.array([3, 1]))
    assert some.keys is not None
    assert whole.keys is not None
    assert some.keys.tolist() == whole.keys[[3, 1]].tolist()
    assert some.groups is None
