"""Calibration finds what was done to true probabilities, and leaves alone what it cannot know."""

from dataclasses import asdict

import numpy as np
import pytest
from fourhats_runtime.model.calibration import Calibration, calibrate
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def drawn(rows: int, classes: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Draw true probabilities, shape (rows, classes), and what came by them."""
    random = np.random.default_rng(seed)
    true = random.dirichlet(np.ones(classes), rows)
    came = (random.random((rows, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return true, np.minimum(came, classes - 1).astype(np.float64)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("power", "tilt"), [(3.0, 1.0), (0.5, 4.0), (1.0, 1.0)])
def test_what_was_done_to_true_probabilities_is_undone(
    classes: int, power: float, tilt: float
) -> None:
    true, came = drawn(4000, classes)
    weights = np.append(tilt, np.ones(classes - 1))
    said = true**power * weights
    said /= said.sum(axis=1, keepdims=True)
    found = calibrate(said, came)(said)
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(found - true).mean() < 0.015


def test_order_stays_where_there_are_two_classes() -> None:
    true, came = drawn(500, 2)
    calibration = calibrate(true**3 / (true**3).sum(axis=1, keepdims=True), came)
    found = calibration(true[np.argsort(true[:, 1])])
    assert (np.diff(found[:, 1]) >= 0).all()


def test_a_few_rows_of_one_outcome_make_nothing_certain() -> None:
    true, _ = drawn(4, 2)
    assert calibrate(true, np.ones(4))(true).max() < 0.9


@pytest.mark.parametrize("wrong", ["noise", "the reverse"])
def test_a_model_that_knows_nothing_says_what_the_shares_do(wrong: str) -> None:
    true, came = drawn(4000, 2)
    said = true[:, ::-1].copy() if wrong == "the reverse" else drawn(4000, 2, seed=1)[0]
    found = calibrate(said, came)(said)
    assert np.abs(found[:, 1] - came.mean()).mean() < 0.03


def test_certainties_that_were_wrong_break_nothing() -> None:
    said = np.repeat([[0.0, 1.0], [1.0, 0.0]], 50, axis=0)
    came = np.append(np.tile([1.0, 1.0, 1.0, 0.0, 1.0], 10), np.zeros(50))
    calibration = calibrate(said, came)
    assert np.isfinite(calibration(said)).all()
    assert Calibration(**asdict(calibration))(said).tolist() == calibration(said).tolist()


def test_numbers_are_left_as_they_are() -> None:
    numbers = np.array([1.0, 2.0])
    assert calibrate(numbers, numbers)(numbers).tolist() == [1.0, 2.0]
