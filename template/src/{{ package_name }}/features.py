"""From columns to what the model takes: the same for training, scoring and serving."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from .contract import MISSING, Contract

Feed = dict[str, NDArray[np.float32] | NDArray[np.object_]]
"""One array of shape (rows, 1) a feature: float32 with NaN, or text with `MISSING`."""


def feed(columns: Mapping[str, Iterable[object]], contract: Contract) -> Feed:
    """Turn columns of values, None where missing, into the model's inputs."""
    inputs: Feed = {}
    for column in contract.features:
        values = columns[column.name]
        if column.is_number:
            inputs[column.name] = np.asarray(values, dtype=np.float32).reshape(-1, 1)
        else:
            texts = [MISSING if value is None else value for value in values]
            inputs[column.name] = np.array(texts, dtype=object).reshape(-1, 1)
    return inputs
