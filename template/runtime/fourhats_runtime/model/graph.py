"""From a trained model to an ONNX graph that is proven to give the same answers."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, compose, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from fourhats_runtime.contract import MISSING, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.candidates import Fitted, places, predict
from fourhats_runtime.model.encoding import TERM, Kinds, term_counters
from fourhats_runtime.model.features import Feed
from fourhats_runtime.model.parts import Part
from fourhats_runtime.project import Project
from fourhats_runtime.training import Training

NUMBERS = ("number", "season", "vector", "nothing")
OPSET = {"": 19, "ai.onnx.ml": 3, "com.microsoft": 1}


def export(model: Fitted, holdout: Part, project: Project) -> tuple[bytes, float]:
    """Convert a trained model, and prove on the holdout that the graph gives the same answers.

    Returns the graph, and the largest difference.

    Raises:
        ProjectError: the graph gives other answers than the trained model.

    """
    contract = project.contract
    graph = convert(model.pipeline, contract, holdout.kinds)
    tolerance = project.settings(Training).parity_tolerance
    return graph, check_parity(graph, model.pipeline, holdout, contract, tolerance)


def convert(model: Pipeline, contract: Contract, kinds: Kinds) -> bytes:
    """Convert a trained model to a graph with one input a feature."""
    inputs = [
        (name, (FloatTensorType if kind in NUMBERS else StringTensorType)([None, 1]))
        for name, kind in kinds.items()
    ]
    own = getattr(model[-1], "to_onnx", None)  # a network's library has an exporter
    options: dict[int, dict[str, Any]] = {}
    if contract.classes and own is None:
        options[id(model)] = {"zipmap": False}
    if "text" in kinds.values() and "encode" in model.named_steps:
        options |= {id(each): {"tokenexp": TERM} for each in term_counters(model["encode"])}
    converted = model if own is None else model[:-1]
    graph = to_onnx(converted, initial_types=inputs, options=options or None, target_opset=OPSET)
    if own is not None:
        graph = _behind(graph, own(OPSET[""]))
    if contract.classes and len(model.classes_) < len(contract.classes):
        _put_in_place(graph.graph, places(model, contract).astype(np.float32))
    versions = {opset.domain: opset.version for opset in graph.opset_import}
    del graph.opset_import[:]  # which come in the order of the moment, and twice when merged
    graph.opset_import.extend(helper.make_opsetid(*each) for each in sorted(versions.items()))
    return bytes(graph.SerializeToString())


def _behind(encoder: ModelProto, network: ModelProto) -> ModelProto:
    """Put a network, of one input and one output, behind what makes numbers of columns."""
    encoder.ir_version = network.ir_version = max(encoder.ir_version, network.ir_version)
    network = compose.add_prefix(network, "network/")
    pair = (encoder.graph.output[0].name, network.graph.input[0].name)
    return compose.merge_models(encoder, network, io_map=[pair])


def _put_in_place(graph: GraphProto, matrix: NDArray[np.float32]) -> None:
    """Widen the probabilities, the last output, to all classes of the contract."""
    known = graph.output[-1].name
    graph.initializer.append(numpy_helper.from_array(matrix, "places"))
    graph.node.append(helper.make_node("MatMul", [known, "places"], ["in_place"]))
    shape = [None, matrix.shape[1]]
    widened = helper.make_tensor_value_info("in_place", TensorProto.FLOAT, shape)
    graph.output.pop()
    graph.output.append(widened)


def check_parity(
    graph: bytes, model: Pipeline, holdout: Part, contract: Contract, tolerance: float
) -> float:
    """Compare graph and model on the holdout, and on copies of it full of gaps and unknown values.

    Returns the largest difference.

    Raises:
        ProjectError: it is above `tolerance`; of numbers, in relation to their size, or to what is
            usual on the holdout: a sum of large terms that is nearly 0 is no more exact than they.

    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    usual = 1.0 if contract.classes else np.abs(predict(model, holdout, contract)).mean() or 1.0
    largest = 0.0
    for part in (holdout, *_spoiled(holdout)):
        ours = predict(model, part, contract)
        theirs = np.asarray(session.run(None, dict(part.inputs))[-1], dtype=np.float64)
        difference = np.abs(theirs.reshape(ours.shape) - ours) / np.maximum(usual, np.abs(ours))
        largest = max(largest, float(difference.max()))
    if largest > tolerance:
        raise ProjectError(
            f"the exported model differs from the trained one by {largest:.2g} (allowed: "
            f"{tolerance:.2g}, TRAINING__PARITY_TOLERANCE): it is not registered"
        )
    return largest


def _spoiled(part: Part) -> tuple[Part, Part]:
    gaps: Feed = {}
    strangers: Feed = {}
    for name, values in part.inputs.items():
        if values.dtype == object:
            gaps[name] = np.full_like(values, MISSING)
            strangers[name] = np.full_like(values, "never seen before")
        else:
            gaps[name] = np.full_like(values, np.nan)
            strangers[name] = values * np.float32(-3)
    return replace(part, inputs=gaps), replace(part, inputs=strangers)
