"""What a decision of this project is worth."""

import numpy as np
from fourhats_runtime.business import ActionValue
from numpy.typing import NDArray


def payoff(
    acted: NDArray[np.bool_], right: NDArray[np.bool_], value: ActionValue
) -> NDArray[np.float64]:
    """Give what each decision earns, shape (rows,), in the currency of config/business.toml.

    `acted` says who was acted on, `right` where acting was called for. Threshold, tuning,
    acceptance, promotion, alerts and reports follow from it.
    """
    if_acted = np.where(right, value.act_right, value.act_wrong)
    if_left_alone = np.where(right, value.missed, value.left_alone)
    return np.where(acted, if_acted, if_left_alone)
