"""What tells the outcome: how much of it each feature says, and what that is worth by itself.

A feature is put into bins, one of them for what is missing. Mutual information is the mean of
what each row says, so that its interval is that of any mean, by entity. Money is cross-fitted: what
a bin means is learnt from four fifths of the entities, and the rest is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score

from fourhats_runtime.chance import (
    INTERVAL,
    TAIL,
    Floats,
    chi_squared_limit,
    entities,
    half_width,
)
from fourhats_runtime.explore.coding import Codes, coded
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.explore.plots import intervals
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.tasks import rule_of
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.explore.sample import Rows
    from fourhats_runtime.tasks import Rule

FOLDS = 5
FEWEST_ROWS = 100
DOUBT = 10.0
"""Rows as all are, added to each bin: a bin of three rows has no rate of its own."""
MOST_SHOWN = 40


@dataclass(frozen=True)
class Told:
    """What one feature says of the outcome."""

    name: str
    share: float
    """Of what there is to know: 0 for nothing, 1 for all; less what chance alone gives."""
    low: float
    high: float
    is_real: bool
    """Whether chance, with as many tries as there are features, does not do as much."""
    gain: Comparison
    """A decision's worth by this feature alone, against the best policy without a model."""


def told(rows: Rows) -> list[Told]:
    """Look at each feature; what tells most of the outcome comes first."""
    if len(rows.actual) < FEWEST_ROWS or entities(rows.known_groups, len(rows.actual)) < FOLDS:
        return []
    outcome = rows.actual.astype(np.intp) if rows.contract.classes else coded(rows.actual).codes
    rule = rule_of(rows.project, rows.contract, {})
    folds = _folds(rows)
    policy = _by_policy(rule, rows.actual, folds)
    names = list(rows.codes)
    found = []
    for name in names:
        codes = rows.codes[name].codes[rows.known]
        share, off, is_real = _information(codes, outcome, rows, len(names))
        outputs = _outputs(codes, rows, rule, folds)
        gain = compare(
            rule.realised(outputs, rows.actual),
            policy,
            stake=rule.stake,
            error_rate=TAIL / len(names),
            groups=rows.known_groups,
        )
        low, high = max(0.0, share - off), min(1.0, share + off)
        found.append(Told(name, share, low, high, is_real, gain))
    return sorted(found, key=lambda each: -each.share)


def section(rows: Rows, found: list[Told]) -> Section:
    """Say what tells the outcome."""
    title = "What tells the outcome"
    if not found:
        few = (
            f"Fewer than {FEWEST_ROWS} rows have an outcome: nothing can be said of what tells it."
        )
        return Section(title, [few])
    value = rows.project.value
    real = [each.name for each in found if each.is_real]
    paying = [each for each in found if each.gain.is_better]
    words = [
        (
            f"Features that tell more of {rows.contract.target.source} than chance does: "
            f"{len(real)} of {len(found)}{', first ' + ', '.join(real[:3]) if real else ''}."
        ),
        _in_money(paying, value.currency, value.monthly_volume),
        (
            "The share says how much of what is unknown of the outcome is known once the feature "
            "is: 0 % is nothing, 100 % all of it (mutual information by the entropy of the "
            "outcome). The gain is what decisions by this one feature earn a month more than the "
            "best policy without a model, on rows that they were not learnt from; where it is "
            "none, no decision would be another. "
            f"Each with the {INTERVAL}. A feature that adds nothing alone may do so beside others."
        ),
    ]
    shown = found[:MOST_SHOWN]
    cells = [
        [
            each.name,
            f"{percent(each.share)} ({percent(each.low)} to {percent(each.high)})",
            "yes" if each.is_real else "may be chance",
            _worth(each, value.currency, value.monthly_volume),
        ]
        for each in shown
    ]
    if len(found) > len(shown):
        words.append(f"Of {len(found)} features, the first {len(shown)} are shown.")
    pictures = {}
    if len(shown) > 1:
        pictures["What each feature tells of the outcome"] = intervals(
            [(each.name, 100 * each.share, 100 * each.low, 100 * each.high) for each in shown[:20]],
            f"share of what is unknown, in % (grey: {INTERVAL})",
        )
    head = ["Feature", "Tells of the outcome", "More than chance", "Worth a month, alone"]
    return Section(title, words, Table(head, cells), pictures)


def percent(share: float) -> str:
    """Write a share as people read it."""
    return f"{number(100 * share, 3)} %"


def _worth(each: Told, currency: str, volume: int) -> str:
    gain = each.gain
    same = gain.gain == gain.low == gain.high == 0
    return "none" if same else gain.words(currency, volume)


def _in_money(paying: list[Told], currency: str, volume: int) -> str:
    if not paying:
        return (
            "Among so many features, none can be shown to earn more alone than is earned without a "
            "model."
        )
    best = max(paying, key=lambda each: each.gain.gain)
    return (
        f"The most is earned by {best.name} alone: {best.gain.words(currency, volume)} a month "
        "more than without a model."
    )


def _information(codes: Codes, outcome: Codes, rows: Rows, tries: int) -> tuple[float, float, bool]:
    """Give the share that is told, what its interval's ends are off, and whether it is real."""
    number_of = len(outcome)
    _, codes = np.unique(codes, return_inverse=True)
    _, outcome = np.unique(outcome, return_inverse=True)
    counts = np.zeros((codes.max() + 1, outcome.max() + 1))
    np.add.at(counts, (codes, outcome), 1)
    shares = counts / number_of
    alone = shares.sum(axis=0)
    entropy = float(-(alone * np.log(alone)).sum())
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if not entropy or not freedom:
        return 0.0, 0.0, False
    information = float(mutual_info_score(codes, outcome))
    independent = number_of * rows.independent
    by_chance = freedom / (2 * independent)
    is_real = 2 * independent * information > chi_squared_limit(freedom, TAIL / tries)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.log(shares / shares.sum(axis=1, keepdims=True) / alone)
    off = half_width(each[codes, outcome], rows.known_groups) / entropy
    return max(0.0, information - by_chance) / entropy, off, is_real


def _folds(rows: Rows) -> NDArray[np.intp]:
    """Put each row into a fold, and all rows of an entity into the same."""
    groups = np.arange(len(rows.actual)) if rows.known_groups is None else rows.known_groups
    _, group = np.unique(groups, return_inverse=True)
    random = np.random.default_rng(rows.project.seed)
    return random.permutation(group.max() + 1)[group] % FOLDS


def _by_policy(rule: Rule, actual: Floats, folds: NDArray[np.intp]) -> Floats:
    """Give what the policy earns that earned the most in the other folds."""
    earned = np.zeros(len(actual))
    for fold in range(FOLDS):
        others, here = actual[folds != fold], folds == fold
        best = max(
            rule.policies(others), key=lambda each: float(rule.by_policy(each, others).mean())
        )
        earned[here] = rule.by_policy(best, actual[here])
    return earned


def _outputs(codes: Codes, rows: Rows, rule: Rule, folds: NDArray[np.intp]) -> Floats:
    """Give what a model of this one feature says, of rows that it was not fitted to."""
    number_of = len(rows.contract.classes)
    bins = int(codes.max()) + 1
    outputs = np.zeros((len(codes), number_of) if number_of else len(codes))
    for fold in range(FOLDS):
        learnt, here = folds != fold, folds == fold
        if number_of:
            outputs[here] = _chances(codes[learnt], rows.actual[learnt], bins, number_of)[
                codes[here]
            ]
        else:
            outputs[here] = _plans(codes[learnt], rows.actual[learnt], bins, rule)[codes[here]]
    return outputs


def _chances(codes: Codes, actual: Floats, bins: int, classes: int) -> Floats:
    """Give the chance of each class in each bin."""
    counts = np.zeros((bins, classes))
    np.add.at(counts, (codes, actual.astype(np.intp)), 1)
    counts += DOUBT * counts.sum(axis=0) / counts.sum()
    chances: Floats = counts / counts.sum(axis=1, keepdims=True)
    return chances


def _plans(codes: Codes, actual: Floats, bins: int, rule: Rule) -> Floats:
    """Give the number to plan with in each bin: the one that would have earned the most there."""
    plans = np.full(bins, rule.policies(actual)[-1].on, dtype=np.float64)
    for place in range(bins):
        members = actual[codes == place]
        if len(members) >= DOUBT:
            plans[place] = rule.policies(members)[-1].on
    return plans
