"""Probabilities that are true: decisions in money rest on them.

A model's probabilities are raised to a power, and weighed by class: bias-corrected temperature
scaling (Alexandari, Kundaje and Shrikumar, Maximum likelihood with bias-corrected calibration is
hard-to-beat at label shift adaptation, ICML 2020). Of two classes it is Platt's scaling of the
log-odds (Probabilistic outputs for support vector machines, 1999): which case is likelier stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOST_STEPS = 50
TINY = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What makes a model's probabilities true: a power, and a weight a class; none: they are."""

    power: float = 1.0
    weights: Sequence[float] = ()

    def __call__(self, outputs: Floats) -> Floats:
        """Give the true probabilities, shape (rows, classes); numbers are left as they are."""
        if not self.weights:
            return outputs
        weighed = outputs**self.power * self._weights
        calibrated: Floats = weighed / weighed.sum(axis=1, keepdims=True)
        return calibrated

    # Needed for every request: once is enough.
    @cached_property
    def _weights(self) -> Floats:
        return np.array(self.weights, dtype=np.float64)


def calibrate(outputs: Floats, actual: Floats) -> Calibration:
    """Fit to what a model says and to what came, of rows that it was not fitted to.

    By maximum likelihood with a normal prior, of deviation 1, about what the model says: a few rows
    change little. A model that is the less right the surer it is says no more than the shares do.
    """
    if outputs.ndim == 1:
        return Calibration()
    rows, classes = outputs.shape
    # Less than half a row cannot be distinguished from nothing.
    logs = np.log(np.maximum(outputs, 0.5 / rows))
    came = np.eye(classes)[actual.astype(np.intp)]
    prior = np.eye(classes)[0]
    found = prior
    for _ in range(MOST_STEPS):
        step = _step(found, prior, logs, came)
        while np.abs(step).max() > TINY and (
            _loss(found - step, prior, logs, came) > _loss(found, prior, logs, came)
        ):
            step = step / 2
        found = found - step
        if np.abs(step).max() <= TINY:
            break
    power, *weights = found.tolist()
    if power <= 0:
        return Calibration(0.0, tuple((came.sum(axis=0) + 1).tolist()))
    return Calibration(power, tuple(np.exp([0.0, *weights]).tolist()))


def _step(found: Floats, prior: Floats, logs: Floats, came: Floats) -> Floats:
    """Give Newton's step of the power and of the logarithms of all weights but the first."""
    said = np.exp(_log_said(found, logs))
    apart, weighed = said - came, said * logs
    means = weighed.sum(axis=1)
    gradient = np.append((apart * logs).sum(), apart[:, 1:].sum(axis=0)) + found - prior
    curvature = np.eye(len(found))
    curvature[0, 0] += (weighed * logs).sum() - means @ means
    curvature[0, 1:] = curvature[1:, 0] = (weighed.sum(axis=0) - said.T @ means)[1:]
    curvature[1:, 1:] += np.diag(said.sum(axis=0)[1:]) - said[:, 1:].T @ said[:, 1:]
    return np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)


def _loss(found: Floats, prior: Floats, logs: Floats, came: Floats) -> float:
    apart = found - prior
    return float(apart @ apart / 2 - (came * _log_said(found, logs)).sum())


def _log_said(found: Floats, logs: Floats) -> Floats:
    """Give the logarithms of the calibrated probabilities."""
    weighed = found[0] * logs + np.append(0.0, found[1:])
    weighed -= weighed.max(axis=1, keepdims=True)
    said: Floats = weighed - np.log(np.exp(weighed).sum(axis=1, keepdims=True))
    return said
