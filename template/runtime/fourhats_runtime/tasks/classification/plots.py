"""Plots of the holdout: what the probabilities are good for."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from fourhats_runtime.chance import (
    INTERVAL,
    TAIL,
    Floats,
    Groups,
    half_width,
    independent_rows,
    limit,
)
from fourhats_runtime.contract import Contract
from fourhats_runtime.tasks.classification.pairs import PairRule
from fourhats_runtime.tasks.classification.rule import LEFT, Rule

POINTS = 60
BINS = 10
MODEL, QUIET, HERE = "#1f5f99", "grey", "#b3261e"


def holdout_plots(
    outputs: Floats,
    actual: Floats,
    contract: Contract,
    rule: Rule,
    groups: Groups | None,
) -> dict[str, Figure]:
    """Plot probabilities of shape (rows, classes) against the class indices that came.

    `groups` are equal for rows of one entity.
    """
    certainty, came = rule.certainty(outputs), _called_for(outputs, actual, contract)
    calibration = {"Are the probabilities calibrated?": _calibration(certainty, came, groups)}
    outcomes = "What the decisions led to, in cases and money"
    if isinstance(rule, PairRule):  # no probability alone says what is decided
        return {
            outcomes: _pairs(outputs, actual, rule),
            **calibration,
            "What was predicted, and what came": _confusion(outputs, actual, contract),
        }
    plots = {"What decisions earn, by how many are acted on": _gain(outputs, actual, rule, groups)}
    if 0 < came.sum() < len(came):
        plots |= {
            "Who is found, and at what price": _found(certainty, came, rule.threshold),
        }
    plots |= {**calibration, outcomes: _outcomes(outputs, actual, came, rule)}
    if contract.positive is None:
        plots["What was predicted, and what came"] = _confusion(outputs, actual, contract)
    return plots


def _called_for(outputs: Floats, actual: Floats, contract: Contract) -> NDArray[np.bool_]:
    """Tell for which rows acting was right."""
    if contract.positive is not None:
        return np.asarray(actual == contract.classes.index(contract.positive))
    return np.asarray(actual == outputs.argmax(axis=1))


def _gain(outputs: Floats, actual: Floats, rule: Rule, groups: Groups | None) -> Figure:
    """Plot what a decision earns where the likeliest so many are acted on, with its interval."""
    certainty = np.sort(rule.certainty(outputs))
    steps = np.unique(np.linspace(0, len(certainty), POINTS).astype(int))
    above = np.append(certainty, certainty[-1] + 1)  # acting from here on leaves out so many
    thresholds = np.unique(np.append(above[steps], rule.threshold))
    shares, means, ends = [], [], []
    for threshold in thresholds:
        acts = rule.certainty(outputs) >= threshold
        earned = rule.earned(acts, outputs, actual)
        shares.append(float(acts.mean()))
        means.append(float(earned.mean()))
        ends.append(half_width(earned, groups))
    share, mean, off = np.array(shares), np.array(means), np.array(ends)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(share, mean - off, mean + off, alpha=0.2, label=INTERVAL)
    axes.plot(share, mean, color=MODEL, label="the likeliest first")
    axes.plot(share[[-1, 0]], mean[[-1, 0]], linestyle="--", color=QUIET, label="by chance")
    at = float(rule.decide(outputs).mean())
    axes.plot(at, rule.realised(outputs, actual).mean(), "o", color=HERE, label="as decided")
    axes.set(xlabel="share of the cases acted on", ylabel=f"{rule.value.currency} a decision")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(fontsize="small")
    return figure


def _found(certainty: Floats, came: NDArray[np.bool_], threshold: float) -> Figure:
    """Plot the ROC curve, and precision by recall, with what the threshold comes to."""
    ranked = np.argsort(-certainty, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(certainty[ranked])), len(ranked) - 1)
    hits = np.insert(np.cumsum(came[ranked])[ends], 0, 0) / came.sum()
    misses = np.insert(np.cumsum(~came[ranked])[ends], 0, 0) / (~came).sum()
    precision = np.cumsum(came[ranked])[ends] / (ends + 1)
    acts = certainty >= threshold
    found, in_vain = acts[came].mean(), acts[~came].mean()
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(misses, hits, color=MODEL)
    left.plot([0, 1], [0, 1], linestyle="--", color=QUIET, label="by chance")
    left.plot(in_vain, found, "o", color=HERE, label="as decided")
    left.set(xlabel="of the others, acted on in vain", ylabel="of those to act on, found")
    right.plot(hits[1:], precision, color=MODEL)
    right.axhline(came.mean(), linestyle="--", color=QUIET, label="by chance")
    if acts.any():
        right.plot(found, came[acts].mean(), "o", color=HERE, label="as decided")
    right.set(
        xlabel="of those to act on, found", ylabel="of those acted on, rightly", ylim=(0, 1.05)
    )
    for axes in (left, right):
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(fontsize="small")
    return figure


def _calibration(certainty: Floats, came: NDArray[np.bool_], groups: Groups | None) -> Figure:
    """Plot what came true of each tenth of the scale, and how many rows that is."""
    places = np.minimum((certainty * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    filled = np.flatnonzero(counts)
    shares = np.array([came[places == place].mean() for place in filled])
    # Wilson's interval (Journal of the American Statistical Association 22, 1927): in [0, 1].
    those = [None if groups is None else groups[places == place] for place in filled]
    rows = np.array(
        [
            independent_rows(came[places == place].astype(np.float64), of_these)
            for place, of_these in zip(filled, those, strict=True)
        ]
    )
    z = np.array([limit(TAIL, of_these) for of_these in those])
    middle = (shares + z**2 / (2 * rows)) / (1 + z**2 / rows)
    off = z * np.sqrt(shares * (1 - shares) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    ends = np.array([shares - middle + off, middle + off - shares]).clip(0)
    figure = Figure(figsize=(6, 4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], linestyle="--", color=QUIET, label="as promised")
    above.errorbar(
        [certainty[places == place].mean() for place in filled],
        shares,
        yerr=ends,
        fmt="o",
        capsize=3,
        color=MODEL,
        label=f"what came, with its {INTERVAL}",
    )
    above.set(ylabel="share that came true")
    above.legend(fontsize="small")
    below.bar((np.arange(BINS) + 0.5) / BINS, counts, width=0.9 / BINS, color=MODEL)
    below.set(xlabel="predicted probability", ylabel="cases", xlim=(0, 1))
    return figure


def _outcomes(outputs: Floats, actual: Floats, came: NDArray[np.bool_], rule: Rule) -> Figure:
    """Draw how many decisions were right and wrong, and what they earned in all."""
    acts, earned = rule.decide(outputs), rule.realised(outputs, actual)
    decided = {"acted on": acts, "left alone": ~acts}
    return _cells(decided, {"called for": came, "not called for": ~came}, earned, rule)


def _pairs(outputs: Floats, actual: Floats, rule: PairRule) -> Figure:
    """Draw how many decisions of each kind met what, and what they earned in all."""
    chosen, classes = rule.choose(outputs), rule.contract.classes
    decided = {f"as {name}": chosen == place for place, name in enumerate(classes)}
    came = {f"{name} came": actual == place for place, name in enumerate(classes)}
    return _cells(decided | {"left": chosen == LEFT}, came, rule.realised(outputs, actual), rule)


def _cells(
    decided: Mapping[str, NDArray[np.bool_]],
    came: Mapping[str, NDArray[np.bool_]],
    earned: Floats,
    rule: Rule,
) -> Figure:
    figure = Figure(figsize=(6, max(3, 0.7 * len(decided))), layout="constrained")
    axes = figure.subplots()
    cells = np.array(list(decided.values()))[:, np.newaxis] & np.array(list(came.values()))
    counts, money = cells.sum(axis=2), cells @ earned
    most = float(np.abs(money).max()) or 1.0
    axes.imshow(money, cmap="RdBu", vmin=-2 * most, vmax=2 * most, aspect="auto")
    for (row, column), number in np.ndenumerate(counts):
        said = f"{number:,} cases\n{money[row, column]:+,.0f} {rule.value.currency}"
        axes.text(column, row, said, ha="center", va="center")
    axes.set_xticks(range(len(came)), list(came))
    axes.set_yticks(range(len(decided)), list(decided))
    return figure


def _confusion(outputs: Floats, actual: Floats, contract: Contract) -> Figure:
    size = len(contract.classes)
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (actual.astype(int), outputs.argmax(axis=1)), 1)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    for (row, column), number in np.ndenumerate(counts):
        color = "white" if number > counts.max() / 2 else "black"
        axes.text(column, row, f"{number:,}", ha="center", va="center", color=color)
    axes.set_xticks(range(size), contract.classes)
    axes.set_yticks(range(size), contract.classes)
    axes.set(xlabel="predicted", ylabel="came")
    return figure
