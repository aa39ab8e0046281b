"""Excel workbooks, read by calamine: the rows of a sheet below its header, as texts."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
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

from ..errors import ProjectError
from ..settings import Settings
from ..sql import quote
from ..table_file import TableFileError, matching_files, unique_names
from .loaded import Loaded

Cell = int | float | str | bool | time | date | datetime | timedelta

BATCH_ROWS = 20_000
HEAD_ROWS = 100
"""The header is among these."""
EXACT_INTEGER = 2**53


def configured(settings: Settings) -> bool:
    """Tell whether a path is set."""
    return bool(settings.excel.path)


def load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, table: str, bookmark: str | None
) -> Loaded:
    """Write the rows of the workbooks into `table`, in the order of the files.

    Every column is text, as in a CSV file: a sheet promises no type, and numbers are often typed as
    text. Formulas come as their last results, errors such as #N/A as missing. A sheet is always
    read whole.

    Raises:
        ProjectError: a file is missing, is no workbook or has no table; the text says which.

    """
    del bookmark
    try:
        files = _workbooks(str(settings.root / settings.excel.path))
        tables = [_read(file, settings.excel.sheet) for file in files]
        for file, rows in zip(files, tables, strict=True):
            _compare(files[0], tables[0].column_names, file, rows.column_names)
        names = tables[0].column_names
        connection.register("source_rows", pa.concat_tables(rows.select(names) for rows in tables))
    except TableFileError as error:
        raise ProjectError(f"{error} (excel in config/sources.toml)") from None
    connection.execute(f"CREATE OR REPLACE TABLE {quote(table)} AS FROM source_rows")
    connection.unregister("source_rows")
    return Loaded()


def _workbooks(path: str) -> list[Path]:
    # Excel keeps such a file beside each workbook that somebody has open.
    files = [file for file in matching_files(path) if not file.name.startswith("~$")]
    if not files:
        raise TableFileError(f"{path}: there is no such file.")
    return files


def _read(file: Path, sheet: str) -> pa.Table:
    try:
        with CalamineWorkbook.from_path(file) as workbook:
            return _table(file, _sheet(file, workbook, sheet))
    except PasswordError:
        raise TableFileError(f"{file}: asks for a password; save it without one.") from None
    except CalamineError as error:
        reason = str(error).partition("\n")[0]
        raise TableFileError(f"{file}: can't be read as an Excel workbook: {reason}.") from None


def _sheet(file: Path, workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    wanted = name or next(iter(visible), "")
    if wanted not in {sheet.name for sheet in sheets}:
        raise TableFileError(f"{file}: has no sheet {wanted!r}; it has {', '.join(visible)}.")
    return workbook.get_sheet_by_name(wanted)


def _table(file: Path, sheet: CalamineSheet) -> pa.Table:
    rows = ([_text(cell) for cell in row] for row in sheet.iter_rows())
    rows = (row for row in rows if any(row))
    head = list(islice(rows, HEAD_ROWS))
    position = _header_position(head)
    if position is None or len(head) == position + 1:
        raise TableFileError(f"{file}: sheet {sheet.name} has no rows below a row of column names.")
    header = head[position]
    if all(name is None or _is_number(name) for name in header):
        raise TableFileError(
            f"{file}: sheet {sheet.name}: the first row must name the columns, but holds values."
        )
    names = [" ".join((name or "").split()) for name in header]
    batches = list(_batches(chain(head[position + 1 :], rows), unique_names(tuple(names))))
    table = pa.Table.from_batches(batches)
    empty = [
        column
        for name, column in zip(names, table.column_names, strict=True)
        if not name and table[column].null_count == len(table)
    ]
    return table.drop_columns(empty)


def _header_position(head: Sequence[list[str | None]]) -> int | None:
    """Find the first row that fills more than half of the columns: titles fill fewer."""
    width = sum(any(column) for column in zip(*head, strict=True))
    filled = (sum(cell is not None for cell in row) for row in head)
    return next((place for place, count in enumerate(filled) if count * 2 > width), None)


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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _compare(first: Path, wanted: list[str], file: Path, found: list[str]) -> None:
    """Refuse files that do not have the same columns, in whatever order."""
    differences = [f"without {name}" for name in wanted if name not in found]
    differences += [f"with {name}" for name in found if name not in wanted]
    if differences:
        raise TableFileError(f"{file}: has other columns than {first}: {', '.join(differences)}.")
