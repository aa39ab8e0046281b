"""Plots of the holdout: how far off the numbers are."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fourhats_runtime.contract import Contract
from fourhats_runtime.tasks.regression.rule import Rule

MOST_POINTS = 2000


def holdout_plots(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract, rule: Rule
) -> dict[str, Figure]:
    """Plot predicted numbers against those that came, both of shape (rows,)."""
    return {
        "What was predicted, and what came": _pairs(outputs, actual, contract),
        "How far off": _errors(outputs, actual, rule),
    }


def _pairs(outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract) -> Figure:
    step = -(-len(actual) // MOST_POINTS)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(outputs[::step], actual[::step], s=6, alpha=0.5)
    ends = [min(outputs.min(), actual.min()), max(outputs.max(), actual.max())]
    axes.plot(ends, ends, linestyle="--", color="grey")
    axes.set(xlabel="predicted", ylabel=contract.target.source)
    return figure


def _errors(outputs: NDArray[np.float64], actual: NDArray[np.float64], rule: Rule) -> Figure:
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    off, edge = outputs - actual, rule.value.tolerance
    axes.hist(off, bins=40)
    widest = 1.05 * max(edge, float(np.abs(off).max()))
    for end in (-edge, edge):
        axes.axvline(end, linestyle="--", color="grey")
    axes.set(
        xlabel="predicted minus actual (dashed: worth nothing)",
        ylabel="rows",
        xlim=(-widest, widest),
    )
    return figure
