"""Moments as what a model can learn from: their parts, and the days between two of a row."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.contract import Column, Contract

Moments = NDArray[np.datetime64]
CYCLIC = frozenset({"month", "weekday", "hour"})
"""Parts of which the last is followed by the first, so that no straight line fits them."""


def with_parts(contract: Contract) -> list[Column]:
    """Give the features whose parts a model is given."""
    return [column for column in contract.features if column.parts]


def part_names(contract: Contract) -> frozenset[str]:
    """Give the names of the inputs that are parts of moments."""
    return frozenset(
        _name(column, part) for column in with_parts(contract) for part in column.parts
    )


def seasons(contract: Contract) -> frozenset[str]:
    """Give the names of the inputs that tell where in a year, a week or a day a moment is."""
    return frozenset(
        _name(column, part)
        for column in with_parts(contract)
        for part in column.parts
        if part in CYCLIC
    )


def made_of(row: Mapping[str, NDArray[Any]], contract: Contract) -> dict[str, NDArray[np.float64]]:
    """Give the parts of the moments of rows, and the days from each to each other, shape (rows,).

    NaN where a moment is missing. Weekdays count from 0 for Monday, all else as calendars do. On a
    holiday its part is 1, on another day 0, and NaN in years of which no holiday is listed.
    """
    columns = with_parts(contract)
    holidays = np.array(contract.holidays, dtype="datetime64[D]")
    made = {
        _name(column, part): _holiday(row[column.name], holidays)
        if part == "holiday"
        else _part(row[column.name], part)
        for column in columns
        for part in column.parts
    }
    for one, two in combinations(columns, 2):
        days = (row[two.name] - row[one.name]) / np.timedelta64(1, "D")
        made[f"{one.name}_to_{two.name}_days"] = np.asarray(days, dtype=np.float64)
    return made


def weekday(moments: Moments) -> NDArray[np.float64]:
    """Give the day of the week of each moment, shape (rows,): 0 is Monday, NaN where missing."""
    return _part(moments, "weekday")


def _name(column: Column, part: str) -> str:
    return f"{column.name}_{part}"


def _holiday(moments: Moments, holidays: Moments) -> NDArray[np.float64]:
    known = np.isin(moments.astype("datetime64[Y]"), holidays.astype("datetime64[Y]"))
    return np.where(known, np.isin(moments.astype("datetime64[D]"), holidays), np.nan)


def _part(moments: Moments, part: str) -> NDArray[np.float64]:
    days = moments.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    match part:
        case "year":
            counted = moments.astype("datetime64[Y]").astype(np.int64) + 1970
        case "month":
            counted = months.astype(np.int64) % 12 + 1
        case "day":
            counted = (days - months).astype(np.int64) + 1
        case "weekday":
            counted = (days.astype(np.int64) + 3) % 7  # 1970 began on a Thursday
        case _:
            counted = (moments.astype("datetime64[h]") - days).astype(np.int64)
    return np.where(np.isnat(moments), np.nan, counted)
