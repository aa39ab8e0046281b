"""Networks of TensorFlow as estimators: trained batch by batch and exported by Keras itself.

What the network is made of is the project's own `keras_layers.py`.
"""

import logging
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

# What TensorFlow says of how it was built is nobody's question; results are the same everywhere.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import KerasTensor, ops
from numpy.typing import NDArray
from onnx import ModelProto, helper, version_converter

from fourhats_runtime.model.canonical import canonical
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

NEWEST_OPSET = 18
"""Of those that tf2onnx, with which Keras exports, knows."""

logger = logging.getLogger(__name__)

# A batch is too little work to be handed out, and TensorFlow asks for it before it does any.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


class _Batches(keras.utils.PyDataset):
    """Rows of a table, of which one batch at a time is handed over."""

    def __init__(
        self,
        table: Table,
        wanted: NDArray[Any],
        places: NDArray[np.intp],
        size: int,
        chance: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.table, self.wanted, self.places = table, wanted, places
        self.size, self.chance = size, chance
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self.batches = list(batches(self.places, self.size, self.chance))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        batch = self.batches[number]
        return self.table[batch].astype(np.float32), self.wanted[batch]


class _Progress(keras.callbacks.Callback):
    """Says how far a long training is."""

    def __init__(self) -> None:
        super().__init__()
        self.told = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if time.monotonic() - self.told > TELL_SECONDS:
            self.told = time.monotonic()
            shown = (epoch + 1, self.params["epochs"], (logs or {})["val_loss"])
            logger.info("network: pass %d of at most %d, loss %.4g", *shown)


class _Network(NetworkEstimator):
    """What networks of TensorFlow have in common.

    `build` gives the outputs of an untrained network, of shape (rows, outputs). It is given codes
    of shape (rows, categories), from 0 for one never seen; numbers of shape (rows, numbers), scaled
    and without gaps; the sizes of the categories; and how many outputs.
    """

    def to_onnx(self, opset: int) -> ModelProto:
        """Export the trained network, by Keras' own exporter: one input, one output."""
        self.whole_(np.zeros((1, self.n_features_in_), np.float32))  # none is exported uncalled
        with tempfile.TemporaryDirectory() as folder, quiet("tf2onnx"):
            path = Path(folder) / "network.onnx"
            self.whole_.export(path, format="onnx", opset_version=NEWEST_OPSET, verbose=False)
            made = version_converter.convert_version(onnx.load(path), opset)
        made.doc_string = ""  # where it was converted
        del made.opset_import[:]  # the converter names domains of which nothing is used
        made.opset_import.append(helper.make_opsetid("", opset))
        canonical(made.graph)
        return made

    def learn(self, table: Table, wanted: NDArray[Any], groups: Hashes | None, aim: Aim) -> Self:
        """Train batch by batch, on the graphics processor if there is one."""
        wanted = wanted if aim.of_classes else wanted[:, None]
        learning, judging = apart(len(table), groups, self.seed)
        size = self.batch_rows or batch_size(len(learning))
        self.n_features_in_ = table.shape[1]
        with _seeded(self.seed):
            rows = keras.Input((table.shape[1],), name="rows")
            scores = self._scores(rows, Inputs.of(table, self.leading_categories), aim.outputs)
            learner = keras.Model(rows, scores)
            said = ops.softmax(scores) if aim.of_classes else scores * aim.spread + aim.centre
            self.whole_ = keras.Model(rows, said)
            loss = (
                keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                if aim.of_classes
                else keras.losses.MeanSquaredError()
            )
            learner.compile(keras.optimizers.AdamW(self.learning_rate, self.weight_decay), loss)
            stop = keras.callbacks.EarlyStopping(patience=self.patience, restore_best_weights=True)
            chance = np.random.default_rng(self.seed)
            learner.fit(
                _Batches(table, wanted, learning, size, chance),
                validation_data=_Batches(table, wanted, judging, AT_ONCE),
                epochs=self.most_passes,
                callbacks=[stop, _Progress()],
                verbose=0,
            )
        return self

    def _scores(self, rows: KerasTensor, inputs: Inputs, outputs: int) -> KerasTensor:
        """Give what is learnt: a score a class, or the scaled number."""
        categories = len(inputs.sizes)
        numbers = rows[:, categories:]
        missing = ops.isnan(numbers)
        numbers = ops.where(missing, inputs.centres, numbers)
        numbers = ops.clip((numbers - inputs.centres) / inputs.spreads, -FURTHEST, FURTHEST)
        numbers = numbers / ops.sqrt(1 + ops.square(numbers / SMOOTH))
        if inputs.gaps:
            told = ops.take(missing, inputs.gaps, axis=1)
            numbers = ops.concatenate([numbers, ops.cast(told, "float32")], axis=1)
        codes = ops.cast(rows[:, :categories] + 1, "int32")
        return self.build(codes, numbers, inputs.sizes, outputs)

    def outputs(self, table: Table) -> NDArray[np.float64]:
        """Give what the trained network says, batch by batch."""
        places = np.arange(len(table))
        said = [
            self.whole_.predict_on_batch(table[batch].astype(np.float32))
            for batch in batches(places, AT_ONCE)
        ]
        return np.concatenate(said).astype(np.float64)


class KerasClassifier(OfClasses, _Network):
    """A network of TensorFlow that gives the probability of each class."""


class KerasRegressor(OfNumbers, _Network):
    """A network of TensorFlow that gives a number."""


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Keras, which takes everybody's chance, and give that of others back."""
    before, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 (Keras seeds it)
    keras.utils.clear_session(free_memory=False)  # names count up, and are in the graph
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpys)  # noqa: NPY002
