"""Networks of PyTorch as estimators: trained batch by batch, exported by PyTorch itself.

What the network is made of is the project's own `torch_layers.py`.
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from fourhats_runtime.model.networks import (
    AT_ONCE,
    FURTHEST,
    SMOOTH,
    TELL_SECONDS,
    Inputs,
    Table,
    batch_size,
    batches,
    held_out,
)
from fourhats_runtime.model.sides import Hashes

logger = logging.getLogger(__name__)

Build = Callable[[tuple[int, ...], int, int], nn.Module]
"""Gives an untrained network for the sizes of categories, how many numbers, and how many outputs.

It takes codes of shape (rows, categories), from 0 for one never seen, and numbers of shape (rows,
numbers), scaled and without gaps; it gives (rows, outputs).
"""


class _Whole(nn.Module):
    """A network with what goes before it, and after: what is exported."""

    def __init__(self, network: nn.Module, inputs: Inputs, centre: float, spread: float) -> None:
        super().__init__()
        self.network = network
        self.categories = len(inputs.sizes)
        self.of_classes = False
        self.register_buffer("centres", torch.from_numpy(inputs.centres))
        self.register_buffer("spreads", torch.from_numpy(inputs.spreads))
        self.register_buffer("gaps", torch.tensor(inputs.gaps, dtype=torch.long))
        self.centre, self.spread = centre, spread

    def scores(self, rows: Tensor) -> Tensor:
        """Give what is learnt: a score a class, or the scaled number."""
        numbers = rows[:, self.categories :]
        missing = torch.isnan(numbers)
        numbers = torch.where(missing, self.centres, numbers)
        numbers = ((numbers - self.centres) / self.spreads).clamp(-FURTHEST, FURTHEST)
        numbers = numbers / torch.sqrt(1 + (numbers / SMOOTH) ** 2)
        if len(self.gaps):
            numbers = torch.cat([numbers, missing[:, self.gaps].float()], dim=1)
        codes = (rows[:, : self.categories] + 1).long()
        scores: Tensor = self.network(codes, numbers)
        return scores

    def forward(self, rows: Tensor) -> Tensor:
        """Give probabilities, (rows, classes), or numbers, (rows, 1)."""
        scores = self.scores(rows)
        return torch.softmax(scores, dim=1) if self.of_classes else self._unscaled(scores)

    def _unscaled(self, scores: Tensor) -> Tensor:
        return scores * self.spread + self.centre


class _Network(BaseEstimator):
    """What networks for classes and for numbers have in common.

    `build` is the network, `leading_categories` how many of the first columns are categories,
    which training says. It ends after `patience` passes over the rows without a gain on those held
    out for that, or after `most_passes`, and the best weights are kept. A batch is of `batch_rows`;
    where that is None, as `networks.batch_size` says.
    """

    def __init__(  # noqa: PLR0913 (an estimator's parameters stand in its signature)
        self,
        build: Build,
        *,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        batch_rows: int | None = None,
        most_passes: int = 100,
        patience: int = 10,
        leading_categories: int = 0,
        seed: int = 0,
    ) -> None:
        self.build = build
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_rows = batch_rows
        self.most_passes = most_passes
        self.patience = patience
        self.leading_categories = leading_categories
        self.seed = seed

    def to_onnx(self, opset: int) -> ModelProto:
        """Export the trained network, by PyTorch's own exporter: one input, one output."""
        rows = torch.zeros(2, self.n_features_in_)
        with _quiet():
            made = torch.onnx.export(
                self.whole_.eval(),
                (rows,),
                dynamo=True,
                opset_version=opset,
                input_names=["rows"],
                output_names=["outputs"],
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
                verbose=False,
            )
        graph: ModelProto = made.model_proto
        for node in (*graph.graph.node, *graph.graph.input, *graph.graph.output):
            del node.metadata_props[:]  # where the code lies on this machine
        return graph

    def _fit(
        self,
        table: Table,
        wanted: NDArray[Any],
        groups: Hashes | None,
        whole: Callable[[Inputs], _Whole],
    ) -> Self:
        stopping = held_out(len(table), groups, self.seed)
        learning = np.flatnonzero(~stopping)
        judging = np.flatnonzero(stopping) if stopping.any() else learning
        random = np.random.default_rng(self.seed)
        size = self.batch_rows or batch_size(len(learning))
        self.n_features_in_ = table.shape[1]
        device = _device()
        # A batch is too little work to be handed out.
        with torch.random.fork_rng(devices=[]), threadpool_limits(1):
            torch.manual_seed(self.seed)
            self.whole_ = whole(Inputs.of(table, self.leading_categories)).to(device)
            steps = torch.optim.AdamW(
                self.whole_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
            )
            best, kept, since, told = float("inf"), self._state(), 0, time.monotonic()
            for done in range(self.most_passes):
                self.whole_.train()
                for batch in batches(learning, size, random):
                    steps.zero_grad()
                    self._lost(table, wanted, batch, device).mean().backward()
                    steps.step()
                lost = self._judged(table, wanted, judging, device)
                best, kept, since = (
                    (lost, self._state(), 0) if lost < best else (best, kept, since + 1)
                )
                if since == self.patience:
                    break
                if time.monotonic() - told > TELL_SECONDS:
                    told = time.monotonic()
                    shown = (done + 1, self.most_passes, lost, best)
                    logger.info("network: pass %d of at most %d, loss %.4g, best %.4g", *shown)
        self.whole_.load_state_dict(kept)
        self.whole_.to("cpu").eval()
        return self

    def _state(self) -> dict[str, Any]:
        return deepcopy(self.whole_.state_dict())

    def _judged(
        self, table: Table, wanted: NDArray[Any], places: NDArray[np.intp], device: torch.device
    ) -> float:
        self.whole_.eval()
        with torch.no_grad():
            lost = [
                float(self._lost(table, wanted, batch, device).sum())
                for batch in batches(places, AT_ONCE)
            ]
        return sum(lost) / len(places)

    def _lost(
        self, table: Table, wanted: NDArray[Any], places: NDArray[np.intp], device: torch.device
    ) -> Tensor:
        """Give what each row of a batch loses. Only its rows become tensors."""
        scores = self.whole_.scores(_tensor(table[places]).to(device))
        aim = torch.from_numpy(wanted[places]).to(device)
        if self.whole_.of_classes:
            lost: Tensor = nn.functional.cross_entropy(scores, aim, reduction="none")
            return lost
        return (scores[:, 0] - aim) ** 2

    def _outputs(self, table: Table) -> NDArray[np.float64]:
        places = np.arange(len(table))
        with torch.no_grad():
            said = [
                self.whole_(_tensor(table[batch])).numpy() for batch in batches(places, AT_ONCE)
            ]
        return np.concatenate(said).astype(np.float64)


class TorchClassifier(ClassifierMixin, _Network):
    """A network that gives the probability of each class."""

    def fit(self, table: Table, labels: NDArray[np.int64], groups: Hashes | None = None) -> Self:
        """Fit to rows; those of one group are held out together."""
        self.classes_, places = np.unique(labels, return_inverse=True)

        def whole(inputs: Inputs) -> _Whole:
            network = self.build(inputs.sizes, inputs.numbers, len(self.classes_))
            made = _Whole(network, inputs, 0.0, 1.0)
            made.of_classes = True
            return made

        return self._fit(table, places.astype(np.int64), groups, whole)

    def predict_proba(self, table: Table) -> NDArray[np.float64]:
        """Give probabilities, shape (rows, classes)."""
        return self._outputs(table)

    def predict(self, table: Table) -> NDArray[np.int64]:
        """Give the likeliest class of each row."""
        found: NDArray[np.int64] = self.classes_[self._outputs(table).argmax(axis=1)]
        return found


class TorchRegressor(RegressorMixin, _Network):
    """A network that gives a number."""

    def fit(self, table: Table, labels: NDArray[np.float64], groups: Hashes | None = None) -> Self:
        """Fit to rows; those of one group are held out together."""
        centre, spread = float(labels.mean()), float(labels.std()) or 1.0

        def whole(inputs: Inputs) -> _Whole:
            return _Whole(self.build(inputs.sizes, inputs.numbers, 1), inputs, centre, spread)

        return self._fit(table, ((labels - centre) / spread).astype(np.float32), groups, whole)

    def predict(self, table: Table) -> NDArray[np.float64]:
        """Give numbers, shape (rows,)."""
        return self._outputs(table)[:, 0]


def _tensor(rows: Table) -> Tensor:
    return torch.from_numpy(rows.astype(np.float32))


def _device() -> torch.device:
    """Give the graphics processor, if there is one."""
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator() or torch.device("cpu")
    return torch.device("cpu")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter says of libraries that nobody asked for."""
    told = logging.getLogger("torch.onnx")
    before = told.level
    told.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        told.setLevel(before)
