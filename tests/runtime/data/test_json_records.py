"""Records of JSON become rows, whatever is nested in them."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from fourhats_runtime.data.sources import json_records


def written(
    records: list[dict[str, Any]], known: dict[str, str] | None = None
) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Give the columns, and the rows."""
    with duckdb.connect() as connection:
        columns = json_records.write(connection, "rows", records, known or {})
        return columns, connection.execute("FROM rows").fetchall()


def test_objects_become_columns_and_lists_their_text() -> None:
    record = {"a": {"b": {"c": 1}, "d": "x"}, "e": [1, {"f": "Ł"}], "g": True}
    columns, rows = written([record])
    assert columns == {"a.b.c": "BIGINT", "a.d": "VARCHAR", "e": "VARCHAR", "g": "BOOLEAN"}
    assert rows == [(1, "x", '[1, {"f": "Ł"}]', True)]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], "BIGINT", [1, None]),
        ([None, 1], "BIGINT", [None, 1]),
        ([1, 2.5], "DOUBLE", [1.0, 2.5]),
        ([2.5, 1], "DOUBLE", [2.5, 1.0]),
        ([1, "x"], "VARCHAR", ["1", "x"]),
        ([True, 1], "VARCHAR", ["true", "1"]),
        ([None, None], "VARCHAR", [None, None]),
        ([2**63 - 1, -(2**63)], "BIGINT", [2**63 - 1, -(2**63)]),
        ([2**63], "VARCHAR", [str(2**63)]),
        ([-(2**63) - 1, 1], "VARCHAR", [str(-(2**63) - 1), "1"]),
    ],
)
def test_a_column_is_as_wide_as_its_values(
    values: list[Any], kind: str, expected: list[Any]
) -> None:
    columns, rows = written([{"x": value} for value in values])
    assert columns == {"x": kind}
    assert [value for (value,) in rows] == expected


def test_known_columns_stay_and_widen() -> None:
    columns, rows = written([{"x": 1.5}, {"z": "new"}], {"x": "BIGINT", "y": "VARCHAR"})
    assert columns == {"x": "DOUBLE", "y": "VARCHAR", "z": "VARCHAR"}
    assert rows == [(1.5, None, None), (None, None, "new")]
