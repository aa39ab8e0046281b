"""A column is described by bins that see what it can do: flags, spikes, tails, new values, gaps."""

import json
import math

import numpy as np
import pytest
from fourhats_runtime.lifecycle.distribution import (
    FEW,
    MOST_ROWS,
    Distribution,
    Values,
    baseline,
    baselines_of,
    places,
)
from numpy.typing import NDArray

RANDOM = np.random.default_rng(0)


def described(column: Values) -> Distribution:
    return baseline({"a": column})["a"]


def binned(column: Values, bins: Distribution) -> NDArray[np.int64]:
    """Count the rows in each bin, up to the last that has any."""
    return np.bincount(places(column, bins))


def test_few_numbers_are_categories_and_all_rows_are_counted() -> None:
    bins = described(np.repeat([0.0, 1.0, math.nan], [900, 90, 10]).reshape(-1, 1))
    assert (bins.levels, bins.edges) == ([0.0, 1.0], [])
    assert bins.counts == [900, 90, 0, 10]
    assert binned(np.array([1.0, 1.0, 0.5, 7.0, math.nan]), bins).tolist() == [0, 2, 2, 1]


def test_few_texts_are_categories_and_a_new_one_is_none_of_them() -> None:
    bins = described(np.repeat(np.array(["x", "y"], dtype=object), [60, 40]))
    assert bins.groups == [["x"], ["y"]]
    assert bins.counts == [60, 40, 0]
    assert binned(np.array(["y", "new", "new"], dtype=object), bins).tolist() == [0, 1, 2]


def test_a_spike_has_a_bin_of_its_own_and_the_rest_is_cut_in_proportion() -> None:
    column = np.where(RANDOM.random(4000) < 0.7, 0.0, RANDOM.normal(size=4000))
    bins = described(column)
    assert bins.levels == [0.0]
    assert len(bins.edges) == 3 + 1 + 2  # three parts, from end to end, and two tails
    assert sum(bins.counts) == 2000


def test_a_few_numbers_of_many_are_no_categories() -> None:
    column = np.concatenate([np.zeros(200), RANDOM.normal(size=FEW - 5)])
    assert described(column).levels == [0.0]


@pytest.mark.parametrize("value", [-9.0, 9.0, math.inf, -math.inf])
def test_what_lies_beyond_the_range_has_a_bin_that_the_training_rows_all_but_lack(
    value: float,
) -> None:
    bins = described(RANDOM.normal(size=2000))
    place = int(binned(np.array([value]), bins).argmax())
    assert place in {0, len(bins.edges)}
    assert bins.counts[place] <= 10
    assert sum(bins.counts) == 1000


def test_rows_that_choose_the_bins_are_not_counted_in_them() -> None:
    column = np.array([f"text {place}" for place in range(1000)], dtype=object)
    bins = described(column)
    assert bins.counts == [*[0] * len(bins.groups), 500]
    assert len(bins.groups) == 10
    assert bins.known == []


def test_more_rows_than_are_of_use_are_left_out() -> None:
    assert sum(described(np.zeros(MOST_ROWS + 7)).counts) == MOST_ROWS


@pytest.mark.parametrize(
    "column",
    [
        np.full(10, math.nan),
        np.array([], dtype=np.float64),
        np.array([], dtype=object),
        np.array([-math.inf, *RANDOM.normal(size=100), math.inf]),
        np.linspace(0, 1, 100, dtype=np.float32),
        RANDOM.choice(["x", "y"], 30).astype(object),
    ],
)
def test_a_registered_model_keeps_it_as_it_is(column: Values) -> None:
    known = baseline({"a": column})
    kept = {"a": known["a"].model_dump(exclude_defaults=True)}
    read = baselines_of(json.loads(json.dumps({"drift_baseline": kept})))
    assert read == known
    assert binned(column, read["a"]).tolist() == binned(column, known["a"]).tolist()
    assert binned(column, read["a"]).sum() == len(column)
