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

from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.model.features import Columns, columns
from fourhats_runtime.wording import number

MOST_EXPLAINED = 100  # records at once
MOST_FEATURES_EXACT = 10  # 1,024 sets
ORDERS = 64
MOST_REASONS = 3
LONGEST = 60  # characters of a value
SEED = 0  # the same record always has the same explanation

Numbers = NDArray[np.float64]
Sets = NDArray[np.bool_]
"""Shape (sets, features): which features have the record's own value."""


def explain(model: Model, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Explain each record of columns of values: by the features that a record has.

    What the project derives of them is made anew for each mixture with the typical record, so that
    a derived feature's part falls to those that it was made of.
    """
    example = {name: [value] for name, value in model.example.items()}
    typical = columns(example, model.contract)
    records = columns(values, model.contract)
    count = len(next(iter(records.values())))
    each = ({name: column[[place]] for name, column in records.items()} for place in range(count))
    return [_explain(model, record, typical) for record in each]


def reasons(model: Model, values: Mapping[str, Sequence[Any]]) -> list[str]:
    """Say of the first record which features weigh the most, the strongest first, and which way.

    Up to three of them; those that move a probability by less than a point are left out.
    """
    found = explain(model, {name: column[:1] for name, column in values.items()})[0]
    classes, parts = model.contract.classes, found["contributions"]
    said = []
    for column in model.contract.features:
        part = parts[column.name]
        size = f"{abs(part) * 100:.0f} points" if classes else number(abs(part))
        if part and size != "0 points":
            given, typical = _said(values[column.name][0]), _said(model.example[column.name])
            way = "raises" if part > 0 else "lowers"
            words = (
                f"{column.source} is {given} (typical: {typical}): "
                f"that {way} the {found['of']} by {size}."
            )
            said.append((abs(part), words))
    return [words for _, words in sorted(said, key=lambda each: -each[0])[:MOST_REASONS]]


def _said(value: object) -> str:
    if value is None:
        return "missing"
    text = number(value, 6) if isinstance(value, float) else str(value)
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text


def _explain(model: Model, record: Columns, typical: Columns) -> dict[str, Any]:
    names, classes = list(record), model.contract.classes
    subject = _subject(model, _outputs(model, record))

    def figure(sets: Sets) -> Numbers:
        mixed = {
            name: np.where(sets[:, place], record[name], typical[name])
            for place, name in enumerate(names)
        }
        outputs = _outputs(model, mixed)
        return outputs[:, subject] if classes else outputs

    none, whole = figure(np.array([[False] * len(names), [True] * len(names)])).tolist()
    values = shapley_values(figure, len(names)).tolist()
    return {
        "of": f"probability of {classes[subject]}" if classes else "prediction",
        "value": whole,
        "typical_value": none,
        "contributions": dict(zip(names, values, strict=True)),
    }


def _outputs(model: Model, records: Columns) -> Numbers:
    return model.run(model.inputs(records))


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
