"""How good numbers are, in the field's figures, for rows that each count by a weight."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def weighed(outputs: Floats, actual: Floats) -> Callable[[Floats], dict[str, float]]:
    """Give what tells the figures of numbers, shape (rows,), by the rows' weights.

    Errors are in the target's unit; that in percent is of the rows that are not 0. NaN where a
    figure is undefined, as R² where all outcomes are equal.
    """
    off = np.abs(outputs - actual)
    is_share = actual != 0
    share = np.divide(off, np.abs(actual), out=np.zeros_like(off), where=is_share)

    def figures(weights: Floats) -> dict[str, float]:
        whole = weights.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            squared = weights @ off**2
            spread = weights @ (actual - weights @ actual / whole) ** 2
            found: dict[str, Any] = {
                "mean absolute error": weights @ off / whole,
                "root mean squared error": np.sqrt(squared / whole),
                "R²": 1 - np.float64(squared) / np.float64(spread),
                "mean absolute error in percent": (
                    100 * np.float64(weights @ share) / np.float64(weights @ is_share)
                ),
            }
        return {
            name: float(figure) if np.isfinite(figure) else float("nan")
            for name, figure in found.items()
        }

    return figures
