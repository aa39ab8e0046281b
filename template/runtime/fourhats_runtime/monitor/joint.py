"""Joint drift: rows whose columns are distributed as in training, but no longer related as there.

A classifier two-sample test (Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR
2017): a model learns on one half to tell training rows from current ones, and is tried on the other
half. Where nothing has changed, the area under its ROC curve is 0.5, with the standard error of the
Mann-Whitney statistic (Mann and Whitney, 1947).

Rows of one entity are in one half, as they are known by each other, and count as so many
independent rows as say the same of the area (Obuchowski, Nonparametric Analysis of Clustered ROC
Curve Data, Biometrics 53, 1997).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from fourhats_runtime.chance import Floats, Groups, independent_rows, limit
from fourhats_runtime.lifecycle.reference import MOST_ROWS
from fourhats_runtime.model.features import Feed

TREES = 50
MOST_CODES = 200  # the trees take at most 255 categories; the rarer ones become one


class Separation(NamedTuple):
    """How well a model separates current rows from training rows, and the limit of chance."""

    auc: float
    by_chance: float


def tell_apart(
    reference: Feed,
    current: Feed,
    *,
    groups: tuple[Groups | None, Groups | None] = (None, None),
    false_alarms: float,
    seed: int,
) -> Separation:
    """Tell current rows from training rows, by the columns of `reference`.

    `groups` are equal for rows of one entity: of training, and of today.
    """
    random = np.random.default_rng(seed)
    size = len(next(iter(current.values())))
    drawn = random.permutation(size)[:MOST_ROWS]
    before = len(next(iter(reference.values())))
    rows = np.column_stack(
        [
            _numbers(np.concatenate([values, current[name][drawn]]))
            for name, values in reference.items()
        ]
    )
    is_current = np.arange(len(rows)) >= before
    whose = (groups[0], None if groups[1] is None else groups[1][drawn])
    halves = [
        _half(number, each, random)
        for number, each in zip((before, len(drawn)), whose, strict=True)
    ]
    half = np.concatenate(halves)
    # Of a column without any value among them, the trees cannot learn: they end in an error.
    rows = rows[:, ~np.isnan(rows[half]).all(axis=0)]
    if not rows.size:
        return Separation(0.5, 0.5)
    model = HistGradientBoostingClassifier(max_iter=TREES, early_stopping=False, random_state=seed)
    with threadpool_limits(1):
        weights = compute_sample_weight("balanced", is_current[half])
        model.fit(rows[half], is_current[half], sample_weight=weights)
        likely = model.predict_proba(rows[~half])[:, 1]
    tried = [
        None if each is None else each[~fitted] for each, fitted in zip(whose, halves, strict=True)
    ]
    negative, positive = (
        independent_rows(_shares(likely, is_current[~half] == kind), each)
        for kind, each in zip((False, True), tried, strict=True)
    )
    error = ((positive + negative + 1) / (12 * positive * negative)) ** 0.5
    auc = float(roc_auc_score(is_current[~half], likely))
    return Separation(auc, 0.5 + float(error) * limit(false_alarms, *tried))


def _half(rows: int, groups: Groups | None, random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw half of the rows of either kind, all of an entity or none."""
    group = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(group)
    drawn = random.permutation(len(sizes))
    number = np.searchsorted(np.cumsum(sizes[drawn]), rows // 2, side="right")
    return np.isin(group, drawn[: np.clip(number, 1, len(sizes) - 1)])


def _shares(likely: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Give the share of the rows of the other kind that seem less likely than each of these.

    Those that seem as likely count by half.
    """
    others, these = np.sort(likely[~chosen]), likely[chosen]
    below, not_above = (np.searchsorted(others, these, side=side) for side in ("left", "right"))
    return (below + not_above) / (2 * len(others))


def _numbers(column: NDArray[np.float32] | NDArray[np.object_]) -> NDArray[np.float64]:
    """Give categories numbers, the commonest first."""
    values = column.ravel()
    if values.dtype != object:
        return values.astype(np.float64)
    names, places, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    codes = np.empty(len(names))
    codes[np.argsort(-counts)] = np.arange(len(names))
    return np.minimum(codes, MOST_CODES)[places]
