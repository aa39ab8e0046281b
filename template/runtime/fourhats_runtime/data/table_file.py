"""Open a table that somebody handed over: CSV as it is published, JSON, Parquet, or Stata's."""

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from fourhats_runtime.data.files.csv_rows import CsvRows
from fourhats_runtime.data.files.json_text import records
from fourhats_runtime.data.files.letters import HEAD, plain_text, wide_encoding
from fourhats_runtime.data.files.names import repeated_names, unique_names
from fourhats_runtime.data.files.packing import is_workbook, unpacked
from fourhats_runtime.data.files.quotes import wrong_quote
from fourhats_runtime.data.files.reading import AS_IT_IS, Reading, TableFileError
from fourhats_runtime.data.files.statistics import program
from fourhats_runtime.data.files.statistics import records as records_of_statistics
from fourhats_runtime.data.files.together import different_columns
from fourhats_runtime.data.files.typed_columns import in_known_types
from fourhats_runtime.data.sources import json_records
from fourhats_runtime.data.sql import literal, quote

__all__ = [
    "OpenedTable",
    "Reading",
    "TableFileError",
    "explained",
    "literal",
    "matching_files",
    "open_file",
    "opened_files",
    "quote",
    "unique_names",
]

# What a file that is no table starts with, and what to do about it.
SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: name it .xls"),
    (b"7z\xbc\xaf\x27\x1c", "an archive: unpack it first"),
    (b"Rar!", "an archive: unpack it first"),
)


@dataclass(frozen=True)
class OpenedTable:
    """Rows, and what was done to get at them."""

    relation: duckdb.DuckDBPyRelation
    notes: tuple[str, ...]
    """Lines left out, columns that differ between files, …: for a person to read."""
    repeated: Mapping[str, list[str]]
    """Names, in small letters, that stand above several columns, with what these are called."""
    copied: bool
    """Its rows are read out of copies, which are there only while the table is open."""


@contextmanager
def opened_files(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    path: str = "",
    reading: Reading = AS_IT_IS,
) -> Iterator[OpenedTable]:
    """Open files as one table; `path` is what the person called them.

    CSV comes with every column as text, the others with their own types; columns are put together
    by name. A CSV is read through once here, so that a broken line is found now, with its
    number, and not in the middle of a later step. What has to be unpacked or put into other letters
    is copied to a temporary folder first; nothing is read into memory.

    Raises:
        TableFileError: with one line saying what is wrong and where.

    """
    path = path or str(files[0])
    with TemporaryDirectory() as folder:
        texts = [
            _text(file, reading.encoding, Path(folder) / str(number))
            for number, file in enumerate(files, start=1)
        ]
        kinds = sorted({text.kind for text in texts})
        if len(kinds) > 1:
            raise TableFileError(
                f"{path}: holds both {kinds[1]} and {kinds[0]} files; name one kind."
            )
        notes = list(chain.from_iterable(text.said for text in texts))
        try:
            if kinds == ["CSV"]:
                parts = [
                    CsvRows.of(connection, (text.file, text.label), reading, text.copy)
                    for text in texts
                ]
                relation, repeated = _of_csv(connection, parts, notes)
            elif not reading.named_by_the_file:
                raise TableFileError(f"{path}: {kinds[0]} names its columns itself.")
            else:
                opener = _of_parquet if kinds == ["Parquet"] else _of_records
                relation, repeated = opener(connection, texts, notes), {}
            relation = _without_empty_columns(relation, path, notes)
        except duckdb.Error as error:
            raise TableFileError(_with_place(error, path, texts)) from error
        copied = any(Path(folder) in text.file.parents for text in texts)
        yield OpenedTable(relation, tuple(notes), repeated, copied)


def open_file(connection: duckdb.DuckDBPyConnection, path: str) -> duckdb.DuckDBPyRelation:
    """Open a file, or all files of a glob, as one relation: see `opened_files`.

    Raises:
        TableFileError: with one line saying what is wrong and where.

    """
    with opened_files(connection, matching_files(path), path) as table:
        if not table.copied:
            return table.relation
        name = quote(f"table_file {path}")
        table.relation.create_view("table_file_rows", replace=True)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM table_file_rows")
    return connection.sql(f"FROM {name}")


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


@dataclass(frozen=True)
class _Text:
    """A file, or the unpacked copy of it in UTF-8, under the name that the person knows."""

    label: Path
    file: Path
    kind: str
    said: list[str]
    copy: Path
    """What the names of its copies start with."""

    def is_read_from(self, path: str) -> bool:
        """Tell whether a path is its own or that of a copy."""
        return path in {str(self.label), str(self.file)} or path.startswith(f"{self.copy}.")


def _text(label: Path, encoding: str, copy: Path) -> _Text:
    head = _head(label)
    if is_workbook(label, head):
        raise TableFileError(
            f"{label}: is a workbook: read it with the source Excel, or save its table as CSV."
        )
    file, said = unpacked(label, head, copy.with_suffix(".unpacked"))
    head = _head(file)
    if kind := program(label):
        return _Text(label, file, kind, said, copy)
    if head.startswith(b"PAR1"):
        return _Text(label, file, "Parquet", said, copy)
    if not head.strip():
        raise TableFileError(f"{label}: is empty.")
    for signature, meaning in SIGNATURES:
        if head.startswith(signature):
            raise TableFileError(f"{label}: is no table but {meaning}.")
    if b"\0" in head and wide_encoding(head) is None and not encoding:
        raise TableFileError(f"{label}: is no table but binary data.")
    file, about_it = plain_text(file, label, encoding, copy.with_suffix(".text"))
    said += about_it
    start = _head(file).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return _Text(label, file, "JSON", said, copy)
    if start.startswith(b"<"):
        raise TableFileError(f"{label}: is no table but HTML or XML.")
    return _Text(label, file, "CSV", said, copy)


def _of_csv(
    connection: duckdb.DuckDBPyConnection, parts: list[CsvRows], notes: list[str]
) -> tuple[duckdb.DuckDBPyRelation, dict[str, list[str]]]:
    for part in parts:
        notes += part.said
    notes += different_columns([(part.label, part.columns) for part in parts])
    # Files that are read alike are read at once, in their order.
    groups = [list(group) for _, group in groupby(parts, key=lambda part: part.layout)]
    queries = [group[0].query([part.file for part in group]) for group in groups]
    repeated = repeated_names(parts[0].layout.names, parts[0].columns)
    return connection.sql(" UNION ALL BY NAME ".join(queries)), repeated


def _of_parquet(
    connection: duckdb.DuckDBPyConnection, texts: list[_Text], notes: list[str]
) -> duckdb.DuckDBPyRelation:
    if len(texts) > 1:
        notes += different_columns(
            [(text.label, connection.read_parquet(str(text.file)).columns) for text in texts]
        )
    names = ", ".join(literal(str(text.file)) for text in texts)
    rows = connection.sql(f"SELECT * FROM read_parquet([{names}], union_by_name = true)")
    return in_known_types(rows)


def _of_records(
    connection: duckdb.DuckDBPyConnection, texts: list[_Text], notes: list[str]
) -> duckdb.DuckDBPyRelation:
    reader = records if texts[0].kind == "JSON" else records_of_statistics
    found = [reader(text.file, text.label) for text in texts]
    for _, said in found:
        notes += said
    rows = chain.from_iterable(each for each, _ in found)
    table = f"table_file {texts[0].label}"
    if not json_records.write(connection, table, rows, {}):
        raise TableFileError(f"{texts[0].label}: has no records.")
    return connection.sql(f"FROM {quote(table)}")


def _without_empty_columns(
    relation: duckdb.DuckDBPyRelation, path: str, notes: list[str]
) -> duckdb.DuckDBPyRelation:
    """Read all rows, and leave out what is there by a trailing delimiter: no name, no value."""
    nameless = [name for name in relation.columns if re.fullmatch(r"column_\d+_*", name)]
    counts = ", ".join(["count(*)", *(f"count({quote(name)})" for name in nameless)])
    rows, *filled = relation.aggregate(counts).fetchall()[0]
    if rows == 0:
        raise TableFileError(f"{path}: has column names but no rows.")
    empty = {name for name, count in zip(nameless, filled, strict=True) if not count}
    if not empty or len(empty) == len(relation.columns):
        return relation
    columns = "a column" if len(empty) == 1 else f"{len(empty)} columns"
    notes.append(f"{Path(path).name}: {columns} without a name and without a value left out")
    kept = [quote(name) for name in relation.columns if name not in empty]
    return relation.project(", ".join(kept))


def _with_place(error: duckdb.Error, path: str, texts: Sequence[_Text]) -> str:
    """Name the file that was being read, and the line of a quote that was not closed."""
    named = re.search(r"file = (.+)", str(error))
    place = next((text for text in texts if named and text.is_read_from(named[1])), texts[0])
    label = place.label if named or len(texts) == 1 else path
    delimiter = re.search(r"delimiter = (.) ", str(error))
    if place.kind == "CSV" and delimiter:
        problem = wrong_quote(place.file, delimiter[1])
        if problem is not None:
            return f"{label}: {problem}."
    return f"{label}: {explained(error)}"
