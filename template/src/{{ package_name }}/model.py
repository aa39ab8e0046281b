"""A registered model at work: an ONNX graph, its contract and its decision rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from . import contract as contract_file
from .contract import Contract
from .features import Feed, feed
from .registry import CONTRACT_FILE, GRAPH_FILE, Registry
from .settings import Settings
from .value import Rule

onnxruntime.disable_telemetry_events()


@dataclass(frozen=True)
class Model:
    """One version of the registry, loaded."""

    version: str
    contract: Contract
    rule: Rule
    example: dict[str, float | str | None]
    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, settings: Settings, version: str) -> Model:
        """Load a version; nothing of it is code, and nothing is unpickled."""
        registry = Registry(settings.artifacts / "registry")
        folder = registry.folder(version)
        contract = contract_file.load(folder / CONTRACT_FILE)
        card = registry.card(version)
        rule = Rule(contract, settings.value, card["threshold"])
        graph = (folder / GRAPH_FILE).read_bytes()
        return cls(version, contract, rule, card["example"], open_graph(graph))

    @classmethod
    def champion(cls, settings: Settings) -> Model:
        """Load the champion.

        Raises:
            ProjectError: there is none yet.

        """
        version = Registry(settings.artifacts / "registry").require("champion")
        return cls.load(settings, version)

    def predict(self, columns: Mapping[str, Iterable[object]]) -> NDArray[np.float64]:
        """Predict from columns of values, None where missing.

        Returns probabilities of shape (rows, classes), or numbers of shape (rows,).
        """
        return self.run(feed(columns, self.contract))

    def run(self, inputs: Feed) -> NDArray[np.float64]:
        """Predict from the graph's own inputs."""
        outputs = np.asarray(self.session.run(None, dict(inputs))[-1], dtype=np.float64)
        return outputs if self.contract.classes else outputs.ravel()


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Make a graph ready to run, on one core: requests run side by side, not one on all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
