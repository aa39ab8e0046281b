"""Excel workbooks, read by calamine: the rows of a sheet below its header, as texts."""

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path

import duckdb
import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from fourhats_runtime.data.files.csv_rows import ROUNDING
from fourhats_runtime.data.files.evidence import (
    as_number,
    header_position,
    holds_values,
    is_footnote,
    is_total,
    names_groups,
)
from fourhats_runtime.data.files.names import one_line, unique_names
from fourhats_runtime.data.files.reading import Reading, TableFileError
from fourhats_runtime.data.files.together import different_columns
from fourhats_runtime.data.sources.kinds import Excel
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.table_file import matching_files
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

Cell = int | float | str | bool | time | date | datetime | timedelta

BATCH_ROWS = 20_000
HEAD_ROWS = 100
"""The header is among these."""
LAST_ROWS = 100
"""A total, and notes, are among these."""
EXACT_INTEGER = 2**53


def load(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    source: Excel,
    table: str,
) -> Loaded:
    """Write the rows of the workbooks into `table`, in the order of files and sheets.

    Where no sheet is named these are all that have the columns of the first one. Every column is
    text, as in a CSV file: a sheet promises no type, and numbers are often typed as text. Formulas
    come as their last results, errors such as #N/A as missing. A sheet is always read whole.

    Raises:
        ProjectError: a file is missing, is no workbook or has no table; the text says which.

    """
    chosen = source.section(project)
    try:
        files = _workbooks(str(project.folder / chosen.path))
        said: list[str] = []
        reading = Reading(chosen.columns, chosen.header)
        tables = [_read(file, chosen.sheet, reading, said) for file in files]
        columns = [rows.column_names for rows in tables]
        said += different_columns(list(zip(files, columns, strict=True)))
        rows = pa.concat_tables(tables, promote_options="default")
        connection.register("source_rows", rows)
    except TableFileError as error:
        raise ProjectError(f"{error} ({source.name} in config/sources.toml)") from None
    connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
    connection.unregister("source_rows")
    return Loaded(said=tuple(said))


def _workbooks(path: str) -> list[Path]:
    # Excel keeps such a file beside each workbook that somebody has open.
    files = [file for file in matching_files(path) if not file.name.startswith("~$")]
    if not files:
        raise TableFileError(f"{path}: there is no such file.")
    return files


def _read(file: Path, sheet: str, reading: Reading, said: list[str]) -> pa.Table:
    try:
        with CalamineWorkbook.from_path(file) as workbook:
            return _joined(file, workbook, _sheets(file, workbook, sheet), reading, said)
    except PasswordError:
        raise TableFileError(f"{file}: asks for a password; save it without one.") from None
    except CalamineError as error:
        with file.open("rb") as stream:
            start = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        if start.startswith(b"<"):
            raise TableFileError(
                f"{file}: is no workbook but HTML or XML: open it, and save it as .xlsx."
            ) from None
        reason = str(error).partition("\n")[0]
        raise TableFileError(f"{file}: can't be read as an Excel workbook: {reason}.") from None


def _sheets(file: Path, workbook: CalamineWorkbook, name: str) -> list[str]:
    """Give the named sheet, or all that can be seen."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if not visible or (name and name not in {sheet.name for sheet in sheets}):
        raise TableFileError(f"{file}: has no sheet {name!r}; it has {', '.join(visible)}.")
    return [name] if name else visible


def _joined(
    file: Path, workbook: CalamineWorkbook, names: list[str], reading: Reading, said: list[str]
) -> pa.Table:
    """Put the sheets together that have the columns of the first one with a table."""
    together: dict[str, pa.Table] = {}
    others, problem = [], None
    for name in names:
        about_it: list[str] = []
        try:
            rows = _table(file, workbook.get_sheet_by_name(name), reading, about_it)
        except TableFileError as error:
            problem = problem or error
            others.append(name)
            continue
        first = next(iter(together.values()), rows)
        if set(rows.column_names) != set(first.column_names):
            others.append(name)
            continue
        together[name] = rows
        said += about_it
    if not together:
        raise problem or TableFileError(f"{file}: has no sheet.")
    if len(together) > 1:
        said.append(
            f"{file.name}: the sheets {', '.join(together)} have the same columns and are read "
            "together; --sheet NAME reads one"
        )
    if others:
        said.append(
            f"{file.name}: not read, since they have other columns or no table: "
            f"{', '.join(others)}; --sheet NAME reads one"
        )
    return pa.concat_tables(together.values(), promote_options="default")


def _table(file: Path, sheet: CalamineSheet, reading: Reading, said: list[str]) -> pa.Table:
    where = f"{file}: sheet {sheet.name}"
    rows = ([_text(cell) for cell in row] for row in sheet.iter_rows())
    rows = (row for row in rows if any(row))
    head = list(islice(rows, HEAD_ROWS))
    width = sum(any(column) for column in zip(*head, strict=True))
    position = header_position(head, width, len(head[0]) if head else 0)
    below = 1 if reading.named_by_the_file else 0
    if position is None or len(head) < position + below + 1:
        raise TableFileError(f"{where} has no rows below a row of column names.")
    if below and names_groups(head[position], head[position + 1], head[position + 2 :]):
        position += 1
    header = head[position]
    if not reading.named_by_the_file:
        header = list(reading.names(len(header), where))
    elif holds_values(header, head[position + 1 :]):
        raise TableFileError(
            f"{where}: its first row holds values, not the names of its {width} columns: name them "
            "with --columns a,b,c (in a project: columns in config/sources.toml), or say "
            "--no-header (header = false)."
        )
    names = [one_line(name or "") for name in header]
    batches = list(_batches(chain(head[position + below :], rows), unique_names(names)))
    table = _above_the_end(pa.Table.from_batches(batches), f"{file.name}: sheet {sheet.name}", said)
    if position:
        said.append(
            f"{file.name}: sheet {sheet.name}: {position} "
            f"{'row' if position == 1 else 'rows'} above the column names left out"
        )
    empty = [
        column
        for name, column in zip(names, table.column_names, strict=True)
        if not name and table[column].null_count == len(table)
    ]
    return table.drop_columns(empty)


def _above_the_end(table: pa.Table, where: str, said: list[str]) -> pa.Table:
    """Leave out notes and a total below the rows."""
    last = table.slice(max(0, len(table) - LAST_ROWS)).to_pylist()
    rows = [list(row.values()) for row in last]
    notes = totals = 0
    while rows:
        *others, row = rows
        above = table.slice(0, len(table) - notes - totals - 1)
        if is_footnote(row[0] or "", row, table.num_columns):
            notes += 1
        elif is_total(row, others, partial(_sums_up, above, row)):
            totals += 1
        else:
            break
        rows = others
    if notes:
        said.append(f"{where}: {notes} {'row' if notes == 1 else 'rows'} of notes left out")
    if totals:
        said.append(f"{where}: the last row is a total of the others and was left out")
    return table.slice(0, len(table) - notes - totals)


def _sums_up(table: pa.Table, row: list[str | None]) -> bool:
    """Tell whether a number of the row is the sum of its column."""
    for cell, column in zip(row, table.columns, strict=True):
        total = as_number(cell or "")
        if total:
            numbers = (as_number(value.as_py() or "") for value in column)
            if math.isclose(sum(filter(None, numbers)), total, rel_tol=ROUNDING):
                return True
    return False


def _batches(rows: Iterator[list[str | None]], names: list[str]) -> Iterator[pa.RecordBatch]:
    while batch := list(islice(rows, BATCH_ROWS)):
        arrays = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
        yield pa.record_batch(arrays, names)


def _text(cell: Cell) -> str | None:
    """Write a cell as a CSV file would have it; None where it is empty or an error."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= EXACT_INTEGER:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(cell)
