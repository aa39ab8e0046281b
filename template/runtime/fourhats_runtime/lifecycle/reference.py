"""What monitoring compares with, kept in the registry beside a model.

Some of the rows that it was fitted to, and what it predicted on the holdout with what came. Only
features are kept, never an id: by the contract, personal data is no feature. Which rows are of one
entity is kept as numbers that are counted up, which say nothing of whose they are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from fourhats_runtime.chance import Groups
from fourhats_runtime.data.joins import ROW
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import written_whole
from fourhats_runtime.lifecycle.today import NAME
from fourhats_runtime.model.features import Feed
from fourhats_runtime.tasks.rule import Policy

MOST_ROWS = 2000
GROUP, ACTS, ON = "_group", "_today_acts", "_today_on"
LOST, EARNED = "_lost", "_earned"
"""No input has these names."""
TRAINING_FILE, HOLDOUT_FILE = "training_rows.parquet", "holdout.parquet"
VALIDATION_FILE = "validation.parquet"


class Holdout(NamedTuple):
    """The model's outputs on the holdout, and what came."""

    outputs: NDArray[np.float64]
    actual: NDArray[np.float64]
    groups: Groups | None
    """Equal for rows of one entity; None where the contract knew of none."""
    today: Policy | None
    """What today's rule decided; None where there was none."""


class Sample(NamedTuple):
    """Rows as a model's inputs."""

    inputs: Feed
    groups: Groups | None
    """Equal for rows of one entity; None where nobody knows of any."""


def keep_training_rows(folder: Path, inputs: Feed, groups: Groups | None, seed: int) -> None:
    """Keep a sample of the rows that a model was fitted to."""
    columns: dict[str, NDArray[Any]] = {name: each.ravel() for name, each in inputs.items()}
    rows = len(next(iter(columns.values())))
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ROWS])
    columns |= _counted_up(groups)
    _write(folder / TRAINING_FILE, {name: values[drawn] for name, values in columns.items()})


def training_rows(folder: Path) -> Sample:
    """Give the sample of training rows."""
    columns, inputs = _read(folder / TRAINING_FILE), Feed()
    groups = columns.pop(GROUP, None)
    for name, values in columns.items():
        kind: type = object if values.dtype == object else np.float32
        inputs[name] = values.astype(kind).reshape(-1, 1)
    return Sample(inputs, None if groups is None else groups.astype(np.int64))


class Validated(NamedTuple):
    """What became of each validation row, before the model learnt from it, by shape (rows,)."""

    row: dict[tuple[str, int], int]
    """Its place here, by its source and its number there."""
    lost: NDArray[np.float64]
    """See `losses`."""
    earned: NDArray[np.float64]
    """In the currency."""
    groups: Groups | None
    """Equal for rows of one entity; None where nobody knows of any."""


def keep_validation(
    folder: Path,
    rows: Mapping[str, Sequence[object]],
    lost: NDArray[np.float64],
    earned: NDArray[np.float64],
    groups: Groups | None,
) -> None:
    """Keep what became of the validation rows, so that models can be compared row by row."""
    which = {name: np.array(rows[name]) for name in ROW}
    _write(folder / VALIDATION_FILE, {**which, LOST: lost, EARNED: earned, **_counted_up(groups)})


def validated(folder: Path) -> Validated:
    """Give what became of the validation rows."""
    found = _read(folder / VALIDATION_FILE)
    source, number = (found[name].tolist() for name in ROW)
    row = {each: place for place, each in enumerate(zip(source, number, strict=True))}
    lost, earned = (found[name].astype(np.float64) for name in (LOST, EARNED))
    groups = found.get(GROUP)
    return Validated(row, lost, earned, None if groups is None else groups.astype(np.int64))


def keep_holdout(
    folder: Path,
    outputs: NDArray[np.float64],
    actual: NDArray[np.float64],
    groups: Groups | None = None,
    today: Policy | None = None,
) -> None:
    """Keep what a model predicted on the holdout, and what came, evenly thinned out.

    And what today's rule decided there.
    """
    step = -(-len(actual) // MOST_ROWS)
    wide = outputs.reshape(len(actual), -1)[::step]
    columns = {f"output_{place}": column for place, column in enumerate(wide.T)}
    whose = {name: values[::step] for name, values in _counted_up(groups).items()}
    if today is not None:
        whose |= {ACTS: np.asarray(today.acts)[::step], ON: np.asarray(today.on)[::step]}
    _write(folder / HOLDOUT_FILE, {**columns, "actual": actual[::step], **whose})


def holdout(folder: Path) -> Holdout:
    """Give outputs, of shape (rows, classes) or (rows,), and outcomes, of shape (rows,)."""
    columns = _read(folder / HOLDOUT_FILE)
    actual, groups = columns.pop("actual").astype(np.float64), columns.pop(GROUP, None)
    acts, on = columns.pop(ACTS, None), columns.pop(ON, None)
    outputs = np.column_stack(list(columns.values())).astype(np.float64)
    return Holdout(
        outputs if outputs.shape[1] > 1 else outputs.ravel(),
        actual,
        None if groups is None else groups.astype(np.int64),
        None if acts is None or on is None else Policy(NAME, acts.astype(bool), on.astype(float)),
    )


def _counted_up(groups: Groups | None) -> dict[str, NDArray[np.generic]]:
    """Give whose each row is by numbers alone: no hash, of which one could try out names."""
    return {} if groups is None else {GROUP: np.unique(groups, return_inverse=True)[1]}


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
