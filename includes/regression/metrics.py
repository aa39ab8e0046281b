"""How good the numbers are, in the field's own figures."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from .contract import Contract


def metrics(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], _contract: Contract
) -> dict[str, float]:
    """Judge numbers by those that came, both of shape (rows,) and in the target's unit."""
    return {
        "mean_absolute_error": float(mean_absolute_error(actual, outputs)),
        "root_mean_squared_error": float(root_mean_squared_error(actual, outputs)),
        "r2": float(r2_score(actual, outputs)),
    }
