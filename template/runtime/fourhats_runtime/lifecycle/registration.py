"""A trained model goes into the registry, with all that is to be known of it later."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from fourhats_runtime.contract import MISSING, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.distribution import baseline, prediction_column
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.provenance import provenance
from fourhats_runtime.lifecycle.reference import keep_training_rows, keep_validation
from fourhats_runtime.lifecycle.registered import open_graph, outputs_of, proof_of_features
from fourhats_runtime.lifecycle.registry import Card, Registry
from fourhats_runtime.model.calibration import calibrate
from fourhats_runtime.model.candidates import Fitted
from fourhats_runtime.model.features import Columns, lasting
from fourhats_runtime.model.parts import Part, Split
from fourhats_runtime.model.tuning import Attempt, losses
from fourhats_runtime.pretrained.columns import beside
from fourhats_runtime.profile.leakage import SAMPLE_ROWS, class_given_away, number_given_away
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import fit_rule
from fourhats_runtime.tasks.rule import Floats
from fourhats_runtime.training import Training


def check_classes(parts: Split, contract: Contract) -> None:
    """See that the training rows hold more than one class.

    Raises:
        ProjectError: they hold one; the text names those that are missing.

    """
    seen = set(parts.train.actual.tolist())
    missing = [name for place, name in enumerate(contract.classes) if place not in seen]
    if contract.classes and len(seen) == 1:
        raise ProjectError(
            f"no training row is of the class {' or '.join(map(repr, missing))}: there is nothing "
            f"to tell apart; add such rows, or split them otherwise ({parts.by})"
        )


def register(  # noqa: PLR0913, PLR0917 (what came of an experiment)
    project: Project,
    parts: Split,
    model: Fitted,
    unseen: Floats,
    graph: bytes,
    difference: float,
    attempts: Sequence[Attempt] = (),
) -> str:
    """Register a trained model as challenger; gives its version.

    `unseen` is what the model said of the validation rows before it learnt from them: what is
    known of its probabilities, and of its errors, comes of that. `difference` is the largest one
    between the graph and the model, as `export` found it; `attempts` are what tuning tried.
    """
    contract, seed = project.contract, project.settings(Training).seed
    calibration = calibrate(unseen, parts.validation.actual)
    outputs = calibration(unseen)
    rule = fit_rule(project, contract, outputs, parts.validation.actual)
    earned = rule.realised(outputs, parts.validation.actual)
    # To the rows that it was fitted to, a model gives predictions as no others get them. As they
    # are served, in single precision: what the trainer finds all but impossible is 0 there.
    served = calibration(outputs_of(open_graph(graph), parts.holdout.inputs))
    watched = lasting(parts.learned.inputs, contract)
    learned, validation, holdout = (
        part.entities(contract) for part in (parts.learned, parts.validation, parts.holdout)
    )
    baselines = baseline(watched, learned) | baseline(
        {"prediction": prediction_column(served)}, holdout
    )
    pretrained, files = beside(project)
    card: Card = {
        "model": model.name,
        "parameters": model.parameters,
        "leaderboard": [asdict(each) for each in model.leaderboard],
        "rule": rule.kept,
        "calibration": asdict(calibration),
        "validation_value": float(earned.mean()),
        "rows": {"learned": len(parts.learned), "validation": len(parts.validation)},
        "split": {"by": parts.by, "notes": list(parts.notes)},
        "parity": difference,
        "leakage_suspects": _leakage_suspects(parts.train, contract, seed),
        "example": _example(parts.sample, contract),
        "derived": proof_of_features(parts.sample, contract, project.features),
        "drift_baseline": {
            name: distribution.model_dump(exclude_defaults=True)
            for name, distribution in baselines.items()
        },
    }
    if pretrained:
        card["pretrained"] = pretrained
    registry = Registry(project.artifacts / "registry")
    contract_text = project.contract_file.read_text(encoding="utf-8")
    version = registry.add(graph, contract_text, card, files or None)
    keep_training_rows(registry.folder(version), parts.learned.inputs, learned, seed)
    if parts.validation.rows:  # which a split that was made by hand lacks
        lost = losses(unseen, parts.validation.actual)
        rows = parts.validation.rows
        keep_validation(registry.folder(version), rows, lost, earned, validation)
    if registry.noted(version, NOTE) is None:
        registry.note(version, NOTE, provenance(project, parts, outputs, rule, attempts))
    return version


def _leakage_suspects(part: Part, contract: Contract, seed: int) -> list[str]:
    """Name the features that alone tell the outcome: they may not be known at prediction time."""
    order = np.random.default_rng(seed).permutation(len(part))[:SAMPLE_ROWS]
    outcomes = part.actual[order].tolist()
    classes = [contract.classes[int(place)] for place in outcomes] if contract.classes else []
    suspects = []
    for name, kind in part.kinds.items():
        if kind in ("text", "vector", "nothing"):  # of texts, each stands alone
            continue
        values = part.inputs[name].ravel()[order].tolist()
        gap = MISSING.__eq__ if kind == "category" else math.isnan
        known = [None if gap(value) else value for value in values]
        told = class_given_away(known, classes) if classes else number_given_away(known, outcomes)
        if told:
            suspects.append(name)
    return suspects


def _example(sample: Columns, contract: Contract) -> dict[str, Any]:
    """Take the middle number and moment, and the most frequent category, of each feature."""
    example: dict[str, Any] = {}
    for column in contract.features:
        values = sample[column.name]
        if values.dtype == object:
            texts = [value for value in values if value is not None]
            names, counts = np.unique(np.array(texts, dtype=str), return_counts=True)
            example[column.name] = str(names[counts.argmax()]) if len(names) else None
            continue
        known = np.sort(values[~(np.isnat(values) if column.is_time else np.isnan(values))])
        middle = known[len(known) // 2] if len(known) else None
        if middle is None:
            example[column.name] = None
        elif column.is_time:
            example[column.name] = str(middle.astype("datetime64[s]"))
        else:
            example[column.name] = (float if column.type == "number" else int)(middle)
    return example
