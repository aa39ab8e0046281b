"""How good the numbers are, in the field's own figures: they stand in the report."""

import numpy as np
from fourhats_runtime.contract import Contract
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error


def metrics(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract
) -> dict[str, float]:
    """Judge numbers by those that came, both of shape (rows,) and in the target's unit."""
    del contract
    return {
        "mean_absolute_error": mean_absolute_error(actual, outputs),
        "root_mean_squared_error": root_mean_squared_error(actual, outputs),
        "r2": r2_score(actual, outputs),
    }
