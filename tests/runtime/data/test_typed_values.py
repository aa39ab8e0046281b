"""Typed values are the same, whatever type the source gives them in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import pytest
from fourhats_runtime.contract import Column
from fourhats_runtime.data.sql import Part, literal, one_below_the_other, quote
from fourhats_runtime.data.typed_values import typed
from fourhats_runtime.data.warehouse import columns, one_row, scratch

if TYPE_CHECKING:
    from fourhats_runtime import Project

Kind = Literal["integer", "number", "boolean", "category", "datetime", "text"]
MOMENT = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 (the warehouse's are in UTC)
DAY = datetime(2026, 1, 2)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("given", "kind", "value"),
    [
        ("7::TINYINT", "integer", 7),
        ("7::INTEGER", "number", 7.0),
        ("7::BIGINT", "text", "7"),
        ("1::SMALLINT", "boolean", True),
        ("0::UBIGINT", "boolean", False),
        ("2::INTEGER", "boolean", None),
        ("(9223372036854775807::HUGEINT + 1)", "integer", None),
        ("7::HUGEINT", "integer", 7),
        ("1.0::DOUBLE", "integer", 1),
        ("1.5::DOUBLE", "integer", None),
        ("1e15::DOUBLE", "integer", None),
        ("1e14::DOUBLE", "integer", 10**14),
        ("1.5::FLOAT", "number", 1.5),
        ("'nan'::DOUBLE", "number", None),
        ("2.0::DOUBLE", "text", "2.0"),
        ("2.5::DOUBLE", "category", "2.5"),
        ("1.0::DOUBLE", "boolean", True),
        ("1.25::DECIMAL(9, 2)", "number", 1.25),
        ("1.00::DECIMAL(9, 2)", "integer", 1),
        ("1.25::DECIMAL(9, 2)", "integer", None),
        ("TRUE", "boolean", True),
        ("FALSE", "integer", 0),
        ("TRUE", "number", 1.0),
        ("FALSE", "text", "false"),
        ("DATE '2026-01-02'", "datetime", DAY),
        ("TIMESTAMP '2026-01-02 03:04:00'", "datetime", MOMENT),
        ("DATE '2026-01-02'", "integer", None),
        ("7::INTEGER", "datetime", None),
        ("'1.234,5'", "number", None),
        ("' x '", "text", "x"),
        ("' N/A '", "category", None),
        ("'2026-01-02T03:04'", "datetime", MOMENT),
        ("'2026-02-30'", "datetime", None),
        ("'2026'", "datetime", None),
    ],
)
def test_a_value_is_taken_for_what_the_contract_says(
    given: str, kind: Kind, value: object, fresh: Project
) -> None:
    column = Column(name="x", source="X", type=kind, role="target")
    with scratch(fresh) as connection:
        connection.execute(f"CREATE TABLE raw AS SELECT {given} AS {quote('X')}")
        found, _ = typed(column, columns(connection, "raw")["X"])
        assert one_row(connection, f"SELECT {found} FROM raw") == (value,)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("NULL::VARCHAR", True),
        ("''", True),
        ("' ? '", True),
        ("'x'", False),
        ("'nan'::DOUBLE", True),
        ("1.5::DOUBLE", False),
        ("DATE '2026-01-02'", False),
        ("NULL::DATE", True),
    ],
)
def test_what_was_left_empty_is_told_from_what_is_wrong(
    given: str, missing: object, fresh: Project
) -> None:
    column = Column(name="x", source="X", type="integer", role="target")
    with scratch(fresh) as connection:
        connection.execute(f"CREATE TABLE raw AS SELECT {given} AS {quote('X')}")
        _, left_empty = typed(column, columns(connection, "raw")["X"])
        assert one_row(connection, f"SELECT {left_empty} FROM raw") == (missing,)


def test_a_decimal_comma_is_read_where_the_contract_says_so(fresh: Project) -> None:
    column = Column(name="x", source="X", type="number", role="target", written="1.234,5")
    found, _ = typed(column, "VARCHAR")
    with scratch(fresh) as connection:
        connection.execute(f"CREATE TABLE raw AS SELECT {literal('1.234,5')} AS {quote('X')}")
        assert one_row(connection, f"SELECT {found} FROM raw") == (1234.5,)


def test_rows_that_are_to_be_scored_have_no_target() -> None:
    column = Column(name="x", source="X", type="integer", role="target")
    assert typed(column, None) == ("CAST(NULL AS BIGINT)", None)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("INTEGER", "INTEGER", "INTEGER"),
        ("TINYINT", "BIGINT", "BIGINT"),
        ("INTEGER", "DOUBLE", "DOUBLE"),
        ("DECIMAL(9,2)", "BIGINT", "DOUBLE"),
        ("HUGEINT", "INTEGER", "DOUBLE"),
        ("INTEGER", "VARCHAR", "VARCHAR"),
        ("BOOLEAN", "INTEGER", "VARCHAR"),
        ("DATE", "TIMESTAMP", "VARCHAR"),
    ],
)
def test_tables_below_each_other_have_a_type_that_fits_both(
    one: str, other: str, common: str, fresh: Project
) -> None:
    with scratch(fresh) as connection:
        connection.execute(f"CREATE TABLE a AS SELECT CAST(NULL AS {one}) AS X, 1 AS y")
        connection.execute(f"CREATE TABLE b AS SELECT CAST(NULL AS {other}) AS x, 'q' AS z")
        parts = [Part(t, {"_source": literal(t)}, columns(connection, t)) for t in ("a", "b")]
        connection.execute(f"CREATE TABLE c AS {one_below_the_other(parts)}")
        kinds = {"_source": "VARCHAR", "X": common, "y": "INTEGER", "z": "VARCHAR"}
        assert columns(connection, "c") == kinds
        rows = connection.execute("FROM c").fetchall()
    assert rows == [("a", None, 1, None), ("b", None, None, "q")]
