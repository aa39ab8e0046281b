"""How good probabilities are, in the field's figures, for rows that each count by a weight.

A bootstrap asks hundreds of times, with other weights: what does not depend on them is done once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.tasks.classification.rule import Rule

Floats = NDArray[np.float64]
SMALLEST = 1e-15
"""A probability of 0 would make the loss infinite: as scikit-learn does, it is taken for this."""


def weighed(outputs: Floats, actual: Floats, rule: Rule) -> Callable[[Floats], dict[str, float]]:
    """Give what tells the figures of probabilities, shape (rows, classes), by the rows' weights.

    Two classes: of the positive one, and of the decisions at the threshold. More, or none that is
    positive: the mean over the classes, and of the likeliest class. NaN where a figure is
    undefined, as where a class is absent.
    """
    positive, classes = rule.contract.positive, rule.contract.classes
    places = range(len(classes)) if positive is None else [classes.index(positive)]
    rankings = [_Ranking(outputs[:, place], actual == place) for place in places]
    likeliest = outputs.argmax(axis=1)
    chosen = [
        rule.decide(outputs) if positive is not None else likeliest == place for place in places
    ]
    came = [actual == place for place in places]
    likely = outputs / outputs.sum(axis=1, keepdims=True)
    told = likely[np.arange(len(actual)), actual.astype(np.intp)]
    loss = -np.log(np.maximum(told, SMALLEST))
    f1 = "F1 of the decisions" if positive is not None else "F1 (mean over the classes)"

    def figures(weights: Floats) -> dict[str, float]:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: dict[str, Any] = {
                "AUC": np.mean([ranking.auc(weights) for ranking in rankings]),
                "average precision": np.mean([r.average_precision(weights) for r in rankings]),
                "log-loss": weights @ loss / weights.sum(),
                f1: np.mean(
                    [_f1(mine, there, weights) for mine, there in zip(chosen, came, strict=True)]
                ),
            }
            if positive is not None:
                found["lift among those acted on"] = _lift(chosen[0], came[0], weights)
        return {name: float(figure) for name, figure in found.items()}

    return figures


class _Ranking:
    """Rows by falling score; rows of one score are one step."""

    def __init__(self, scores: Floats, came: NDArray[np.bool_]) -> None:
        self.order = np.argsort(-scores, kind="stable")
        ranked = scores[self.order]
        self.ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        self.came = came[self.order].astype(np.float64)

    def auc(self, weights: Floats) -> float:
        """Give the area under the ROC curve."""
        hits, misses = self._steps(weights)
        return float(np.trapezoid(hits, misses) / (hits[-1] * misses[-1]))

    def average_precision(self, weights: Floats) -> float:
        """Give the mean precision over the positive rows, without interpolation."""
        hits, misses = self._steps(weights)
        gained, found = np.diff(hits), (hits + misses)[1:]
        precision = np.divide(hits[1:], found, out=np.zeros_like(found), where=found > 0)
        return float(gained @ precision / hits[-1])

    def _steps(self, weights: Floats) -> tuple[Floats, Floats]:
        """Give the weight of positive and of other rows down to each step, from 0 on."""
        ranked = weights[self.order]
        hits = np.cumsum(ranked * self.came)[self.ends]
        misses = np.cumsum(ranked * (1 - self.came))[self.ends]
        return np.insert(hits, 0, 0.0), np.insert(misses, 0, 0.0)


def _f1(chosen: NDArray[np.bool_], came: NDArray[np.bool_], weights: Floats) -> np.float64:
    """Give F1; 0 where nothing was chosen and something came."""
    both = (chosen.astype(np.float64) + came) @ weights
    return np.float64(2 * ((chosen & came) @ weights)) / np.float64(both)


def _lift(acted: NDArray[np.bool_], came: NDArray[np.bool_], weights: Floats) -> np.float64:
    """Give how many times as often acting is right as it would be for anybody."""
    right = np.float64((acted & came) @ weights) / np.float64(acted @ weights)
    return right / (np.float64(came @ weights) / np.float64(weights.sum()))
