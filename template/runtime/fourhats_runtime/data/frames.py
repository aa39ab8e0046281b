"""Frames: rows as estimators and notebooks are handed them, by the library that was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    from numpy.typing import NDArray

    Frame: TypeAlias = pl.DataFrame | pd.DataFrame


def from_relation(rows: duckdb.DuckDBPyRelation, dataframe: str) -> Frame:
    """Take over rows from DuckDB; `dataframe` is "polars" or "pandas"."""
    made: Frame = rows.pl() if dataframe == "polars" else rows.df()
    return made


def from_arrays(columns: Mapping[str, NDArray[Any]], dataframe: str) -> Frame:
    """Make a frame of arrays of shape (rows,); `dataframe` is "polars" or "pandas"."""
    if dataframe == "polars":
        import polars as pl  # noqa: PLC0415 (one of the two is installed)

        return pl.DataFrame(columns)
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(columns)
