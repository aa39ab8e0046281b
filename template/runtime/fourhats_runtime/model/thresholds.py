"""Trees whose thresholds are the same in single precision, in which ONNX compares.

A threshold that lies between two float32 numbers is rounded down to the lower one: no float32 input
changes sides, and none does after the conversion. Without that, a value that comes to lie on a
threshold, halfway between two others, is sent left by the one and right by the other.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def in_single(model: Any) -> None:  # noqa: ANN401 (any estimator)
    """Round the thresholds of scikit-learn's trees, alone or many; other models are left alone."""
    for thresholds in _thresholds(model):
        thresholds[:] = rounded_down(thresholds)


def rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the largest float32 number that is no larger than each; infinite ones as they are."""
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    above = single > numbers
    single[above] = np.nextafter(single[above], np.float32(-np.inf))
    return single.astype(np.float64)


def _thresholds(model: Any) -> Iterator[NDArray[np.float64]]:  # noqa: ANN401
    for trees in getattr(model, "_predictors", ()):  # of HistGradientBoosting
        for tree in trees:
            yield tree.nodes["num_threshold"]
    if hasattr(model, "steps"):  # a pipeline
        yield from _thresholds(model.steps[-1][1])
    if hasattr(model, "tree_"):
        yield model.tree_.threshold
    for each in np.ravel(getattr(model, "estimators_", [])):  # forests and the like
        yield from _thresholds(each)
