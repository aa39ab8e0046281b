"""The paired comparison: its interval, and what it takes for no proof."""

import numpy as np
import pytest
from fourhats_runtime.chance import student_limit
from fourhats_runtime.lifecycle.comparison import compare
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

values = arrays(np.float64, 40, elements=st.floats(-100, 100, width=32))


@given(values, values, st.sampled_from([0.0, 50.0]))
def test_who_challenges_whom_turns_the_interval_round(
    one: np.ndarray, other: np.ndarray, stake: float
) -> None:
    there = compare(one, other, stake=stake, error_rate=0.04)
    back = compare(other, one, stake=stake, error_rate=0.04)
    assert (there.gain, there.low, there.high) == pytest.approx((-back.gain, -back.high, -back.low))
    assert there.low - 1e-9 <= there.gain <= there.high + 1e-9
    assert not (there.is_better and back.is_better)


def test_it_is_students_t_with_one_row_more_on_which_the_worst_happens() -> None:
    gains = np.random.default_rng(0).normal(1.0, 3.0, 30)
    found = compare(gains, np.zeros(30), stake=50.0, error_rate=0.05)
    counted = np.append(gains, -50.0)
    error = counted.std(ddof=1) / 31**0.5
    limit = 2.04523  # of 29 degrees of freedom: those of the rows that there are
    assert found.low == pytest.approx(counted.mean() - limit * error, rel=1e-4)


def test_the_interval_is_of_95_percent_whatever_proves_a_gain() -> None:
    gains = np.random.default_rng(0).normal(0.39, 1.0, 30)
    strict, lax = (
        compare(gains, np.zeros(30), stake=0.0, error_rate=rate) for rate in (0.001, 0.2)
    )
    assert (strict.low, strict.high) == (lax.low, lax.high)
    assert (strict.is_better, lax.is_better) == (False, True)


@pytest.mark.parametrize(
    ("freedom", "limit"), [(3, 2.60543), (10, 1.9481), (100, 1.76866), (10_000, 1.75086)]
)
def test_the_limit_is_that_of_student(freedom: int, limit: float) -> None:
    assert student_limit(freedom, 0.04) == pytest.approx(limit, rel=0.01)


def test_models_that_decide_alike_are_a_tie() -> None:
    same = np.arange(10.0)
    found = compare(same, same, stake=5.0, error_rate=0.04)
    assert (found.gain, found.low, found.high, found.is_better) == (0.0, 0.0, 0.0, False)


def test_small_gains_prove_nothing_where_one_loss_would_outweigh_them() -> None:
    gains = np.repeat([10.0, 0.0], [30, 570])
    assert compare(gains, np.zeros(600), stake=0.0, error_rate=0.04).is_better
    assert not compare(gains, np.zeros(600), stake=500.0, error_rate=0.04).is_better


def test_a_single_row_proves_nothing() -> None:
    found = compare(np.array([5.0]), np.array([1.0]), stake=0.0, error_rate=0.04)
    assert found.gain == 4.0
    assert found.low < -4.0
    assert not found.is_better


def test_the_gain_is_told_with_its_interval() -> None:
    gains = np.repeat([4.0, 0.0], 50)
    words = compare(gains, np.zeros(100), stake=0.0, error_rate=0.05).words("EUR", decisions=1000)
    assert words == "+2,000 EUR (95 % interval: +1,523 to +2,422)"
