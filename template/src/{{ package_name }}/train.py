"""Training: a model is tuned, fitted, exported, proven equal, and registered as challenger."""

import logging
import math
from collections.abc import Callable
from typing import Any

import mlflow
import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from . import PROJECT
from .baseline import baselines
from .contract import MISSING, Contract
from .errors import ProjectError
from .estimator import build
from .export import check_parity, convert, predict
from .leakage import SAMPLE_ROWS, gives_away_class, gives_away_number
from .monitor.drift import baseline, prediction_column
from .monitor.reference import keep_training_rows
from .registry import Card, Registry
from .settings import Settings
from .split import Part, Split
from .tune import tune
from .value import Rule

MANY_ROWS = 50_000

logging.getLogger("mlflow").setLevel(logging.WARNING)


def train(
    parts: Split, contract: Contract, settings: Settings, progress: Callable[[int], None]
) -> str:
    """Train a challenger and register it; returns its version.

    Raises:
        ProjectError: a class is missing from the training rows, or the exported graph gives other
            answers than the trained model.

    """
    _check_classes(parts, contract)
    # On few rows, handing them out to threads takes longer than the work itself.
    with threadpool_limits(1 if len(parts.train) < MANY_ROWS else None):
        parameters = tune(parts, contract, settings, progress)
        trees = build(contract, parameters, settings.training.seed)
        trees.fit(parts.train.frame, parts.train.labels(contract))
        linear = baselines(contract)["linear"]
        linear.fit(parts.train.frame, parts.train.labels(contract))
    name, model = _choose({"trees": trees, "linear": linear}, parts.validation, contract, settings)
    outputs = predict(model, parts.validation, contract)
    rule = Rule.fit(outputs, parts.validation.actual, contract, settings.value)
    graph = convert(model, contract)
    difference = check_parity(
        graph, model, parts.holdout, contract, settings.training.parity_tolerance
    )
    # To the rows that it was fitted to, a model gives predictions as no others get them.
    unseen = [predict(model, part, contract) for part in (parts.validation, parts.holdout)]
    columns = {**parts.train.inputs, "prediction": prediction_column(np.concatenate(unseen))}
    registry = Registry(settings.artifacts / "registry")
    version = registry.add(
        graph,
        settings.contract_file.read_text(encoding="utf-8"),
        {
            "model": name,
            "parameters": parameters,
            "threshold": rule.threshold,
            "validation_value": float(rule.realised(outputs, parts.validation.actual).mean()),
            "rows": {"train": len(parts.train), "validation": len(parts.validation)},
            "parity": difference,
            "leakage_suspects": _leakage_suspects(parts.train, contract, settings),
            "example": _example(parts.train, contract),
            "drift_baseline": {
                name: distribution.model_dump(exclude_defaults=True)
                for name, distribution in baseline(columns).items()
            },
        },
    )
    keep_training_rows(registry.folder(version), parts.train.inputs, settings.training.seed)
    _track(settings, version, registry.card(version))
    return version


def _choose(
    candidates: dict[str, Pipeline], validation: Part, contract: Contract, settings: Settings
) -> tuple[str, Pipeline]:
    """Take the trees if they earn more than the linear model by more than chance would have it.

    By the rule of one standard error (Breiman et al., Classification and Regression Trees, 1984):
    of two models that are equally good as far as one can tell, take the simpler.
    """
    earned = {}
    for name, model in candidates.items():
        outputs = predict(model, validation, contract)
        rule = Rule.fit(outputs, validation.actual, contract, settings.value)
        earned[name] = rule.realised(outputs, validation.actual)
    gain = earned["trees"] - earned["linear"]
    chosen = "trees" if gain.mean() > gain.std() / np.sqrt(len(gain)) else "linear"
    return chosen, candidates[chosen]


def _check_classes(parts: Split, contract: Contract) -> None:
    seen = set(parts.train.actual.tolist())
    for place, name in enumerate(contract.classes):
        if place not in seen:
            raise ProjectError(
                f"no training row is of the class {name!r}: add such rows, or take the class out "
                f"of the categories of {contract.target.name!r} in config/contract.toml"
            )


def _leakage_suspects(part: Part, contract: Contract, settings: Settings) -> list[str]:
    """Name the features that alone tell the outcome: they may not be known at prediction time."""
    order = np.random.default_rng(settings.training.seed).permutation(len(part))[:SAMPLE_ROWS]
    outcomes = part.actual[order].tolist()
    classes = [contract.classes[int(place)] for place in outcomes] if contract.classes else []
    suspects = []
    for column in contract.features:
        values = part.inputs[column.name].ravel()[order].tolist()
        gap = math.isnan if column.is_number else MISSING.__eq__
        known = [None if gap(value) else value for value in values]
        told = gives_away_class(known, classes) if classes else gives_away_number(known, outcomes)
        if told:
            suspects.append(column.name)
    return suspects


def _example(part: Part, contract: Contract) -> dict[str, Any]:
    """Take the middle number and the most frequent category of each feature."""
    example: dict[str, Any] = {}
    for column in contract.features:
        values = part.inputs[column.name].ravel()
        if column.is_number:
            known = np.sort(values[~np.isnan(values)])
            middle = float(str(known[len(known) // 2])) if len(known) else math.nan  # 0.1, not
            as_type = float if column.type == "number" else int  # the nearest float32 to it
            example[column.name] = None if math.isnan(middle) else as_type(middle)
        else:
            names, counts = np.unique(values[values != MISSING], return_counts=True)
            example[column.name] = str(names[counts.argmax()]) if len(names) else None
    return example


def _track(settings: Settings, version: str, card: Card) -> None:
    """Log the run where `mlflow ui` finds it."""
    mlflow.set_tracking_uri(f"sqlite:///{settings.artifacts / 'mlflow.sqlite'}")
    mlflow.set_experiment(PROJECT)
    with mlflow.start_run(run_name=version):
        mlflow.log_params({"model": card["model"], **card["parameters"]})
        mlflow.log_metrics({"validation_value": card["validation_value"], "parity": card["parity"]})
