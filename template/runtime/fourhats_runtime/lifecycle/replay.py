"""Two models decide once more on the same rows, whose outcomes are known.

Only what a model takes in decides whether they can: the names and the types of its columns. What
else a contract says of them (a note, limits, which are personal data) changes no prediction.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import Groups
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.lifecycle.registered import Model

Rows = Mapping[str, Sequence[object]]
"""The values of each column, None where one is missing."""


class NotComparableError(ProjectError):
    """No row tells which of two models earns more; the text says why."""


def replay(  # noqa: PLR0913 (two models, and rows with what they are and what came)
    challenger: Model,
    incumbent: Model,
    rows: Rows,
    actual: NDArray[np.float64],
    contract: Contract,
    *,
    error_rate: float,
    groups: Groups | None = None,
) -> Comparison:
    """Compare two models by what they earn on the rows that both can take.

    `rows` are as `contract` describes them; `actual`, of shape (rows,), is the index of the class
    or the number that came. Rows of one of `groups` are one draw.

    Raises:
        NotComparableError: they predict different things, or there is no row that both can take.

    """
    for question in ("name", "categories"):
        if getattr(challenger.contract.target, question) != getattr(
            incumbent.contract.target, question
        ):
            raise NotComparableError(_apart(challenger, incumbent, "predict different things"))
    if challenger.contract.positive != incumbent.contract.positive:
        raise NotComparableError(_apart(challenger, incumbent, "act on different classes"))
    taken = np.ones(len(actual), dtype=bool)
    for model in (challenger, incumbent):
        taken &= _taken(model, rows, contract, len(actual))
    if not taken.any():
        raise NotComparableError(_apart(challenger, incumbent, "have no row that both can take"))
    places = np.flatnonzero(taken).tolist()
    shared = {name: [values[place] for place in places] for name, values in rows.items()}
    earned = (
        model.rule.realised(model.predict(shared), actual[taken])
        for model in (challenger, incumbent)
    )
    return compare(
        *earned,
        stake=challenger.rule.stake,
        error_rate=error_rate,
        groups=None if groups is None else groups[taken],
    )


def _apart(challenger: Model, incumbent: Model, why: str) -> str:
    return f"{challenger.version} and {incumbent.version} {why}"


def _taken(model: Model, rows: Rows, contract: Contract, count: int) -> NDArray[np.bool_]:
    """Tell which rows a model can take: all, unless a column is of another type by now."""
    today = {column.name: column for column in contract.columns}
    taken = np.ones(count, dtype=bool)
    for column in model.contract.features:
        if column.name not in rows:
            raise NotComparableError(f"{model.version} takes {column.name!r}, which is gone")
        if _kind(today[column.name]) != _kind(column):
            taken &= [_fits(value, column) for value in rows[column.name]]
    return taken


def _kind(column: Column) -> str:
    """Name what a column's values are to a model: of two types of numbers it takes either."""
    return "number" if column.is_number else "moment" if column.is_time else "text"


def _fits(value: Any, column: Column) -> bool:  # noqa: ANN401 (whatever the table holds)
    """Tell whether a value of another type can stand for one of the column's own."""
    if value is None:
        return True
    with suppress(TypeError, ValueError):
        if column.is_number:
            return math.isfinite(float(value))
        if column.is_time:
            return bool(datetime.fromisoformat(value))
        return isinstance(value, str)
    return False
