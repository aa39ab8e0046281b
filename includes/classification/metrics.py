"""How good the probabilities are, in the field's own figures: they stand in the report."""

import numpy as np
from fourhats_runtime.contract import Contract
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score


def metrics(
    outputs: NDArray[np.float64], actual: NDArray[np.float64], contract: Contract
) -> dict[str, float]:
    """Judge probabilities of shape (rows, classes) by the class indices that came."""
    labels = list(range(len(contract.classes)))
    predicted = outputs.argmax(axis=1)
    found = {
        "accuracy": accuracy_score(actual, predicted),
        "f1_macro": f1_score(actual, predicted, average="macro", labels=labels),
        "log_loss": log_loss(actual, outputs / outputs.sum(axis=1, keepdims=True), labels=labels),
    }
    if len(np.unique(actual)) == len(labels):  # undefined where a class is absent
        scores = outputs if contract.positive is None else outputs[:, 1]
        found["roc_auc"] = roc_auc_score(actual, scores, multi_class="ovr", labels=labels)
    return found
