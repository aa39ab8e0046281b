"""A first point: what decisions by one plain model earn on cases that it has not learnt from.

It is no promise: it is what the data gives at once. Decided is by the amounts alone, as a project
decides; nothing is fitted to money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.chance import TAIL
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.tasks.classification.pairs import PairRule
from fourhats_runtime.tasks.classification.rule import Rule as ClassRule
from fourhats_runtime.tasks.regression.rule import Rule as NumberRule

from fourhats.diagnose.learnt import FEWEST_TO_LEARN, Cases, Floats, Truths, enough, outputs_of

if TYPE_CHECKING:
    from fourhats_runtime.business import Value
    from fourhats_runtime.chance import Groups
    from fourhats_runtime.tasks.rule import Rule

DRAWS = 400
HALVES = Contract(
    positive="upper",
    columns=(
        Column(
            name="half",
            source="half",
            type="category",
            role="target",
            categories=("lower", "upper"),
        ),
        Column(name="x", source="x", type="number"),
    ),
)
"""A number is of the upper half of all, or of the lower."""


class Share(NamedTuple):
    """A share, or a figure, with the ends of its 95 % interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Acted:
    """Of two classes: how good it is where it acts."""

    precision: Share
    """Of those acted on, the share that called for it."""
    recall: Share
    """Of those that called for action, the share that was acted on."""
    curve: tuple[Floats, Floats]
    """Recall and precision, by falling probability."""


@dataclass(frozen=True)
class Point:
    """What the first model came to."""

    rows: int
    entities: int | None
    gain: Comparison
    """A decision, beyond the best policy without a model on the same rows."""
    over: str
    """The name of that policy."""
    ranking: Share
    """How often the right one of two is put first: the AUC. Of numbers, of two cases of which one
    is of the upper half; of several classes, the mean over them."""
    how: str
    """How cases were kept apart from what the model learnt, in words."""
    acted: Acted | None = None
    """Of two classes."""
    off: Share | None = None
    """Of a number, the mean absolute error; of several classes, the share named rightly."""


def first_point(cases: Cases, rule: Rule, seed: int = 0) -> Point | None:
    """Judge a model by cases that it has not seen; None: there are too few."""
    classes = len(rule.contract.classes)
    outputs = outputs_of(cases, classes, seed)
    known = ~np.isnan(outputs[:, 0] if classes else outputs)
    if not enough(cases.actual[known], classes):
        return None
    judged, outputs = cases.where(known), outputs[known]
    actual, groups = judged.actual, judged.groups
    policies = rule.policies(actual)
    if judged.today is not None:
        policies.append(judged.today)
    earned = {policy.name: rule.by_policy(policy, actual) for policy in policies}
    over = max(earned, key=lambda name: float(earned[name].mean()))
    gain = compare(rule.realised(outputs, actual), earned[over], stake=rule.stake, groups=groups)
    off = acted = None
    if rule.contract.positive is not None and isinstance(rule, ClassRule):
        came = actual == rule.contract.classes.index(rule.contract.positive)
        chance = rule.certainty(outputs)
        precision, recall = _shares(rule.decide(outputs), came, groups, seed)
        acted = Acted(precision, recall, _curve(chance, came))
    else:
        right = outputs.argmax(axis=1) == actual if classes else np.abs(outputs - actual)
        off = _mean(right.astype(np.float64), groups, seed)
    return Point(
        rows=len(actual),
        entities=None if groups is None else len(np.unique(groups)),
        gain=gain,
        over=over,
        ranking=_ranking(outputs, actual, rule, groups),
        how=cases.kept_apart,
        acted=acted,
        off=off,
    )


def rule_of(contract: Contract, value: Value) -> Rule:
    """Give the rule of decisions by the amounts, as a new project has it.

    Raises:
        ProjectError: a payoff is of a class that there is not; it says so once it is asked.

    """
    if isinstance(value, NumberValue):
        return NumberRule(contract, value, _by_error)
    assert isinstance(value, ActionValue)  # noqa: S101 (there is no third)
    return (PairRule if value.payoff else ClassRule)(contract, value, _by_action)


def perfect(rule: Rule, actual: Floats) -> float:
    """Give what a decision earns on average where each outcome is known before."""
    classes = len(rule.contract.classes)
    certain = np.eye(classes)[actual.astype(np.int64)] if classes else actual
    return float(rule.realised(certain, actual).mean())


def _by_action(acted: Truths, right: Truths, value: ActionValue) -> Floats:
    if_acted = np.where(right, value.act_right, value.act_wrong)
    return np.where(acted, if_acted, np.where(right, value.missed, value.left_alone))


def _by_error(error: Floats, value: NumberValue) -> Floats:
    return np.maximum(value.right * (1 - error / value.tolerance), value.wrong)


def _shares(acted: Truths, came: Truths, groups: Groups | None, seed: int) -> tuple[Share, Share]:
    """Give precision and recall."""
    counts = np.column_stack([acted & came, acted, came]).astype(np.float64)
    both, of_acted, of_came = counts.sum(axis=0)
    drawn = _drawn(counts, groups, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            _share(both / of_acted, drawn[:, 0] / drawn[:, 1]),
            _share(both / of_came, drawn[:, 0] / drawn[:, 2]),
        )


def _mean(values: Floats, groups: Groups | None, seed: int) -> Share:
    drawn = _drawn(np.column_stack([values, np.ones_like(values)]), groups, seed)
    return _share(float(values.mean()), drawn[:, 0] / drawn[:, 1])


def _drawn(counts: Floats, groups: Groups | None, seed: int) -> Floats:
    """Sum the columns over as many rows, drawn with replacement, shape (draws, columns).

    The percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
    13; rows of one entity are drawn together.
    """
    if groups is not None:
        _, place = np.unique(groups, return_inverse=True)
        counts = np.column_stack([np.bincount(place, weights=each) for each in counts.T])
    random, size = np.random.default_rng(seed), len(counts)
    return np.array(
        [np.bincount(random.integers(0, size, size), minlength=size) @ counts for _ in range(DRAWS)]
    )


def _ranking(outputs: Floats, actual: Floats, rule: Rule, groups: Groups | None) -> Share:
    """Give how often the right one of two cases is put first, with its interval."""
    if not rule.contract.classes:
        upper = actual > np.median(actual)
        if not upper.any():  # half of all are the largest there is
            upper = actual >= np.median(actual)
        # Ranks, as a score has to be between 0 and 1; their order is all that is looked at.
        score = np.unique(outputs, return_inverse=True)[1] / len(outputs)
        outputs, actual = np.column_stack([1 - score, score]), upper.astype(np.float64)
        contract = HALVES
    else:
        contract, outputs, actual, groups = _frequent(rule.contract, outputs, actual, groups)
    found = figures(outputs, actual, ClassRule(contract, _NO_MONEY, _by_action), groups=groups)
    ends = (found["AUC"][name] for name in ("figure", "low", "high"))
    return Share(*(np.nan if each is None else each for each in ends))


_NO_MONEY = ActionValue(
    currency="", monthly_volume=1, act_right=1, act_wrong=-1, missed=0, left_alone=0
)
"""The AUC knows of none."""


def _frequent(
    contract: Contract, outputs: Floats, actual: Floats, groups: Groups | None
) -> tuple[Contract, Floats, Floats, Groups | None]:
    """Leave out classes of which there are too few cases to rank them."""
    counts = np.bincount(actual.astype(np.int64), minlength=len(contract.classes))
    kept = np.flatnonzero(counts >= FEWEST_TO_LEARN)
    rows = np.isin(actual, kept)
    names = tuple(contract.classes[each] for each in kept)
    target = contract.target.model_copy(update={"categories": names})
    columns = tuple(target if c.role == "target" else c for c in contract.columns)
    chances = outputs[rows][:, kept] + 1e-9  # of a row whose class was left out, none may be left
    return (
        contract.model_copy(update={"columns": columns}),
        chances,
        np.searchsorted(kept, actual[rows]).astype(np.float64),
        None if groups is None else groups[rows],
    )


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
