"""A CSV file that is uploaded on the page, and comes back with the predictions beside its rows."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.structs import asdict
from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError

from fourhats_runtime.answer.predictor import Prediction
from fourhats_runtime.answer.records import MOST_RECORDS, Record, RecordError, Records
from fourhats_runtime.contract import Column

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


class FileError(ValueError):
    """A file that cannot be scored; `problems` says what to mend, and where."""

    def __init__(self, *problems: str) -> None:
        """Keep the problems, one line each."""
        super().__init__(problems[0])
        self.problems = problems


class Table(NamedTuple):
    """The rows of a file, as texts."""

    header: list[str]
    rows: list[list[str]]
    separator: str


def uploaded(body: bytes, content_type: str) -> bytes:
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
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1},  # never to the disk
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise FileError("the upload is broken: try again") from None
    if not found or not found[0].size:
        raise FileError("choose a file first")
    file = found[0].file_object
    file.seek(0)
    content: bytes = file.read()
    return content


def parse(content: bytes) -> Table:
    """Read a CSV file: UTF-8, a header, separated by whichever sign the header has most of.

    Raises:
        FileError: it is no such file.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError("the file is not in UTF-8: save it as “CSV UTF-8”") from None
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise FileError(f"the file is no CSV: {error}") from None
    header, *rows = [line for line in lines if any(line)] or [[]]
    if not rows:
        raise FileError("the file holds no row below its header")
    if len(rows) > MOST_RECORDS:
        raise FileError(f"the file holds {len(rows):,} rows: at most {MOST_RECORDS:,} at once")
    for place, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise FileError(f"row {place} has {len(row)} values, the header {len(header)}")
    return Table(header, rows, separator)


def records(table: Table, made_of: Records) -> list[Record]:
    """Make a record of each row; columns are known by either of their names.

    Raises:
        FileError: values that the contract forbids; the first of them are named.

    """
    places = [(column, _place(column, table.header)) for column in made_of.columns_taken]
    there = [(column, place) for column, place in places if place is not None]
    found, problems = [], []
    for number, row in enumerate(table.rows, start=1):
        texts = {column.name: row[place] for column, place in there}
        try:
            found.append(made_of.convert(texts))
        except RecordError as error:
            problems.append(f"row {number}, {error.loc[-1]}: {error}")
            if len(problems) == MOST_PROBLEMS:
                break
    if problems:
        raise FileError(*problems)
    return found


def with_predictions(table: Table, predictions: Sequence[Prediction], model_version: str) -> bytes:
    """Write the rows as they came, and the predictions behind them."""
    kept = [place for place, name in enumerate(table.header) if name not in ADDED]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=table.separator)
    writer.writerow([*(table.header[place] for place in kept), *ADDED])
    for row, prediction in zip(table.rows, predictions, strict=True):
        added = asdict(prediction) | {"model_version": model_version}
        writer.writerow([*(row[place] for place in kept), *(added[name] for name in ADDED)])
    return text.getvalue().encode("utf-8-sig")  # with the mark by which spreadsheets know UTF-8


def _place(column: Column, header: Sequence[str]) -> int | None:
    names = [name.strip() for name in header]
    return next((names.index(name) for name in (column.source, column.name) if name in names), None)
