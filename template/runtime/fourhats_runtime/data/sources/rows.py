"""Rows that a function of a project's own gives, whatever it keeps them in."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.sources.kinds import Rows
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

PANDAS_INDEX = "__index_level_"
"""What Arrow calls the number of a row of pandas', which is no column."""


def load(
    connection: duckdb.DuckDBPyConnection, project: Project, source: Rows, table: str
) -> Loaded:
    """Write what the function gives into `table`.

    A mapping that leaves a column out has no value there; a column that mixes types is text.

    Raises:
        ProjectError: it gives no rows, or what is no table; the text names the source.

    """
    given = source.function(project) if _takes_project(source) else source.function()
    try:
        rows = _arrow(given)
        columns = ", ".join(filter(None, map(_selected, rows.schema)))
        _refuse_twice(rows.schema.names)
        connection.register("source_rows", rows)
        connection.execute(
            f"CREATE OR REPLACE TABLE {quote(table)} AS SELECT {columns or 1} FROM source_rows"
        )
        connection.unregister("source_rows")
    except (duckdb.Error, pa.ArrowException, ProjectError) as error:
        raise ProjectError(f"{source.name}: what its function gives: {reason(error)}") from None
    if not connection.execute(f"SELECT 1 FROM {quote(table)} LIMIT 1").fetchall():
        raise ProjectError(f"{source.name}: what its function gives: it has no rows")
    return Loaded()


def _takes_project(source: Rows) -> bool:
    parameters = inspect.signature(source.function).parameters.values()
    wanted = [each for each in parameters if each.default is each.empty]
    return any(each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in wanted)


def _arrow(given: Any) -> pa.RecordBatchReader | pa.Table:  # noqa: ANN401 (whatever it gives)
    """Put what the function gave into Arrow's words, batch by batch where it can be."""
    if hasattr(given, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(given)
    if hasattr(given, "__arrow_c_array__"):
        return pa.table(given)
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ProjectError(
            f"it is of the type {type(given).__name__}, and has to be mappings of names to values, "
            "a table of Arrow's, a frame, or a relation of DuckDB's"
        )
    rows = list(given)
    if not rows:
        raise ProjectError("it has no rows")
    return _table(rows)


def _table(rows: list[Any]) -> pa.Table:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise ProjectError(f"row {number} is of the type {type(row).__name__}, and no mapping")
    names = dict.fromkeys(name for row in rows for name in row)
    if strange := [name for name in names if not isinstance(name, str)]:
        raise ProjectError(f"a column is called {strange[0]!r}, which is no text")
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _refuse_twice(names: list[str]) -> None:
    lower = [name.lower() for name in names]
    if twice := [name for name in names if lower.count(name.lower()) > 1]:
        raise ProjectError(f"it has more than one column {twice[0]}, in small or capital letters")


def _selected(field: pa.Field) -> str:
    """Give the SQL of a column, as a type that the contract's are made of."""
    if field.name.startswith(PANDAS_INDEX):
        return ""
    name = quote(field.name)
    if pa.types.is_dictionary(field.type) or pa.types.is_null(field.type):
        return f"CAST({name} AS VARCHAR) AS {name}"
    if pa.types.is_timestamp(field.type) and field.type.tz:
        return f"timezone('UTC', {name}) AS {name}"
    return name
