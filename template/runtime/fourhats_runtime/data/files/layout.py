"""Where the table stands in a text file: between which lines, under which names, split by what.

It is found by the file's first 256 KiB and its last 64, the same way each time.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from fourhats_runtime.data.files.evidence import (
    header_position,
    holds_values,
    is_footnote,
    is_total,
    names_groups,
    notes_apart,
)
from fourhats_runtime.data.files.letters import HEAD
from fourhats_runtime.data.files.names import one_line
from fourhats_runtime.data.files.quotes import wrong_quote
from fourhats_runtime.data.files.reading import Reading, TableFileError

DELIMITERS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\W*', re.IGNORECASE)
TITLE_LINES = 50
LAST = 64 * 1024
LAST_LINES = 20
SAMPLE = 1000
COMMENT = "#"
QUOTE, BACKSLASH = '"', "\\"
WORDS = 2
"""So many on each line may be first and last names in one column."""


@dataclass(frozen=True)
class Layout:
    """What to read of a file, and how."""

    delimiter: str
    names: tuple[str, ...]
    skip: int
    """Records above the rows, the names and empty lines among them, as DuckDB counts them."""
    lines: int
    """The same in lines: a quoted name may have several."""
    comments: bool = False
    """Lines between the rows that start with # are none of them."""
    said: list[str] = field(default_factory=list, compare=False)
    escape: str = QUOTE
    """What stands before a quote within a quoted value: another quote, or a backslash."""


@dataclass(frozen=True)
class _Record:
    number: int
    end: int
    cells: list[str]

    @property
    def is_comment(self) -> bool:
        return self.cells[0].startswith(COMMENT)


@dataclass(frozen=True)
class _Fit:
    """A delimiter, and how far the lines agree in what it makes of them."""

    delimiter: str
    share: float
    width: int
    records: list[_Record]
    header: int
    """Where the names stand among the records: the first of them that may be a row."""
    values: bool
    """There are values where the names should be."""
    escape: str

    @property
    def rank(self) -> tuple[float, bool, int, int]:
        return self.share, not self.values, -self.header, self.width


def layout(file: Path, label: Path, reading: Reading) -> Layout:
    """Find the table in a text of UTF-8; `label` is what the person calls the file.

    Raises:
        TableFileError: there is none, or it has no names; the text says so without any value.

    """
    lines = _head(file)
    separator = SEPARATOR_LINE.fullmatch(lines[0])
    start = 1 if separator else 0
    delimiters = (separator[1],) if separator else DELIMITERS
    fits = [fit for each in delimiters if (fit := _fit(lines, start, each)) is not None]
    if not fits and (by_blanks := _by_blanks(lines, start)):
        fits = [by_blanks]
    if not fits:
        if problem := next(filter(None, (wrong_quote(file, d) for d in delimiters)), None):
            raise TableFileError(f"{label}: {problem}.")
        raise TableFileError(
            f"{label}: is no table: no comma, semicolon, tab, | or single blank splits its lines."
        )
    best = max(fits, key=lambda fit: fit.rank)
    names, above = _names(best, label, reading), best.header
    said = []
    if above > 0:
        what = "the column names" if reading.named_by_the_file else "the rows"
        said.append(f"{label.name}: {_lines(above)} above {what} left out")
    comments = any(
        record.is_comment and len(record.cells) != best.width
        for record in best.records[best.header :]
    )
    if comments:
        said.append(f"{label.name}: lines that start with {COMMENT} left out")
    first = best.records[best.header]
    skip, end = first.number, first.end
    if not reading.named_by_the_file:
        skip, end = skip - 1, end - 1
    if best.escape != QUOTE:
        said.append(f"{label.name}: a quote within a value stands behind a backslash")
    return Layout(best.delimiter, names, skip, end, comments, said, best.escape)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _head(file: Path) -> list[str]:
    """Give the first lines, without one that is cut off."""
    with file.open("rb") as stream:
        head = stream.read(HEAD + 1)
    lines = head[:HEAD].decode("utf-8-sig", errors="replace").split("\n")
    if len(head) > HEAD and len(lines) > 1:
        del lines[-1]
    return [line.removesuffix("\r") for line in lines]


def _style(delimiter: str, escape: str) -> dict[str, Any]:
    """Give what `csv.reader` is told of how values are parted and quoted."""
    doubled = escape == QUOTE
    return {
        "delimiter": delimiter,
        "doublequote": doubled,
        "escapechar": None if doubled else escape,
        "skipinitialspace": True,
    }


def _escape(lines: Sequence[str], start: int, delimiter: str) -> str:
    """Tell how quotes within values are written, by what more lines can be read with."""
    if not any(BACKSLASH + QUOTE in line for line in lines):
        return QUOTE
    read = {}
    for escape in (QUOTE, BACKSLASH):
        reader = csv.reader(lines[start:], **_style(delimiter, escape), strict=True)
        with suppress(csv.Error):  # such as a quote that is followed by anything but a delimiter
            deque(reader, maxlen=0)
        read[escape] = reader.line_num
    return max(read, key=lambda escape: read[escape])


def _records(lines: Sequence[str], start: int, delimiter: str, escape: str) -> Iterator[_Record]:
    """Split the lines, as far as they can be."""
    reader = csv.reader((f"{line}\n" for line in lines[start:]), **_style(delimiter, escape))
    try:
        for number, cells in enumerate(reader, start=start + 1):
            if any(cell.strip() for cell in cells):
                yield _Record(number, start + reader.line_num, cells)
    except csv.Error:  # a field of more than 128 KiB: a quote that is not closed
        return


def _fit(lines: Sequence[str], start: int, delimiter: str) -> _Fit | None:
    escape = _escape(lines, start, delimiter)
    records = list(_records(lines, start, delimiter, escape))
    widths = Counter(len(record.cells) for record in records if len(record.cells) > 1)
    if not widths:
        return None
    width = max(widths, key=lambda each: (widths[each], each))
    tops = [_top(record, width) for record in records[:TITLE_LINES]]
    header = header_position(tops, width)
    if header is None:
        return None
    if len(tops[header]) < width:
        # One name too few: a line of a title, or else the rows are numbered or end in a delimiter.
        full = next((n for n, top in enumerate(tops) if n > header and len(top) == width), None)
        if full is not None and not holds_values(tops[full], _sample(records, full, width)):
            header = full
    below = header + 1
    if below < len(tops) and names_groups(
        tops[header], tops[below], _sample(records, below, width)
    ):
        header = below
    values = holds_values(tops[header], _sample(records, header, width))
    agreeing = sum(len(record.cells) == width for record in records[header:])
    share = round(agreeing / len(records[header:]), 1)
    return _Fit(delimiter, share, width, records, header, values, escape)


def _by_blanks(lines: Sequence[str], start: int) -> _Fit | None:
    """Split at single blanks, which stand in texts, too: only where all lines agree."""
    fit = _fit(lines, start, " ")
    if fit is None or fit.width <= WORDS or any("  " in line.strip() for line in lines):
        return None
    return fit if all(len(record.cells) == fit.width for record in fit.records) else None


def _sample(records: Sequence[_Record], header: int, width: int) -> list[list[str]]:
    below = (record.cells for record in records[header + 1 :])
    return list(islice((cells for cells in below if len(cells) == width), SAMPLE))


def _top(record: _Record, width: int) -> list[str]:
    """Give the cells of what may be the names of the columns, nothing of what may not."""
    cells = record.cells
    if len(cells) == width + 1 and not cells[-1].strip():
        return cells[:-1]
    near = len(cells) == width - 1 and all(map(str.strip, cells)) and not record.is_comment
    return cells if near or len(cells) == width else []


def _names(fit: _Fit, label: Path, reading: Reading) -> tuple[str, ...]:
    header = fit.records[fit.header]
    if not reading.named_by_the_file:
        return reading.names(fit.width, str(label))
    if fit.values:
        raise TableFileError(
            f"{label}: its first line holds values, not the names of its {fit.width} columns: name "
            "them with --columns a,b,c (in a project: columns in config/sources.toml), or say "
            "--no-header (header = false)."
        )
    names = [one_line(cell) for cell in header.cells[: fit.width]]
    if len(names) < fit.width:
        rows = _sample(fit.records, fit.header, fit.width)
        names = [*names, ""] if not any(row[-1].strip() for row in rows) else ["", *names]
    return tuple(names)


def end_of_rows(
    file: Path, found: Layout, label: Path, sums: Callable[[Sequence[str]], bool]
) -> tuple[int | None, list[str]]:
    """Give the byte at which the rows end where a total or notes stand below; and what to say.

    `sums` tells whether a number of a row is the sum of its column, that row among it twice.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, size - LAST))
        last = stream.read()
    lines = last.split(b"\n")
    # The first is cut off, or is the top of the file, whose lines are known.
    first = 1 if size > LAST else found.lines
    end, place, notes, totals = None, size, 0, 0
    rows = [_cells(line, found) for line in lines[first:]]
    texts = list(zip(lines[first:], rows, strict=True))
    width = len(found.names)
    apart = notes_apart(rows[-LAST_LINES:], width)
    for number, (line, cells) in enumerate(islice(reversed(texts), LAST_LINES)):
        start = place - len(line)
        others = [row for row in rows[: len(rows) - number - 1] if row and len(row) > 1]
        place = start - 1
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        text = line.decode("utf-8", errors="replace")
        if notes < apart or is_footnote(text, cells, width):
            notes += 1
        elif len(cells) == width and is_total(cells, others, partial(sums, cells)):
            totals += 1
        else:
            break
        end = start
    said = []
    if notes:
        said.append(f"{label.name}: {_lines(notes)} below the rows left out")
    if totals:
        said.append(
            f"{label.name}: the last row is a total of the others and was left out"
            if totals == 1
            else f"{label.name}: the last {totals} rows are totals of the others and were left out"
        )
    return end, said


def _cells(line: bytes, found: Layout) -> list[str] | None:
    """Split one line; None where it is no record by itself."""
    text = line.decode("utf-8", errors="replace").removesuffix("\r")
    bare = text if found.escape == QUOTE else text.replace(found.escape + QUOTE, "")
    if bare.count(QUOTE) % 2:
        return None
    return next(csv.reader([text], **_style(found.delimiter, found.escape)), [])
