"""Plots of the holdout: what the probabilities are good for."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..contract import Contract
from ..value import Rule

THRESHOLDS = 100
BINS = 10


def holdout_plots(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract, rule: Rule
) -> dict[str, Figure]:
    """Plot probabilities of shape (rows, classes) against the class indices that came."""
    return {
        "Value of a decision by threshold": _value_curve(outputs, actual, rule),
        "Are the probabilities true?": _calibration(outputs, actual, contract, rule),
        "What was predicted, and what came": _confusion(outputs, actual, contract),
    }


def _value_curve(outputs: NDArray[np.float64], actual: NDArray[np.float64], rule: Rule) -> Figure:
    thresholds = np.linspace(0, 1, THRESHOLDS)
    rules = [Rule(rule.contract, rule.value, float(threshold)) for threshold in thresholds]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(thresholds, [r.realised(outputs, actual).mean() for r in rules])
    axes.axvline(rule.threshold, linestyle="--", color="grey", label="chosen on validation rows")
    axes.set(xlabel="threshold", ylabel=f"{rule.value.currency} a decision")
    axes.legend()
    return figure


def _calibration(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract, rule: Rule
) -> Figure:
    certainty = rule.certainty(outputs)
    if contract.positive is not None:
        came = actual == contract.classes.index(contract.positive)
    else:
        came = actual == outputs.argmax(axis=1)
    places = np.minimum((certainty * BINS).astype(int), BINS - 1)
    filled = [place for place in range(BINS) if (places == place).any()]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
    axes.plot(
        [certainty[places == place].mean() for place in filled],
        [came[places == place].mean() for place in filled],
        marker="o",
    )
    axes.set(xlabel="predicted probability", ylabel="share that came true")
    return figure


def _confusion(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract
) -> Figure:
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
