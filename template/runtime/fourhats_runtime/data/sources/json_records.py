"""Records of JSON become rows: a column for each value, whatever it is nested in."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from fourhats_runtime.data.sql import literal, quote

Columns = dict[str, str]
"""The SQL type of each column, by name."""

LARGEST_INTEGER = 2**63


def write(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    records: Iterable[dict[str, Any]],
    known: Columns,
) -> Columns:
    """Write the records into `table`; gives its columns, those already known among them.

    A nested object becomes a column for each of its values (`address.city`), a list its JSON text,
    as does an integer beyond 64 bits. A column that mixes types is text. Where there is no column
    at all, nothing is written.

    Raises:
        duckdb.Error: they are no table, because two columns have the same name.

    """
    columns: dict[str, str | None] = dict(known)
    with TemporaryDirectory() as folder:
        spool = Path(folder) / "records"
        with spool.open("w", encoding="utf-8") as file:
            for record in records:
                row = dict(_flat(record))
                _widen(columns, row)
                file.write(json.dumps(row) + "\n")
        typed = {name: kind or "VARCHAR" for name, kind in columns.items()}
        if typed:
            schema = ", ".join(f"{literal(name)}: '{kind}'" for name, kind in typed.items())
            connection.execute(
                f"CREATE OR REPLACE TABLE {quote(table)} AS FROM read_json("
                f"{literal(str(spool))}, format = 'newline_delimited', columns = {{{schema}}})"
            )
    return typed


def _flat(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        name = prefix + key
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            yield name, json.dumps(value, ensure_ascii=False)
        elif isinstance(value, int) and not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
            yield name, str(value)
        else:
            yield name, value


def _widen(columns: dict[str, str | None], row: dict[str, Any]) -> None:
    """Make the columns' types wide enough for the row's values."""
    types = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", type(None): None}
    for name, value in row.items():
        kind, before = types[type(value)], columns.get(name)
        if before is None or kind is None or kind == before:
            columns[name] = kind or before
        else:
            columns[name] = "DOUBLE" if {kind, before} == {"BIGINT", "DOUBLE"} else "VARCHAR"
