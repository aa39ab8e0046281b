"""Which rows the model learns from, is tuned on, and is judged by.

By time where the contract knows it: the past predicts the future. Else by a hash of the row within
each class, so that a row stays on its side when others come in later.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contract import Contract
from .errors import ProjectError
from .features import Feed, feed
from .frames import Frame, columns_of, from_arrays
from .sql import quote
from .warehouse import Connection, frame

VALIDATION_SHARE = 0.2
HOLDOUT_SHARE = 0.2
FEWEST_ROWS = 50


@dataclass(frozen=True)
class Part:
    """Rows with known outcomes: the model's inputs and what really happened.

    `actual` has shape (rows,): the index of the class, or the number itself.
    """

    inputs: Feed
    actual: NDArray[np.float64]

    @property
    def frame(self) -> Frame:
        """The inputs as a frame, which estimators take."""
        return from_arrays({name: values.ravel() for name, values in self.inputs.items()})

    def labels(self, contract: Contract) -> NDArray[np.float64] | NDArray[np.int64]:
        """Give what an estimator is fitted to: whole numbers for classes."""
        return self.actual.astype(np.int64) if contract.classes else self.actual

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.actual)


@dataclass(frozen=True)
class Split:
    """The three parts; no row is in two of them."""

    train: Part
    validation: Part
    holdout: Part


def split(connection: Connection, contract: Contract) -> Split:
    """Split the rows of `clean` that have an outcome.

    Raises:
        ProjectError: there are too few of them, or too many of one moment.

    """
    target = quote(contract.target.name)
    if contract.time_order:
        rank = f"percent_rank() OVER (ORDER BY {', '.join(map(quote, contract.time_order))})"
    else:
        key = [contract.id] if contract.id else contract.features
        text = ", ".join(f"coalesce(CAST({quote(c.name)} AS VARCHAR), '')" for c in key)
        within = f"PARTITION BY {target} " if contract.classes else ""
        rank = f"percent_rank() OVER ({within}ORDER BY md5(concat_ws('|', {text})))"
    rows = frame(
        connection,
        f"SELECT *, {rank} AS _rank FROM clean WHERE {target} IS NOT NULL "
        "ORDER BY _rank, _source, _row",
    )
    if len(rows) < FEWEST_ROWS:
        raise ProjectError(
            f"only {len(rows)} valid rows have an outcome ({contract.target.name}): "
            f"at least {FEWEST_ROWS} are needed"
        )
    columns = columns_of(rows)
    whole = Part(feed(columns, contract), actual(columns[contract.target.name], contract))
    ranks = np.array(columns["_rank"])
    validation, holdout = 1 - HOLDOUT_SHARE - VALIDATION_SHARE, 1 - HOLDOUT_SHARE
    parts = Split(
        train=_part(whole, ranks < validation),
        validation=_part(whole, (ranks >= validation) & (ranks < holdout)),
        holdout=_part(whole, ranks >= holdout),
    )
    if not (len(parts.validation) and len(parts.holdout)):
        raise ProjectError(
            f"too many rows have the same {' and '.join(contract.time_order)}: they cannot be split"
            " by time. Take its role away in config/contract.toml, and they are split by a hash"
        )
    return parts


def _part(whole: Part, chosen: NDArray[np.bool_]) -> Part:
    inputs = {name: values[chosen] for name, values in whole.inputs.items()}
    return Part(inputs, whole.actual[chosen])


def actual(outcomes: Iterable[object], contract: Contract) -> NDArray[np.float64]:
    """Turn outcomes, or their texts, into class indices or into plain numbers."""
    if contract.classes:
        index = {name: float(place) for place, name in enumerate(contract.classes)}
        outcomes = [index[str(name)] for name in outcomes]
    return np.asarray(outcomes, dtype=np.float64)
