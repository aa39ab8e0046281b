"""Frames: rows as training, monitoring and the notebooks are handed them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import duckdb
import pandas as pd
from numpy.typing import NDArray

Frame: TypeAlias = pd.DataFrame


def from_relation(rows: duckdb.DuckDBPyRelation) -> Frame:
    """Take over rows from DuckDB."""
    taken: Frame = rows.df()
    return taken


def from_arrays(columns: Mapping[str, NDArray[Any]]) -> Frame:
    """Make a frame of arrays of shape (rows,)."""
    made: Frame = pd.DataFrame(columns)
    return made


def columns_of(rows: Frame) -> dict[str, list[Any]]:
    """Give the values of each column, None where one is missing."""
    whole = rows.astype(object)
    known = whole.where(whole.notna(), None)
    return {name: known[name].tolist() for name in known.columns}
