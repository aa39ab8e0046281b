"""What drives a model: what each input is worth in money, and the effect of the strongest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fourhats_runtime.chance import INTERVAL, half_width
from fourhats_runtime.contract import MISSING, Contract
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.model.features import Feed
from fourhats_runtime.model.meaning import column_of
from fourhats_runtime.model.parts import Part

ROWS = 500
TIMES = 10
STRONGEST = 3
MOST_SHOWN = 12
POINTS = 15
COLOR = "#1f5f99"


@dataclass(frozen=True)
class Importance:
    """What a decision earns less where an input is mixed up among the rows, in the currency."""

    loss: float
    off: float
    """What the ends of its interval are away from it."""


def importances(model: Model, part: Part, seed: int) -> dict[str, Importance]:
    """Give what each input is worth, the strongest first.

    Permutation importance (Breiman, Random Forests, 2001; Fisher, Rudin and Dominici, All Models
    are Wrong, but Many are Useful, 2019), in money, on at most 500 rows of the holdout. Of inputs
    that say the same, each seems to be worth little: the others stand in. The dimensions of a
    text's vector are one input, called `COLUMN_vector`.
    """
    few = _few(part)
    random = np.random.default_rng(seed)
    before = model.rule.realised(model.run(few.inputs), few.actual)
    whole = {name: np.tile(values, (TIMES, 1)) for name, values in few.inputs.items()}
    actual = np.tile(few.actual, TIMES)
    found = {}
    for name, together in _together(few, model.contract).items():
        order = np.concatenate([random.permutation(len(few)) for _ in range(TIMES)])
        mixed = {each: few.inputs[each][order] for each in together}
        earned = model.rule.realised(model.run(whole | mixed), actual)
        losses = before - earned.reshape(TIMES, -1).mean(axis=0)
        found[name] = Importance(float(losses.mean()), half_width(losses, few.groups))
    return dict(sorted(found.items(), key=lambda item: -item[1].loss))


def importance_figure(found: Mapping[str, Importance], currency: str) -> Figure:
    """Plot what inputs are worth, the strongest on top."""
    names = list(found)[:MOST_SHOWN][::-1]
    figure = Figure(figsize=(6, 0.9 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(
        names,
        [found[name].loss for name in names],
        xerr=[found[name].off for name in names],
        color=COLOR,
        ecolor="grey",
        capsize=2,
    )
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set(xlabel=f"{currency} a decision that would be lost without it (grey: {INTERVAL})")
    return figure


def dependence_figure(model: Model, part: Part, names: list[str]) -> Figure | None:
    """Plot what the model says on average, by the values of its strongest inputs.

    Partial dependence (Friedman, Greedy Function Approximation, 2001): every row is given each
    value in turn. None where no input has two values.
    """
    few = _few(part)
    plain = [name for name in names if name in few.inputs and name not in few.texts]
    curves = {name: _curve(model, few, name) for name in plain[:STRONGEST]}
    curves = {name: curve for name, curve in curves.items() if len(curve[0]) > 1}
    if not curves:
        return None
    figure = Figure(figsize=(2.6 * len(curves) + 0.6, 3.2), layout="constrained")
    rows = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    for axes, (name, (values, said)) in zip(rows, curves.items(), strict=True):
        if isinstance(values[0], str):
            axes.bar(range(len(values)), said, color=COLOR)
            axes.set_xticks(range(len(values)), values, rotation=45, ha="right")
        else:
            axes.plot(values, said, marker=".", color=COLOR)
        axes.set(xlabel=name)
    rows[0].set(ylabel=_subject(model))
    return figure


def _together(part: Part, contract: Contract) -> dict[str, list[str]]:
    """Give the inputs that are mixed up together, by what they are called."""
    found: dict[str, list[str]] = {}
    for name in part.inputs:
        column = column_of(name, contract) if name in part.vectors else None
        found.setdefault(name if column is None else f"{column}_vector", []).append(name)
    return found


def _few(part: Part) -> Part:
    return part.where(slice(None, None, -(-len(part) // ROWS)))


def _curve(model: Model, few: Part, name: str) -> tuple[list[Any], list[float]]:
    """Give the values of an input, and what is said on average where every row has them."""
    values = few.inputs[name].ravel()
    if values.dtype == object:
        kinds, counts = np.unique(values.astype(str), return_counts=True)
        grid: list[Any] = sorted(kinds[np.argsort(-counts, kind="stable")[:POINTS]].tolist())
    else:
        known = values[~np.isnan(values.astype(np.float64))].astype(np.float64)
        inner = np.quantile(known, np.linspace(0.02, 0.98, POINTS)) if len(known) else known
        grid = np.unique(known if len(np.unique(known)) <= POINTS else inner).tolist()
    said = [float(model.rule.certainty(model.run(_with(few, name, each))).mean()) for each in grid]
    return ["(missing)" if each == MISSING else each for each in grid], said


def _with(few: Part, name: str, value: object) -> Feed:
    """Give every row the same value."""
    return few.inputs | {name: np.full_like(few.inputs[name], value)}


def _subject(model: Model) -> str:
    contract = model.contract
    if contract.positive is not None:
        return f"probability of {contract.target.source} = {contract.positive}"
    return "probability of the likeliest class" if contract.classes else contract.target.source
