"""A first point: how well one plain model tells cases apart that it has not learnt from.

It is no tuned model, and no promise: it is what the data gives at once. Its model are a few small
trees by gradient boosting; with the library's own settings, trees are as large as to learn a few
hundred rows by heart. Acted is where the probability says that it pays; nothing is fitted to money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from fourhats_runtime.chance import TAIL, Groups
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.tasks.classification.rule import Rule
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.business import ActionValue
    from fourhats_runtime.contract import Contract
    from fourhats_runtime.tasks.rule import Policy

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
FOLDS = 5
STEPS = 5
"""Parts of the time: each but the first is predicted from those before it."""
DRAWS = 400
FEWEST_TO_LEARN = 10
"""Of either class."""


@dataclass(frozen=True)
class Cases:
    """Rows with known outcomes, shape (rows, columns) and (rows,)."""

    inputs: Floats
    """Numbers, categories by their numbers; NaN where missing."""
    came: Truths
    """Whether a case called for action."""
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
            self.came[chosen],
            None if self.groups is None else self.groups[chosen],
            None if self.rank is None else self.rank[chosen],
            today,
        )


class Share(NamedTuple):
    """A share with the ends of its 95 % interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """What the first model came to."""

    rows: int
    entities: int | None
    precision: Share
    """Of those acted on, the share that called for it."""
    recall: Share
    """Of those that called for action, the share that was acted on."""
    gain: Comparison
    """A decision, beyond the best policy without a model on the same rows."""
    over: str
    """The name of that policy."""
    ranking: Share
    """How often the right one of two is put first, of which one calls for action: the AUC."""
    curve: tuple[Floats, Floats]
    """Recall and precision, by falling probability."""
    how: str
    """How cases were kept apart from what the model learnt, in words."""


def first_point(cases: Cases, rule: Rule, seed: int = 0) -> Point | None:
    """Judge a model by cases that it has not seen; None: there are too few."""
    chance = out_of_fold(cases, seed)
    known = ~np.isnan(chance)
    came = cases.came[known]
    if min(came.sum(), (~came).sum()) < FEWEST_TO_LEARN:
        return None
    judged, chance = cases.where(known), chance[known]
    contract = rule.contract
    positive = contract.classes.index(str(contract.positive))
    outputs = np.column_stack([1 - chance, chance])[:, [1 - positive, positive]]
    outcomes = actual(came, contract)
    policies = rule.policies(outcomes)
    if judged.today is not None:
        policies.append(judged.today)
    earned = {policy.name: rule.by_policy(policy, outcomes) for policy in policies}
    over = max(earned, key=lambda name: float(earned[name].mean()))
    gain = compare(
        rule.realised(outputs, outcomes), earned[over], stake=rule.stake, groups=judged.groups
    )
    precision, recall = _shares(rule.decide(outputs), came, judged.groups, seed)
    return Point(
        rows=len(came),
        entities=None if judged.groups is None else len(np.unique(judged.groups)),
        precision=precision,
        recall=recall,
        gain=gain,
        over=over,
        ranking=_ranking(outputs, outcomes, rule, judged.groups),
        curve=_curve(chance, came),
        how=_how(cases),
    )


def actual(came: Truths, contract: Contract) -> Floats:
    """Give the index of the class of each case, of two, shape (rows,)."""
    positive = contract.classes.index(str(contract.positive))
    return np.where(came, positive, 1 - positive).astype(np.float64)


def rule_of(contract: Contract, value: ActionValue) -> Rule:
    """Give the rule of decisions by the four amounts."""

    def payoff(acted: Truths, right: Truths, value: ActionValue) -> Floats:
        if_acted = np.where(right, value.act_right, value.act_wrong)
        return np.where(acted, if_acted, np.where(right, value.missed, value.left_alone))

    return Rule(contract, value, payoff)


def out_of_fold(cases: Cases, seed: int) -> Floats:
    """Give the probability of each case by a model that learnt from others, shape (rows,).

    NaN where there is none: the first cases in time have nothing before them.
    """
    chance = np.full(len(cases.came), np.nan)
    for learnt, judged in _parts(cases, seed):
        came = cases.came[learnt]
        if not judged.any() or min(came.sum(), (~came).sum()) < FEWEST_TO_LEARN:
            continue
        model = HistGradientBoostingClassifier(
            max_iter=50, max_leaf_nodes=8, early_stopping=False, random_state=seed
        )
        with threadpool_limits(
            1, user_api="openmp"
        ):  # to share so little takes longer than to do it
            model.fit(cases.inputs[learnt], came)
            chance[judged] = model.predict_proba(cases.inputs[judged])[:, 1]
    return chance


def _parts(cases: Cases, seed: int) -> Iterator[tuple[Truths, Truths]]:
    """Give what is learnt and what is judged: no entity on both sides, nothing from the future."""
    rows = len(cases.came)
    for fold in _folds(cases, seed) if cases.rank is None or cases.groups is not None else [None]:
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


def _folds(cases: Cases, seed: int) -> list[NDArray[np.intp]]:
    came = cases.came
    number = min(FOLDS, int(came.sum()), int((~came).sum()))
    if cases.groups is not None:
        number = min(number, len(np.unique(cases.groups)))
    if number < 2:  # noqa: PLR2004
        return []
    kind = StratifiedKFold if cases.groups is None else StratifiedGroupKFold
    split = kind(number, shuffle=True, random_state=seed).split(cases.inputs, came, cases.groups)
    return [judged for _, judged in split]


def _how(cases: Cases) -> str:
    if cases.rank is None and cases.groups is None:
        return "each was judged by a model that had learnt from others"
    if cases.rank is None:
        return "each was judged by a model that had learnt from rows of others only"
    if cases.groups is None:
        return "each was judged by a model that had learnt from earlier cases only"
    return "each was judged by a model that had learnt from earlier cases of others only"


def _shares(acted: Truths, came: Truths, groups: Groups | None, seed: int) -> tuple[Share, Share]:
    """Give precision and recall, with intervals by the percentile bootstrap.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; rows of one entity are
    drawn together.
    """
    counts = np.column_stack([acted & came, acted, came]).astype(np.float64)
    if groups is not None:
        _, place = np.unique(groups, return_inverse=True)
        counts = np.column_stack([np.bincount(place, weights=each) for each in counts.T])
    random, size = np.random.default_rng(seed), len(counts)
    drawn = np.array(
        [np.bincount(random.integers(0, size, size), minlength=size) @ counts for _ in range(DRAWS)]
    )
    both, of_acted, of_came = counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            _share(both / of_acted, drawn[:, 0] / drawn[:, 1]),
            _share(both / of_came, drawn[:, 0] / drawn[:, 2]),
        )


def _ranking(outputs: Floats, outcomes: Floats, rule: Rule, groups: Groups | None) -> Share:
    found = figures(outputs, outcomes, rule, groups=groups)["AUC"]
    ends = (found["figure"], found["low"], found["high"])
    return Share(*(np.nan if each is None else each for each in ends))


def _share(value: float, drawn: Floats) -> Share:
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Share(np.nan, np.nan, np.nan)
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL])
    return Share(float(value), float(low), float(high))


def _curve(chance: Floats, came: Truths) -> tuple[Floats, Floats]:
    """Give recall and precision of acting on the likeliest cases, the more of them from left on."""
    order = np.argsort(-chance, kind="stable")
    found = came[order].cumsum()
    last = np.append(np.diff(chance[order]) != 0, True)  # cases of one probability are one step
    acted = np.arange(1, len(came) + 1)
    return (found / found[-1])[last], (found / acted)[last]
