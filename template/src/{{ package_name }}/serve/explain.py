"""What each feature adds to a prediction, against a typical record: Shapley values.

A feature that is not in a set of features has its typical value (the baseline Shapley value of
Sundararajan & Najmi, The Many Shapley Values for Model Explanation, 2020). With few features every
set is asked about, and the values are exact. With many, features are put in random orders, each of
them forwards and backwards (Mitchell et al., Sampling Permutations for Shapley Value Estimation,
2022). Either way they add up to the difference from the typical record's prediction.
"""

from collections.abc import Callable, Mapping, Sequence
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..features import Feed, feed
from ..model import Model

MOST_EXPLAINED = 100  # records at once
MOST_FEATURES_EXACT = 10  # 1,024 sets
ORDERS = 64
SEED = 0  # the same record always has the same explanation

Numbers = NDArray[np.float64]
Sets = NDArray[np.bool_]
"""Shape (sets, features): which features have the record's own value."""


def explain(model: Model, columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Explain each record of columns of values."""
    typical = feed({name: [value] for name, value in model.example.items()}, model.contract)
    records = feed(columns, model.contract)
    count = len(next(iter(records.values())))
    each = ({name: values[[place]] for name, values in records.items()} for place in range(count))
    return [_explain(model, record, typical) for record in each]


def _explain(model: Model, record: Feed, typical: Feed) -> dict[str, Any]:
    names, classes = list(record), model.contract.classes
    subject = _subject(model, model.run(record))

    def figure(sets: Sets) -> Numbers:
        mixed: Feed = {
            name: np.where(sets[:, [place]], record[name], typical[name])
            for place, name in enumerate(names)
        }
        outputs = model.run(mixed)
        return outputs[:, subject] if classes else outputs

    none, whole = figure(np.array([[False] * len(names), [True] * len(names)])).tolist()
    values = shapley_values(figure, len(names)).tolist()
    return {
        "of": f"probability of {classes[subject]}" if classes else "prediction",
        "value": whole,
        "typical_value": none,
        "contributions": dict(zip(names, values, strict=True)),
    }


def shapley_values(figure: Callable[[Sets], Numbers], features: int) -> Numbers:
    """Share out `figure` of all features less that of none, shape (features,)."""
    return (_exact if features <= MOST_FEATURES_EXACT else _sampled)(figure, features)


def _subject(model: Model, outputs: Numbers) -> int:
    """Choose the class whose probability is explained: the one acted on, else the likeliest."""
    contract = model.contract
    if contract.positive is not None:
        return contract.classes.index(contract.positive)
    return int(outputs.argmax()) if contract.classes else 0


def _exact(figure: Callable[[Sets], Numbers], features: int) -> Numbers:
    numbers = np.arange(2**features)
    sets = (numbers[:, None] >> np.arange(features) & 1).astype(bool)
    worth = figure(sets)
    sizes = sets.sum(axis=1)
    # How many orders put exactly a set of this size before a feature, as a share of all.
    share = np.array(
        [
            factorial(size) * factorial(features - size - 1) / factorial(features)
            for size in range(features)
        ]
    )
    values = np.empty(features)
    for feature in range(features):
        without = numbers[~sets[:, feature]]
        gained = worth[without | 1 << feature] - worth[without]
        values[feature] = share[sizes[without]] @ gained
    return values


def _sampled(figure: Callable[[Sets], Numbers], features: int) -> Numbers:
    random = np.random.default_rng(SEED)
    forwards = [random.permutation(features) for _ in range(ORDERS // 2)]
    orders = np.array([order for each in forwards for order in (each, each[::-1])])
    ranks = orders.argsort(axis=1)  # shape (orders, features): when a feature joins
    sets = ranks[:, None, :] < np.arange(features + 1)[:, None]
    worth = figure(sets.reshape(-1, features)).reshape(len(orders), features + 1)
    gained = np.diff(worth, axis=1)  # by the feature that joins at each step
    values: Numbers = np.take_along_axis(gained, ranks, axis=1).mean(axis=0)
    return values
