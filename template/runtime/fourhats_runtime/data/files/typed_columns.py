"""Columns that come with types, such as Parquet's: as the steps behind know them."""

from collections.abc import Iterator
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from fourhats_runtime.data.sql import literal, quote

MOMENTS = {
    "timestamp_s": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP",
    "timestamptz_ns": "TIMESTAMPTZ",
}
"""What libraries write in place of microseconds; not every cast knows them."""
CLOCKS = {"time", "time_ns", "time with time zone"}


def in_known_types(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Give the same rows: moments in microseconds, times of the day as texts, structs as columns.

    A field of a struct is called by dotted names, as nested records are.
    """
    columns = [*_columns(relation)]
    told_apart = len({name.lower() for name, _ in columns}) == len(columns)
    if not told_apart or all(value == quote(name) for name, value in columns):
        return relation
    return relation.project(", ".join(f"{value} AS {quote(name)}" for name, value in columns))


def _columns(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, str]]:
    for name, kind in zip(relation.columns, relation.types, strict=True):
        yield from _fields(name, quote(name), kind)


def _fields(name: str, value: str, kind: DuckDBPyType) -> Iterator[tuple[str, str]]:
    if kind.id == "struct":
        for field, inner in kind.children:
            part = f"struct_extract({value}, {literal(field)})"
            yield from _fields(f"{name}.{field}", part, cast("DuckDBPyType", inner))
    elif kind.id in MOMENTS:
        yield name, f"CAST({value} AS {MOMENTS[kind.id]})"
    elif kind.id in CLOCKS:
        yield name, f"CAST({value} AS VARCHAR)"
    else:
        yield name, value
