"""Frames: rows as training, monitoring and the notebooks are handed them."""

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
from numpy.typing import NDArray

Frame = pl.DataFrame


def from_relation(rows: duckdb.DuckDBPyRelation) -> Frame:
    """Take over rows from DuckDB."""
    taken: Frame = rows.pl()
    return taken


def from_arrays(columns: Mapping[str, NDArray[Any]]) -> Frame:
    """Make a frame of arrays of shape (rows,)."""
    return pl.DataFrame(columns)


def columns_of(rows: Frame) -> dict[str, list[Any]]:
    """Give the values of each column, None where one is missing."""
    return rows.to_dict(as_series=False)
