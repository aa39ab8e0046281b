"""Networks of PyTorch as estimators: trained batch by batch, exported by PyTorch itself.

What the network is made of is the project's own `torch_layers.py`.
"""

import logging
import time
from copy import deepcopy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from fourhats_runtime.model.networks import (
    AT_ONCE,
    FURTHEST,
    SMOOTH,
    TELL_SECONDS,
    Aim,
    Inputs,
    NetworkEstimator,
    OfClasses,
    OfNumbers,
    Table,
    apart,
    batch_size,
    batches,
    quiet,
)
from fourhats_runtime.model.sides import Hashes

logger = logging.getLogger(__name__)


class _Whole(nn.Module):
    """A network with what goes before it, and after: what is exported."""

    def __init__(self, network: nn.Module, inputs: Inputs, aim: Aim) -> None:
        super().__init__()
        self.network = network
        self.categories = len(inputs.sizes)
        self.aim = aim
        self.register_buffer("centres", torch.from_numpy(inputs.centres))
        self.register_buffer("spreads", torch.from_numpy(inputs.spreads))
        self.register_buffer("gaps", torch.tensor(inputs.gaps, dtype=torch.long))

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
        return torch.softmax(scores, dim=1) if self.aim.of_classes else self._unscaled(scores)

    def _unscaled(self, scores: Tensor) -> Tensor:
        return scores * self.aim.spread + self.aim.centre


class _Network(NetworkEstimator):
    """What networks of PyTorch have in common.

    `build` gives an untrained network for the sizes of categories, how many numbers, and how many
    outputs. It takes codes of shape (rows, categories), from 0 for one never seen, and numbers of
    shape (rows, numbers), scaled and without gaps; it gives (rows, outputs).
    """

    def to_onnx(self, opset: int) -> ModelProto:
        """Export the trained network, by PyTorch's own exporter: one input, one output."""
        rows = torch.zeros(2, self.n_features_in_)
        with quiet("torch.onnx"):
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

    def learn(self, table: Table, wanted: NDArray[Any], groups: Hashes | None, aim: Aim) -> Self:
        """Train batch by batch, on the graphics processor if there is one."""
        learning, judging = apart(len(table), groups, self.seed)
        random = np.random.default_rng(self.seed)
        size = self.batch_rows or batch_size(len(learning))
        self.n_features_in_ = table.shape[1]
        device = _device()
        # A batch is too little work to be handed out.
        with torch.random.fork_rng(devices=[]), threadpool_limits(1):
            torch.manual_seed(self.seed)
            inputs = Inputs.of(table, self.leading_categories)
            network = self.build(inputs.sizes, inputs.numbers, aim.outputs)
            self.whole_ = _Whole(network, inputs, aim).to(device)
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
        if self.whole_.aim.of_classes:
            lost: Tensor = nn.functional.cross_entropy(scores, aim, reduction="none")
            return lost
        return (scores[:, 0] - aim) ** 2

    def outputs(self, table: Table) -> NDArray[np.float64]:
        """Give what the trained network says, batch by batch."""
        places = np.arange(len(table))
        with torch.no_grad():
            said = [
                self.whole_(_tensor(table[batch])).numpy() for batch in batches(places, AT_ONCE)
            ]
        return np.concatenate(said).astype(np.float64)


class TorchClassifier(OfClasses, _Network):
    """A network of PyTorch that gives the probability of each class."""


class TorchRegressor(OfNumbers, _Network):
    """A network of PyTorch that gives a number."""


def _tensor(rows: Table) -> Tensor:
    return torch.from_numpy(rows.astype(np.float32))


def _device() -> torch.device:
    """Give the graphics processor, if there is one."""
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator() or torch.device("cpu")
    return torch.device("cpu")
