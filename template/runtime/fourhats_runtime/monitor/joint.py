"""Joint drift: rows whose columns are distributed as in training, but no longer related as there.

A classifier two-sample test (Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR
2017): a model learns on one half to tell training rows from current ones, and is tried on the other
half. Where nothing has changed, the area under its ROC curve is 0.5, with the standard error of the
Mann-Whitney statistic (Mann and Whitney, 1947).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from fourhats_runtime.lifecycle.reference import MOST_ROWS
from fourhats_runtime.model.features import Feed
from fourhats_runtime.monitor.chance import normal_limit

TREES = 50
MOST_CODES = 200  # the trees take at most 255 categories; the rarer ones become one


class Separation(NamedTuple):
    """How well a model separates current rows from training rows, and the limit of chance."""

    auc: float
    by_chance: float


def tell_apart(reference: Feed, current: Feed, *, false_alarms: float, seed: int) -> Separation:
    """Tell current rows from training rows, by the columns of `reference`."""
    random = np.random.default_rng(seed)
    size = len(next(iter(current.values())))
    drawn = random.permutation(size)[:MOST_ROWS]
    before = len(next(iter(reference.values())))
    rows = np.column_stack(
        [_numbers(np.concatenate([reference[name], current[name][drawn]])) for name in reference]
    )
    is_current = np.arange(len(rows)) >= before
    half = _half(is_current, random)
    # Of a column without any value among them, the trees cannot learn: they end in an error.
    rows = rows[:, ~np.isnan(rows[half]).all(axis=0)]
    if not rows.size:
        return Separation(0.5, 0.5)
    model = HistGradientBoostingClassifier(max_iter=TREES, early_stopping=False, random_state=seed)
    with threadpool_limits(1):
        weights = compute_sample_weight("balanced", is_current[half])
        model.fit(rows[half], is_current[half], sample_weight=weights)
        likely = model.predict_proba(rows[~half])[:, 1]
    positive = int(is_current[~half].sum())
    negative = int((~half).sum()) - positive
    error = ((positive + negative + 1) / (12 * positive * negative)) ** 0.5
    auc = float(roc_auc_score(is_current[~half], likely))
    return Separation(auc, 0.5 + float(error) * normal_limit(false_alarms))


def _half(is_current: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw half of the rows of either kind."""
    half = np.zeros(len(is_current), dtype=bool)
    for kind in (False, True):
        places = random.permutation(np.flatnonzero(is_current == kind))
        half[places[: len(places) // 2]] = True
    return half


def _numbers(column: NDArray[np.float32] | NDArray[np.object_]) -> NDArray[np.float64]:
    """Give categories numbers, the commonest first."""
    values = column.ravel()
    if values.dtype != object:
        return values.astype(np.float64)
    names, places, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    codes = np.empty(len(names))
    codes[np.argsort(-counts)] = np.arange(len(names))
    return np.minimum(codes, MOST_CODES)[places]
