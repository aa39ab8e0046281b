"""Open a table that somebody handed over: CSV in any common dialect, or Parquet."""

import codecs
import csv
import glob
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

MISSING_TOKENS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""What writers of CSV mean by "no value", once blanks around it are gone."""

DELIMITERS = (",", ";", "\t", "|")
HEAD = 256 * 1024
CHUNK = 1024 * 1024

# What a file that is no table starts with, and what to do about it.
SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"PK\x03\x04", "an Excel workbook or a zip archive: save its table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save its table as CSV"),
    (b"\x1f\x8b", "compressed: unpack it first"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
)


class TableFileError(ValueError):
    """The file can't be read as a table; the message says why, for the person who gave it."""


def open_file(connection: duckdb.DuckDBPyConnection, path: str) -> duckdb.DuckDBPyRelation:
    """Open a file, or all files of a glob, as one relation: see `open_files`.

    Raises:
        TableFileError: with one line saying what is wrong and where.

    """
    return open_files(connection, matching_files(path), path)


def open_files(
    connection: duckdb.DuckDBPyConnection, files: list[Path], path: str = ""
) -> duckdb.DuckDBPyRelation:
    """Open files as one relation; `path` is what the person called them.

    CSV (delimiter `, ; tab |`; UTF-8 or Latin-1; with a header) comes with every column as text,
    Parquet with its own types. A CSV is read through once here, so that a broken line is found
    now, with its number, and not in the middle of a later step.

    Raises:
        TableFileError: with one line saying what is wrong and where.

    """
    path = path or str(files[0])
    kinds = {_is_parquet(file) for file in files}
    if len(kinds) > 1:
        raise TableFileError(f"{path}: holds both Parquet and CSV files; name one kind.")
    try:
        relation = _open_parquet(connection, files) if kinds.pop() else _open_csv(connection, files)
        rows = relation.aggregate("count(*)").fetchall()[0][0]
    except duckdb.Error as error:
        raise TableFileError(f"{path}: {explained(error)}") from error
    if rows == 0:
        raise TableFileError(f"{path}: has column names but no rows.")
    return relation


def quote(identifier: str) -> str:
    """Quote a column name for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def present(text: str) -> str:
    """Give SQL for a text without the blanks around it, NULL where it means "no value"."""
    tokens = ", ".join(map(literal, MISSING_TOKENS))
    return f"CASE WHEN trim({text}) NOT IN ({tokens}) THEN trim({text}) END"


def explained(error: Exception) -> str:
    """One line for a person out of DuckDB's page of advice."""
    message = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"line {line[1]}" if line else "the file"
    fields = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if fields:
        return f"{where} has {fields[2]} fields where the header names {fields[1]} columns."
    if "unterminated quote" in message:
        return f"{where} opens a quote that is not closed."
    if "Maximum line size" in message:
        return f"{where} is longer than 2 MB; is a quote not closed?"
    if "invalid state" in message:
        return "its lines can't be told apart: a quote is not closed, or line ends are mixed."
    first = message.strip().partition("\n")[0]
    return "can't be read: " + re.sub(r"^[\w ]+ Error: ", "", first)


def matching_files(path: str) -> list[Path]:
    """Give all files that a path or glob names, each known to be readable and not empty.

    Raises:
        TableFileError: with one line saying what is wrong and where.

    """
    if Path(path).exists():
        files = [Path(path)]
    else:
        files = [Path(found) for found in sorted(glob.glob(path, recursive=True))]  # noqa: PTH207
        files = [file for file in files if file.is_file()]
    if not files:
        raise TableFileError(f"{path}: there is no such file.")
    for file in files:
        if file.is_dir():
            raise TableFileError(f"{file}: is a folder; name a file in it, or {file}/*.csv.")
        if not file.is_file():
            raise TableFileError(f"{file}: is not a regular file.")
        try:
            head = _head(file)
        except OSError as error:
            raise TableFileError(f"{file}: can't be read: {error.strerror}.") from error
        if not head.strip():
            raise TableFileError(f"{file}: is empty.")
    return files


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD)


def _is_parquet(file: Path) -> bool:
    head = _head(file)
    if head.startswith(b"PAR1"):
        return True
    for signature, meaning in SIGNATURES:
        if head.startswith(signature):
            raise TableFileError(f"{file}: is no table but {meaning}.")
    if b"\0" in head:
        raise TableFileError(f"{file}: is no table but binary data.")
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith((b"{", b"[")):
        raise TableFileError(f"{file}: is no table but JSON; write it as CSV or Parquet.")
    if text.startswith(b"<"):
        raise TableFileError(f"{file}: is no table but HTML or XML.")
    return False


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, files: list[Path]
) -> duckdb.DuckDBPyRelation:
    names = ", ".join(literal(str(file)) for file in files)
    return connection.sql(f"SELECT * FROM read_parquet([{names}], union_by_name = true)")


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    header: tuple[str, ...]


def _open_csv(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> duckdb.DuckDBPyRelation:
    utf8 = [_is_utf8(file) for file in files]
    dialects = [_dialect(file, utf8=plain) for file, plain in zip(files, utf8, strict=True)]
    for file, dialect in zip(files, dialects, strict=True):
        if dialect != dialects[0]:
            raise TableFileError(f"{file}: has other columns or another delimiter than {files[0]}.")
    if all(utf8):
        return connection.sql(_csv_sql(files, dialects[0]))
    # DuckDB knows Latin-1 only without the euro sign and curly quotes that Windows adds to it.
    with TemporaryDirectory() as folder:
        copies = [
            file if plain else _in_utf8(file, Path(folder) / str(position))
            for position, (file, plain) in enumerate(zip(files, utf8, strict=True))
        ]
        table = quote(f"table_file {files[0]}")
        sql = _csv_sql(copies, dialects[0])
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")
    return connection.sql(f"FROM {table}")


def _csv_sql(files: list[Path], dialect: _Dialect) -> str:
    names = ", ".join(literal(str(file)) for file in files)
    schema = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in unique_names(dialect.header))
    # Nothing is left to detection: DuckDB's sniffer takes ragged lines for a one-column table.
    return (
        f"SELECT * FROM read_csv([{names}], columns = {{{schema}}}, header = true,"
        f" delim = {literal(dialect.delimiter)}, quote = '\"', escape = '\"', auto_detect = false)"
    )


def _in_utf8(file: Path, copy: Path) -> Path:
    with file.open("rb") as stream, copy.open("wb") as written:
        while chunk := stream.read(CHUNK):
            written.write(chunk.decode("cp1252", errors="replace").encode())
    return copy


def _dialect(file: Path, *, utf8: bool) -> _Dialect:
    head = _head(file).removeprefix(codecs.BOM_UTF8)
    lines = head.decode("utf-8" if utf8 else "cp1252", errors="replace").splitlines(keepends=True)
    best = max(
        (_parsed(file, lines, delimiter) for delimiter in DELIMITERS),
        key=lambda found: (found[0], len(found[1].header)),
    )[1]
    if len(best.header) == 1:
        raise TableFileError(
            f"{file}: is no table: no comma, semicolon, tab or | splits its lines."
        )
    if all(re.fullmatch(r"\s*(-?[\d.,]+)?\s*", name) for name in best.header):
        raise TableFileError(f"{file}: the first line must name the columns, but holds values.")
    return best


def _parsed(file: Path, lines: list[str], delimiter: str) -> tuple[float, _Dialect]:
    """How far the lines agree with the header in their number of fields, 0 for a single column."""
    try:
        records = [record for record in csv.reader(lines, delimiter=delimiter) if record]
    except csv.Error as error:
        raise TableFileError(f"{file}: is no table: {error}.") from error
    header = tuple(name.strip() for name in records[0]) if records else ("",)
    agreeing = sum(len(record) == len(header) for record in records)
    share = agreeing / len(records) if len(header) > 1 else 0.0
    return round(share, 1), _Dialect(delimiter, header)


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def unique_names(header: tuple[str, ...]) -> list[str]:
    """Name the nameless, and tell apart names that SQL holds to be the same."""
    columns: list[str] = []
    taken = {name.lower() for name in header}
    seen: set[str] = set()
    for position, original in enumerate(header, start=1):
        name = original or f"column_{position}"
        number_ = 2
        while name.lower() in seen or (name != original and name.lower() in taken):
            name = f"{original or 'column'}_{number_}"
            number_ += 1
        seen.add(name.lower())
        columns.append(name)
    return columns
