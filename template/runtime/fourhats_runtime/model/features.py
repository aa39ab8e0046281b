"""The one feed of features: from a row's columns to what a graph takes.

Training, batch, stream and API come by here, so that a feature is made by the same code wherever it
is needed. Features of one's own are derived by the project's `features.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.contract import MISSING
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.dates import made_of, part_names
from fourhats_runtime.model.meaning import vector_names, vectors
from fourhats_runtime.model.words import words

if TYPE_CHECKING:
    from fourhats_runtime.contract import Column, Contract
    from fourhats_runtime.pretrained.columns import Embedders

Columns = Mapping[str, NDArray[Any]]
"""One array of shape (rows,) a column, by name.

Numbers and truths are float64 with NaN, moments datetime64[us] with NaT, categories and texts
objects: `str`, or None where the value is missing.
"""
LARGEST = 1e38
"""Beyond it, single precision soon ends: such a number, or an infinite one, is no value."""
Derive = Callable[[Columns], Columns]
Feed = dict[str, "NDArray[np.float32] | NDArray[np.object_]"]
"""One array of shape (rows, 1) an input of the graph: float32 with NaN, or text with `MISSING`."""


def columns(values: Mapping[str, Iterable[object]], contract: Contract) -> Columns:
    """Turn values, None where missing, into the contract's features as columns."""
    return {column.name: _column(values[column.name], column) for column in contract.features}


def feed(
    row: Columns, contract: Contract, derive: Derive | None, embedders: Embedders | None = None
) -> Feed:
    """Give what the graph takes: the contract's features, and those that the project derives.

    Without embedders, vectors of texts are left out: of what lasts, they are no part.

    Raises:
        ProjectError: the project's features.py fails, or gives what is no column of features.

    """
    inputs: Feed = {c.name: _as_input(row[c.name]) for c in contract.model_inputs}
    inputs |= {c.name: _as_input(words(row[c.name])) for c in contract.features if c.words}
    of_texts = {} if embedders is None else vectors(row, contract, embedders)
    made: dict[str, NDArray[Any]] = {**made_of(row, contract), **of_texts}
    for name, values in made.items():
        if name in inputs:
            what = "a part of a text's vector" if name in of_texts else "a part of a moment"
            raise ProjectError(f"{name!r} is a feature, and {what}: rename the first")
        inputs[name] = _as_input(values)
    for name, values in derived(row, derive).items():
        if name in inputs:
            raise ProjectError(f"features.py: {name!r} is a feature of the contract: rename it")
        inputs[name] = _as_input(values)
    return inputs


def texts(contract: Contract) -> frozenset[str]:
    """Give the names of the inputs that are texts, of which the words are counted."""
    return frozenset(column.name for column in contract.features if column.words)


def lasting(inputs: Feed, contract: Contract) -> Feed:
    """Give the inputs that stay as they are while nothing changes: those that drift can be seen of.

    The others tell the time, which moves on by itself, or are texts, of which each is new.
    """
    of_texts = {*texts(contract), *vector_names(inputs, contract)}
    others = {*contract.time_parts, *part_names(contract), *of_texts}
    return {name: values for name, values in inputs.items() if name not in others}


def derived(row: Columns, derive: Derive | None) -> dict[str, NDArray[Any]]:
    """Derive the project's own features, each of shape (rows,): numbers, truths or texts.

    Raises:
        ProjectError: it fails, or gives what is no column of features; the text names the feature.

    """
    if derive is None:
        return {}
    rows = len(next(iter(row.values())))
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            made = derive(row)
    except KeyError as error:
        raise ProjectError(
            f"features.py uses the column {error}, which is no feature in config/contract.toml "
            f"(there are: {', '.join(row)})"
        ) from None
    except Exception as error:
        raise ProjectError(f"features.py: {type(error).__name__}: {error}") from error
    return {name: _checked(name, np.asarray(values), rows) for name, values in made.items()}


def months_between(
    since: NDArray[np.datetime64], until: NDArray[np.datetime64] | np.datetime64
) -> NDArray[np.float64]:
    """Give the months from one moment to another, shape (rows,), of 30.44 days each."""
    missing = np.isnat(since) | np.isnat(until)
    days = (until - since) / np.timedelta64(1, "D")
    return np.where(missing, np.nan, days / 30.44)


def in_utc(moment: datetime) -> datetime:
    """Give a moment in UTC and without its time zone; one without a time zone is in UTC."""
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # within hours of the calendar's ends
        ends = (datetime.min, datetime.max)  # noqa: DTZ901 (as tables have it)
        return ends[moment.year > 1]


def _column(values: Iterable[object], column: Column) -> NDArray[Any]:
    """Turn the values of a column into an array."""
    if column.is_number:
        return np.asarray(values, dtype=np.float64)
    if column.is_time:
        return np.array([_naive(value) for value in values], dtype="datetime64[us]")
    found = list(values)
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made


def _naive(value: object) -> object:
    """Give a moment without its time zone, in UTC, as the tables have it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return in_utc(value) if isinstance(value, datetime) else value


def _as_input(values: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.object_]:
    if values.dtype != object:
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = values.astype(np.float32)
            numbers[np.abs(numbers) > LARGEST] = np.nan
        return numbers.reshape(-1, 1)
    texts = values.copy()
    texts[texts == None] = MISSING  # noqa: E711 (element by element)
    return texts.reshape(-1, 1)


def _checked(name: str, values: NDArray[Any], rows: int) -> NDArray[Any]:
    """See that what was derived is a column of features."""
    if values.shape != (rows,):
        raise ProjectError(
            f"features.py: {name!r} has the shape {values.shape}: it takes one value a row, "
            f"which is ({rows},) here"
        )
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind == "U":
        return values.astype(object)
    if values.dtype.kind == "O":
        strange = next((v for v in values if v is not None and not isinstance(v, str)), None)
        if strange is None:
            return values
        raise ProjectError(
            f"features.py: {name!r} holds {strange!r} ({type(strange).__name__}): a feature is a "
            "number or a text, None where it is missing"
        )
    raise ProjectError(
        f"features.py: {name!r} is of the type {values.dtype}: give numbers or texts, such as the "
        "days between two moments"
    )
