"""From a trained model to an ONNX graph that is proven to give the same answers."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from .contract import MISSING, Contract
from .errors import ProjectError
from .features import Feed
from .split import Part

OPSET = {"": 19, "ai.onnx.ml": 3}


def convert(model: Pipeline, contract: Contract) -> bytes:
    """Convert a trained model to a graph with one input a feature."""
    inputs = [
        (
            column.name,
            FloatTensorType([None, 1]) if column.is_number else StringTensorType([None, 1]),
        )
        for column in contract.features
    ]
    options = {id(model): {"zipmap": False}} if contract.classes else None
    graph = to_onnx(model, initial_types=inputs, options=options, target_opset=OPSET)
    graph.opset_import.sort(key=lambda opset: opset.domain)  # else in the order of the moment
    return bytes(graph.SerializeToString())


def check_parity(
    graph: bytes, model: Pipeline, holdout: Part, contract: Contract, tolerance: float
) -> float:
    """Compare graph and model on the holdout, and on copies of it full of gaps and unknown values.

    Returns the largest difference.

    Raises:
        ProjectError: it is above `tolerance` (relative to the size of the predictions, if above 1).

    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    largest = 0.0
    for part in (holdout, *_spoiled(holdout, contract)):
        ours = predict(model, part, contract)
        theirs = np.asarray(session.run(None, dict(part.inputs))[-1], dtype=np.float64)
        difference = np.abs(theirs.reshape(ours.shape) - ours) / np.maximum(1.0, np.abs(ours))
        largest = max(largest, float(difference.max()))
    if largest > tolerance:
        raise ProjectError(
            f"the exported model differs from the trained one by {largest:.2g} (allowed: "
            f"{tolerance:.2g}, TRAINING__PARITY_TOLERANCE): it is not registered"
        )
    return largest


def predict(model: Pipeline, part: Part, contract: Contract) -> NDArray[np.float64]:
    """Predict by the trained model itself: probabilities (rows, classes), or numbers (rows,)."""
    outputs = model.predict_proba(part.frame) if contract.classes else model.predict(part.frame)
    return np.asarray(outputs, dtype=np.float64)


def _spoiled(part: Part, contract: Contract) -> tuple[Part, Part]:
    gaps: Feed = {}
    strangers: Feed = {}
    for column in contract.features:
        values = part.inputs[column.name]
        if column.is_number:
            gaps[column.name] = np.full_like(values, np.nan)
            strangers[column.name] = values * np.float32(-3)
        else:
            gaps[column.name] = np.full_like(values, MISSING)
            strangers[column.name] = np.full_like(values, "never seen before")
    return Part(gaps, part.actual), Part(strangers, part.actual)
