"""What a decision of this project is worth."""

import numpy as np
from fourhats_runtime.business import NumberValue
from numpy.typing import NDArray


def payoff(error: NDArray[np.float64], value: NumberValue) -> NDArray[np.float64]:
    """Give what planning with each number earns, shape (rows,), in the currency of business.toml.

    `error` is how far off it was, in the target's unit: an exact one earns `right`, which shrinks
    in a straight line to nothing at `tolerance`, and on to the loss `wrong`. Tuning, acceptance,
    promotion, alerts and reports follow from it.
    """
    earned = value.right * (1 - error / value.tolerance)
    return np.maximum(earned, value.wrong)
