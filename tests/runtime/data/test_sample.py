"""The sample that stands in has a signal, gaps and dirt, in the shares that it promises."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.sources import sample

if TYPE_CHECKING:
    from fourhats_runtime import Project

both_tasks = pytest.mark.parametrize("task", ["classification", "regression"], indirect=True)


def texts(contract: Contract, **how: int) -> dict[str, list[str]]:
    made: dict[str, list[str]] = sample.make(contract, **how).to_pydict()
    return made


@both_tasks
def test_it_is_the_same_each_time_and_another_by_another_seed(fresh: Project) -> None:
    made = texts(fresh.contract)
    assert texts(fresh.contract) == made
    assert texts(fresh.contract, seed=1) != made
    assert {len(values) for values in made.values()} == {sample.ROWS}
    assert list(made) == [column.source for column in fresh.contract.columns]


@both_tasks
def test_values_are_what_the_contract_allows_but_for_dirt_in_one_column(fresh: Project) -> None:
    made = texts(fresh.contract, rows=20_000)
    dirty = []
    for column in fresh.contract.features:
        values = made[column.source]
        gaps = sum(value == "" for value in values) / len(values)
        assert gaps == pytest.approx(0.03 if column.nullable else 0, abs=0.005)
        bad = sum(value == "???" for value in values) / len(values)
        if bad:
            dirty.append(column.name)
            assert bad == pytest.approx(0.01, abs=0.003)
        known = [value for value in values if value not in ("", "???")]
        if column.type in ("integer", "number"):
            assert column.min is not None
            assert column.max is not None
            numbers = np.array(known, dtype=float)
            assert column.min <= numbers.min() < column.min + 0.1 * (column.max - column.min)
            assert column.max >= numbers.max() > column.max - 0.1 * (column.max - column.min)
        elif column.type == "category":
            assert set(known) == set(column.categories)
        elif column.type == "boolean":
            assert set(known) == {"0", "1"}
    assert dirty == [next(c.name for c in fresh.contract.features if c.is_number)]


def test_three_in_ten_are_of_the_class_that_calls_for_action(fresh: Project) -> None:
    target = fresh.contract.target
    made = texts(fresh.contract)[target.source]
    assert made.count("yes") / len(made) == pytest.approx(0.3, abs=0.001)
    columns = tuple(
        column.model_copy(update={"categories": ("a", "b", "c")}) if column == target else column
        for column in fresh.contract.columns
    )
    classes = fresh.contract.model_copy(update={"columns": columns, "positive": None})
    made = texts(classes)[target.source]
    shares = [made.count(name) / len(made) for name in "abc"]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.001)


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_a_number_that_is_predicted_spans_what_the_contract_allows(fresh: Project) -> None:
    target = fresh.contract.target
    made = np.array(texts(fresh.contract)[target.source], dtype=float)
    assert (made.min(), made.max()) == (target.min, target.max)


def test_the_target_depends_on_the_features_beyond_what_is_linear(fresh: Project) -> None:
    made = texts(fresh.contract, rows=20_000)
    acted = np.array(made["churned"]) == "yes"
    fees = np.array(made["monthly_fee"], dtype=float)
    thirds = np.digitize(fees, np.quantile(fees, [1 / 3, 2 / 3]))
    shares = [acted[thirds == third].mean() for third in range(3)]
    assert max(shares) - min(shares) > 0.1


@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_time_passes_by_the_hour(fresh: Project) -> None:
    time = next(column for column in fresh.contract.columns if column.role == "time")
    moments = list(map(datetime.fromisoformat, texts(fresh.contract)[time.source]))
    assert moments[0] == datetime(2025, 1, 1)  # noqa: DTZ001 (as the warehouse has them)
    assert {(later - sooner).total_seconds() for sooner, later in pairwise(moments)} == {3600.0}


def test_parts_of_time_ids_entities_and_decimal_commas_are_made_as_the_contract_has_them() -> None:
    contract = Contract(
        time_parts=("year", "sale_hour", "step"),
        columns=(
            Column(name="no", source="No.", type="integer", role="id"),
            Column(name="shop", source="Shop", type="integer", role="entity"),
            Column(name="year", source="Year", type="integer"),
            Column(name="sale_hour", source="Hour", type="integer"),
            Column(name="step", source="Step", type="integer"),
            Column(name="price", source="Price", type="number", written="12,5", min=1, max=2),
            Column(name="free", source="Free", type="number"),
            Column(name="kind", source="Kind", type="category"),
            Column(name="note", source="Note", type="text", role="ignore"),
            Column(name="sold", source="Sold", type="integer", role="target"),
        ),
    )
    made = texts(contract, rows=100)
    assert made["No."] == [str(number) for number in range(1, 101)]
    assert made["Shop"][:6] == [*["1"] * 5, "2"]
    assert made["Year"][:25] == ["2025"] * 25
    assert made["Hour"][:25] == [*map(str, range(24)), "0"]
    assert made["Step"][:3] == ["0", "1", "2"]
    assert set(made["Note"]) == {""}
    assert set(made["Kind"]) == {"a", "b"}
    assert all("," in text and "." not in text for text in made["Price"] if text != "???")
    numbers = [float(text) for text in made["Free"]]
    assert 0 <= min(numbers) < 10
    assert 90 < max(numbers) <= 100
    sold = [int(text) for text in made["Sold"]]
    assert (min(sold), max(sold)) == (0, 100)
