"""A CSV file that is uploaded on the page, and comes back with the predictions beside its rows."""

import csv
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, Self

from msgspec.structs import asdict
from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError

from fourhats_runtime.answer.predictor import Prediction
from fourhats_runtime.answer.records import MOST_RECORDS, Record, RecordError, Records
from fourhats_runtime.contract import Column
from fourhats_runtime.spreadsheets import as_cell, read_cell

ADDED = (
    "prediction",
    "probability",
    "probability_of",
    "decision",
    "expected_value",
    "model_version",
)
SEPARATORS = ",;\t|"
MOST_PROBLEMS = 10
LONGEST_ROW = 1_000_000
"""Characters: taking a longer one apart would hold up everybody."""
CHUNK = 64 * 1024
END = b"\r\n"


class FileError(ValueError):
    """A file that cannot be scored; `problems` says what to mend, and where."""

    def __init__(self, *problems: str) -> None:
        """Keep the problems, one line each."""
        super().__init__(problems[0])
        self.problems = problems


class Table(NamedTuple):
    """The rows of a file: what of them is asked, and what goes back."""

    separator: str
    header: bytes
    lines: list[bytes]
    """The rows as they go back, in UTF-8, without a line's end."""
    names: list[str]
    """Of the contract's columns that are there."""
    texts: list[list[str]]
    """The values of those columns, row by row."""


def uploaded(body: bytes, content_type: str) -> BinaryIO:
    """Take the file out of a form.

    Raises:
        FileError: there is none.

    """
    if not content_type.startswith("multipart/form-data"):
        raise FileError("choose a file first")
    found: list[Any] = []
    try:
        parser = create_form_parser(
            {"Content-Type": content_type.encode("latin-1")},
            None,
            found.append,
            config={"MAX_MEMORY_FILE_SIZE": len(body)},  # never to the disk
        )
        for start in range(0, len(body), CHUNK):
            parser.write(body[start : start + CHUNK])
            if len(found) > 1:
                raise FileError("choose one file")
        parser.finalize()
    except FormParserError:
        raise FileError("the upload is broken: try again") from None
    if not found or not found[0].size:
        raise FileError("choose a file first")
    file: BinaryIO = found[0].file_object
    file.seek(0)
    return file


def parse(file: BinaryIO, made_of: Records) -> Table:
    """Read a CSV file: UTF-8, a header, separated by whichever sign the header has most of.

    Limits come before work: rows are counted as they are read, and of each no more is held than
    goes back, and what is asked.

    Raises:
        FileError: it is no such file.

    """
    lines = _Lines(TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    try:
        first = next(lines, "")
        separator = max(SEPARATORS, key=first.count)
        rows = csv.reader(chain([first], lines), delimiter=separator, strict=True)
        return _table(_counted(rows, lines), separator, made_of)
    except UnicodeDecodeError:
        raise FileError("the file is not in UTF-8: save it as “CSV UTF-8”") from None
    except csv.Error as error:
        raise FileError(f"the file is no CSV: {error}") from None


def records(table: Table, made_of: Records) -> list[Record]:
    """Make a record of each row; columns are known by either of their names.

    Raises:
        FileError: values that the contract forbids; the first of them are named.

    """
    found, problems = [], []
    for number, texts in enumerate(table.texts, start=1):
        try:
            found.append(made_of.convert(dict(zip(table.names, texts, strict=True))))
        except RecordError as error:
            problems.append(f"row {number}, {error.loc[-1]}: {error}")
            if len(problems) == MOST_PROBLEMS:
                break
    if problems:
        raise FileError(*problems)
    return found


def with_predictions(table: Table, predictions: Sequence[Prediction], model_version: str) -> bytes:
    """Write the rows as they came, and the predictions behind them."""
    line_of = _writer(table.separator)
    # By its mark, spreadsheets know UTF-8.
    parts = [BOM_UTF8, table.header, line_of(["", *ADDED]), END]
    for line, prediction in zip(table.lines, predictions, strict=True):
        added = asdict(prediction) | {"model_version": model_version}
        parts += [line, line_of(["", *(added[name] for name in ADDED)]), END]
    return b"".join(parts)


class _Lines:
    """The lines of a file, of which a row may have only so many characters."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.of_row = 0
        """The characters that were read since it was set to nought."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_ROW + 1)
        self.of_row += len(line)
        if self.of_row > LONGEST_ROW:
            raise FileError(f"a row of the file is longer than {LONGEST_ROW:,} characters")
        if not line:
            raise StopIteration
        return line


def _counted(rows: Iterable[list[str]], lines: _Lines) -> Iterator[list[str]]:
    """Give the rows but blank ones, of which there may only be so many."""
    blank = 0
    for row in rows:
        lines.of_row = 0
        if any(row):
            yield row
        elif (blank := blank + 1) > MOST_RECORDS:
            raise FileError(f"the file holds more than {MOST_RECORDS:,} blank rows")


def _table(rows: Iterator[list[str]], separator: str, made_of: Records) -> Table:
    header = [read_cell(name) for name in next(rows, [])]
    kept = [place for place, name in enumerate(header) if name not in ADDED]
    places = {column.name: _place(column, header) for column in made_of.columns_taken}
    there = {name: place for name, place in places.items() if place is not None}
    line_of = _writer(separator)
    lines, texts = [], []
    for number, row in enumerate(rows, start=1):
        if number > MOST_RECORDS:
            raise FileError(f"the file holds more than {MOST_RECORDS:,} rows: send it in parts")
        if len(row) != len(header):
            raise FileError(f"row {number} has {len(row)} values, the header {len(header)}")
        lines.append(line_of(row[place] for place in kept))
        texts.append([read_cell(row[place]) for place in there.values()])
    if not lines:
        raise FileError("the file holds no row below its header")
    head = line_of(header[place] for place in kept)
    return Table(separator, head, lines, list(there), texts)


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _writer(separator: str) -> Callable[[Iterable[object]], bytes]:
    """Give what writes values as a line of CSV, in UTF-8 and without its end."""
    write = csv.writer(_Echo(), delimiter=separator).writerow
    return lambda values: str(write(map(as_cell, values))).encode().removesuffix(END)


def _place(column: Column, header: Sequence[str]) -> int | None:
    names = [name.strip() for name in header]
    return next((names.index(name) for name in (column.source, column.name) if name in names), None)
