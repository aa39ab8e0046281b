"""The models that training chooses from: how each is built, and what tuning may try."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Trial
from optuna.trial import FixedTrial
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from fourhats_runtime.contract import Contract
from fourhats_runtime.model.encoding import Kinds
from fourhats_runtime.model.monotone import hold
from fourhats_runtime.model.parts import Part
from fourhats_runtime.model.thresholds import in_single

A_TREE = 20_000
"""So many rows, drawn anew for each, a tree of a forest grows on where nothing else is said."""

Parameters = dict[str, Any]
AnyTrial = Trial | FixedTrial


@dataclass(frozen=True)
class Candidate:
    """A model to be tried.

    `build` gives the untrained estimator, of scikit-learn's interface, and asks the trial for what
    is to be tuned; one that asks for nothing is not tuned. `encode` makes numbers of its inputs;
    without it, the estimator is given them as they are.
    """

    name: str
    build: Callable[[AnyTrial], BaseEstimator]
    encode: Callable[[Kinds], ColumnTransformer] | None = None

    def pipeline(self, trial: AnyTrial, kinds: Kinds) -> Pipeline:
        """Build the untrained model, for inputs of these kinds."""
        steps = [("encode", self.encode(kinds))] if self.encode else []
        return Pipeline([*steps, ("model", self.build(trial))])

    @property
    def is_tuned(self) -> bool:
        """Whether it asks for anything to be tuned."""
        try:
            self.build(FixedTrial({}))
        except ValueError:  # what it asks for has no value
            return True
        return False

    def fit(self, part: Part, contract: Contract, parameters: Mapping[str, Any]) -> "Fitted":
        """Fit it to rows, with these parameters for what it asks to be tuned."""
        model = self.pipeline(FixedTrial(dict(parameters)), part.kinds)
        return Fitted(self.name, dict(parameters), learnt(model, part, contract))


@dataclass(frozen=True)
class Standing:
    """How a candidate stood among the others, on rows whose outcomes it had not seen."""

    candidate: str
    loss: float
    """The mean of the rows: see `losses`."""
    behind: float
    """How much more than the best it lost, on average."""
    chance: float
    """The standard error of that: within it, the two are equally good as far as one can tell."""


@dataclass(frozen=True)
class Fitted:
    """A trained model: the candidate's name, the parameters that were tuned, the pipeline."""

    name: str
    parameters: Parameters
    pipeline: Pipeline
    leaderboard: tuple[Standing, ...] = ()
    """Of the chosen one: all that were compared, the simplest first."""

    def predict(self, part: Part, contract: Contract) -> NDArray[np.float64]:
        """Predict: probabilities of shape (rows, classes), or numbers of shape (rows,)."""
        return predict(self.pipeline, part, contract)


def learnt(model: Pipeline, part: Part, contract: Contract) -> Pipeline:
    """Fit a model to rows, so that its graph decides as it does; gives the model."""
    hold(model, part, contract)
    _few_rows_a_tree(model[-1], part)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "k=.* is greater than n_features")  # texts of few terms
        model.fit(part.frame, part.labels(contract), **_told(model[-1], part))
    in_single(model[-1])
    return model


def _told(estimator: BaseEstimator, part: Part) -> dict[str, Any]:
    """Tell a network what its columns are; gives what it is told of the rows, when it is fitted."""
    if "leading_categories" not in estimator.get_params():
        return {}
    estimator.set_params(leading_categories=list(part.kinds.values()).count("category"))
    return {"model__groups": part.groups}


def _few_rows_a_tree(estimator: BaseEstimator, part: Part) -> None:
    """Have each tree of a forest grow on a part of very many rows: it takes no longer than others.

    Their leaves hold few rows each, so that a tree of a million would have a million nodes.
    """
    if "max_samples" in (known := estimator.get_params()):
        few = None if len(part) <= A_TREE else A_TREE
        if known["max_samples"] in (None, A_TREE):
            estimator.set_params(max_samples=few)


def predict(model: Pipeline, part: Part, contract: Contract) -> NDArray[np.float64]:
    """Predict by a trained model: probabilities (rows, classes), or numbers (rows,)."""
    if not contract.classes:
        return np.asarray(model.predict(part.frame), dtype=np.float64)
    outputs = np.asarray(model.predict_proba(part.frame), dtype=np.float64)
    return outputs @ places(model, contract)


def places(model: Pipeline, contract: Contract) -> NDArray[np.float64]:
    """Give what puts the probability of each class that a model knows into the contract's place.

    Shape (classes of the model, classes of the contract): one that no training row was of is never
    predicted.
    """
    return np.eye(len(contract.classes))[np.asarray(model.classes_, dtype=np.int64)]
