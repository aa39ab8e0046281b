"""What monitoring compares with, kept in the registry beside a model.

Some of the rows that it was fitted to, and what it predicted on the holdout with what came. Only
features are kept, never an id: by the contract, personal data is no feature.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import written_whole
from fourhats_runtime.model.features import Feed

MOST_ROWS = 2000
TRAINING_FILE, HOLDOUT_FILE = "training_rows.parquet", "holdout.parquet"


class Holdout(NamedTuple):
    """The model's outputs on the holdout, and what came."""

    outputs: NDArray[np.float64]
    actual: NDArray[np.float64]


def keep_training_rows(folder: Path, inputs: Feed, seed: int) -> None:
    """Keep a sample of the rows that a model was fitted to."""
    columns = {name: values.ravel() for name, values in inputs.items()}
    rows = len(next(iter(columns.values())))
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ROWS])
    _write(folder / TRAINING_FILE, {name: values[drawn] for name, values in columns.items()})


def training_rows(folder: Path) -> Feed:
    """Give the sample of training rows, as the model's inputs."""
    inputs: Feed = {}
    for name, values in _read(folder / TRAINING_FILE).items():
        kind: type = object if values.dtype == object else np.float32
        inputs[name] = values.astype(kind).reshape(-1, 1)
    return inputs


def keep_holdout(folder: Path, outputs: NDArray[np.float64], actual: NDArray[np.float64]) -> None:
    """Keep what a model predicted on the holdout, and what came, evenly thinned out."""
    step = -(-len(actual) // MOST_ROWS)
    wide = outputs.reshape(len(actual), -1)[::step]
    columns = {f"output_{place}": column for place, column in enumerate(wide.T)}
    _write(folder / HOLDOUT_FILE, {**columns, "actual": actual[::step]})


def holdout(folder: Path) -> Holdout:
    """Give outputs, of shape (rows, classes) or (rows,), and outcomes, of shape (rows,)."""
    columns = _read(folder / HOLDOUT_FILE)
    actual = columns.pop("actual").astype(np.float64)
    outputs = np.column_stack(list(columns.values())).astype(np.float64)
    return Holdout(outputs if outputs.shape[1] > 1 else outputs.ravel(), actual)


def _write(path: Path, columns: dict[str, NDArray[np.generic]]) -> None:
    with written_whole(path) as scratch:
        parquet.write_table(pa.table(columns), scratch)


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    if not path.exists():
        raise ProjectError(
            f"{path} is missing, with which monitoring compares: train and evaluate a model anew"
        )
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError):
        raise DamagedError(
            f"{path} is damaged, with which monitoring compares: train and evaluate a model anew"
        ) from None
    return {name: table[name].to_numpy() for name in table.column_names}
