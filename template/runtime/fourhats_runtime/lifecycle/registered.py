"""A registered model at work: an ONNX graph, its contract, its features and its decision rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fourhats_runtime import contract as contract_file
from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, GRAPH_FILE, Card, Registry
from fourhats_runtime.model.calibration import Calibration
from fourhats_runtime.model.features import Columns, Derive, Feed, columns, derived, feed
from fourhats_runtime.pretrained.columns import Embedders, of_version
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import Rule, rule_of

PROOF_ROWS = 20
"""So many rows a model keeps, with the features that were derived of them when it was trained."""
TOLERANCE = 1e-6

onnxruntime.disable_telemetry_events()


class FeaturesError(ProjectError):
    """The project's features.py gives other features than those that the model was trained on."""


@dataclass(frozen=True)
class Model:
    """One version of the registry, loaded."""

    version: str
    contract: Contract
    rule: Rule
    example: dict[str, float | str | None]
    """A valid record: the middle number and the most frequent category of each feature."""
    session: onnxruntime.InferenceSession
    derive: Derive | None = None
    calibration: Calibration = field(default_factory=Calibration)
    embedders: Embedders = field(default_factory=dict)

    @classmethod
    def load(cls, project: Project, version: str) -> Model:
        """Load a version; nothing of it is code, and nothing is unpickled.

        Raises:
            DamagedError: a file of it is missing, or is not what was registered.
            FeaturesError: features.py gives other values than when the model was trained.
            ProjectError: it was registered by a version whose models kept their decisions.

        """
        registry = Registry(project.artifacts / "registry")
        folder = registry.folder(version)
        registry.check(version)
        contract = contract_file.load(folder / CONTRACT_FILE)
        card = registry.card(version)
        if "rule" not in card:
            raise ProjectError(
                f"{version} was registered before decisions followed config/business.toml: train "
                "anew, and promote the new model by `promote --accept`"
            )
        derive = project.features
        check_features(version, card, contract, derive)
        rule = rule_of(project, contract, card["rule"])
        _ = rule.stake  # amounts that do not fit the target are said before anything is decided
        graph = (folder / GRAPH_FILE).read_bytes()
        calibration = Calibration(**card.get("calibration", {}))
        embedders = of_version(folder, contract, card.get("pretrained", {}))
        return cls(
            *(version, contract, rule, card["example"], open_graph(graph), derive),
            calibration=calibration,
            embedders=embedders,
        )

    @classmethod
    def champion(cls, project: Project) -> Model:
        """Load the champion.

        Raises:
            ProjectError: there is none yet.

        """
        version = Registry(project.artifacts / "registry").require("champion")
        return cls.load(project, version)

    def predict(self, values: Mapping[str, Iterable[object]]) -> NDArray[np.float64]:
        """Predict from columns of values, None where missing.

        Returns probabilities of shape (rows, classes), or numbers of shape (rows,).
        """
        return self.run(self.feed(values))

    def feed(self, values: Mapping[str, Iterable[object]]) -> Feed:
        """Turn columns of values, None where missing, into the graph's inputs."""
        return self.inputs(columns(values, self.contract))

    def inputs(self, row: Columns) -> Feed:
        """Turn the contract's features as columns into the graph's inputs."""
        return feed(row, self.contract, self.derive, self.embedders)

    def run(self, inputs: Feed) -> NDArray[np.float64]:
        """Predict from the graph's own inputs; probabilities are calibrated."""
        outputs = outputs_of(self.session, inputs)
        return self.calibration(outputs) if self.contract.classes else outputs


def outputs_of(session: onnxruntime.InferenceSession, inputs: Feed) -> NDArray[np.float64]:
    """Run a graph: probabilities of shape (rows, classes), or numbers of shape (rows,)."""
    outputs = np.asarray(session.run(None, dict(inputs))[-1], dtype=np.float64)
    return outputs.ravel() if outputs.shape[-1] == 1 else outputs


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Make a graph ready to run, on one core: requests run side by side, not one on all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def proof_of_features(sample: Columns, contract: Contract, derive: Derive | None) -> Card:
    """Give a few rows and the features that are derived of them, as JSON can hold them."""
    step = max(1, len(next(iter(sample.values()))) // PROOF_ROWS)
    rows = {c.name: sample[c.name][::step][:PROOF_ROWS] for c in contract.features}
    made = derived(rows, derive)
    if not made:
        return {}
    return {"rows": _as_json(rows), "features": _as_json(made)}


def check_features(version: str, card: Card, contract: Contract, derive: Derive | None) -> None:
    """Derive the features of the rows that the model keeps once more, and compare.

    Raises:
        FeaturesError: a feature is another, is missing or is new; the text names it.

    """
    proof = card.get("derived") or {"rows": {}, "features": {}}
    before = proof["features"]
    if not before and derive is None:
        return
    advice = "train anew, or take back the change in features.py"
    rows = columns(proof["rows"] or _one_row(card, contract), contract)
    try:
        now = derived(rows, derive)
    except ProjectError as error:
        raise FeaturesError(f"{version} cannot be used: {error}; {advice}") from error
    for name in [*before, *now]:
        if name not in now or name not in before:
            change = "no longer gives" if name not in now else "has come to give"
            raise FeaturesError(
                f"{version} cannot be used: features.py {change} {name!r}; {advice}"
            )
        if not _same(before[name], now[name]):
            raise FeaturesError(
                f"{version} cannot be used: features.py gives other values of {name!r} than when "
                f"it was trained; {advice}"
            )


def _one_row(card: Card, contract: Contract) -> dict[str, list[object]]:
    return {column.name: [card["example"][column.name]] for column in contract.features}


def _as_json(arrays: Columns) -> dict[str, list[object]]:
    """Write values as JSON holds them: None where one is missing, moments in ISO 8601."""
    made: dict[str, list[object]] = {}
    for name, values in arrays.items():
        if values.dtype.kind == "M":
            texts = np.datetime_as_string(values).tolist()
            made[name] = [None if text == "NaT" else text for text in texts]
        else:
            made[name] = [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 (NaN)
    return made


def _same(before: list[object], now: NDArray[np.generic]) -> bool:
    if now.dtype == object:
        return bool(before == now.tolist())
    if any(isinstance(value, str) for value in before):
        return False
    numbers = np.array(before, dtype=np.float64)
    given = now.astype(np.float64)
    return bool(np.allclose(numbers, given, TOLERANCE, TOLERANCE, equal_nan=True))
