"""Cases, and what a plain model that has not learnt from them says of each.

It is no tuned model: a few small trees by gradient boosting; with the library's own settings, trees
are as large as to learn a few hundred rows by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.chance import Groups
    from fourhats_runtime.tasks.rule import Policy

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
FOLDS = 5
STEPS = 5
"""Parts of the time: each but the first is predicted from those before it."""
FEWEST_TO_LEARN = 10
"""Of each of two classes, or of numbers."""
SIZE = {"max_iter": 50, "max_leaf_nodes": 8, "early_stopping": False}


@dataclass(frozen=True)
class Cases:
    """Rows with known outcomes, shape (rows, columns) and (rows,)."""

    inputs: Floats
    """Numbers, categories by their numbers; NaN where missing."""
    actual: Floats
    """The class that came, as its index, or the number."""
    groups: Groups | None = None
    """Equal for rows of one entity."""
    rank: Floats | None = None
    """The place in time, from 0 to 1."""
    today: Policy | None = None
    """What today's rule decides."""

    def where(self, chosen: Truths) -> Cases:
        """Give some of the rows."""
        today = self.today
        if today is not None:
            today = today._replace(
                acts=np.asarray(today.acts)[chosen], on=np.asarray(today.on)[chosen]
            )
        return Cases(
            self.inputs[chosen],
            self.actual[chosen],
            None if self.groups is None else self.groups[chosen],
            None if self.rank is None else self.rank[chosen],
            today,
        )

    @property
    def kept_apart(self) -> str:
        """Say how cases are kept apart from what the model learns."""
        others = "" if self.groups is None else " of others"
        if self.rank is not None:
            return f"each was judged by a model that had learnt from earlier cases{others} only"
        rows = f"rows{others} only" if others else "others"
        return f"each was judged by a model that had learnt from {rows}"


def outputs_of(cases: Cases, classes: int, seed: int) -> Floats:
    """Predict each case by a model that learnt from others.

    Gives the probability of each of the `classes`, shape (rows, classes), or without classes a
    number each, shape (rows,). NaN where there is none: the first cases in time have nothing
    before them, and of too few nothing is learnt.
    """
    rows = len(cases.actual)
    found = np.full((rows, classes) if classes else rows, np.nan)
    for learnt, judged in _parts(cases, classes, seed):
        if not judged.any() or not enough(cases.actual[learnt], classes):
            continue
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        model = kind(**SIZE, random_state=seed)
        with threadpool_limits(1, user_api="openmp"):  # to share so little takes longer
            model.fit(cases.inputs[learnt], cases.actual[learnt])
            if not classes:
                found[judged] = model.predict(cases.inputs[judged])
                continue
            chances = np.zeros((int(judged.sum()), classes))
            chances[:, model.classes_.astype(np.int64)] = model.predict_proba(cases.inputs[judged])
            found[judged] = chances
    return found


def enough(actual: Floats, classes: int) -> bool:
    """Tell whether there is something to tell apart: two classes, or numbers, with cases each."""
    if not classes:
        return len(actual) >= 2 * FEWEST_TO_LEARN
    counts = np.bincount(actual.astype(np.int64), minlength=classes)
    return int((counts >= FEWEST_TO_LEARN).sum()) > 1


def _parts(cases: Cases, classes: int, seed: int) -> Iterator[tuple[Truths, Truths]]:
    """Give what is learnt and what is judged: no entity on both sides, nothing from the future."""
    rows = len(cases.actual)
    apart = cases.rank is None or cases.groups is not None
    for fold in _folds(cases, classes, seed) if apart else [None]:
        inside = np.ones(rows, dtype=bool)
        if fold is not None:
            inside = np.zeros(rows, dtype=bool)
            inside[fold] = True
        if cases.rank is None:
            yield ~inside, inside
            continue
        others = inside if fold is None else ~inside
        step = np.minimum((cases.rank * STEPS).astype(np.int64), STEPS - 1)
        for now in range(1, STEPS):
            yield others & (step < now), inside & (step == now)


def _folds(cases: Cases, classes: int, seed: int) -> list[NDArray[np.intp]]:
    """Give the rows of each fold; of classes, each fold has its share, but for the rarest."""
    actual, groups = cases.actual, cases.groups
    number = min(FOLDS, len(actual))
    if classes:
        common = np.sort(np.bincount(actual.astype(np.int64), minlength=classes))[-2]
        number = min(number, int(common))
    if groups is not None:
        number = min(number, len(np.unique(groups)))
    if number < 2:  # noqa: PLR2004
        return []
    even = bool(classes) and np.bincount(actual.astype(np.int64)).min() >= number
    if groups is None:
        kind = StratifiedKFold if even else KFold
    else:
        kind = StratifiedGroupKFold if even else GroupKFold
    split = kind(number, shuffle=True, random_state=seed).split(cases.inputs, actual, groups)
    return [judged for _, judged in split]
