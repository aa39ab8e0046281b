"""Records in JSON: a list of them, one a line, or one after the other; never all in memory."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fourhats_runtime.data.files.reading import TableFileError

CHUNK = 1024 * 1024
LONGEST = 64 * CHUNK
"""Of a record, in letters."""
BETWEEN = " \t\r\n,"

Record = dict[str, Any]


def records(file: Path, label: Path) -> tuple[Iterator[Record], list[str]]:
    """Give the records of a text in UTF-8, and what there is to say of where they stand.

    An object that holds one list of records, such as `{"data": [...]}`, stands for the list; one
    that holds columns, as pandas writes them, for their rows.

    Raises:
        TableFileError: now or later: it holds anything else; the text names the line.

    """
    values = _values(file, label)
    first = list(islice(values, 2))
    if len(first) == 1:
        lists = {
            key: value
            for key, value in first[0].items()
            if isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
        }
        if len(lists) == 1:
            ((key, found),) = lists.items()
            return iter(found), [f"{label.name}: the records are the list {key!r} in it"]
        if (table := _of_columns(first[0])) is not None:
            return table, [f"{label.name}: holds columns, which are read as rows"]
        nested = [value for value in first[0].values() if isinstance(value, list | dict)]
        if nested and len(nested) == len(first[0]):
            raise TableFileError(
                f"{label}: holds one JSON object, and has to hold a list of them, one a line, or "
                "columns of one length."
            )
    return chain(first, values), []


def _of_columns(found: Record) -> Iterator[Record] | None:
    """Give the rows of columns: lists, or objects by the same keys; None where there are none.

    Names and rows may also be apart: `{"columns": [...], "data": [[...], ...]}`. Where rows are by
    keys, an object of a row is told from one of a column by its keys, which are no numbers.
    """
    names, rows = found.get("columns"), found.get("data")
    if isinstance(names, list) and isinstance(rows, list) and all(map(_is_list, rows)):
        same = all(len(row) == len(names) for row in rows)
        return (dict(zip(map(str, names), row, strict=True)) for row in rows) if same else None
    columns = list(found.values())
    if columns and all(map(_is_list, columns)):
        one_length = len({len(column) for column in columns}) == 1 and len(columns[0]) > 0
        plain = not any(isinstance(value, list | dict) for column in columns for value in column)
        cells = zip(*columns, strict=one_length)
        return (
            (dict(zip(found, row, strict=True)) for row in cells) if one_length and plain else None
        )
    if len(columns) > 1 and all(isinstance(each, dict) and each for each in columns):
        keys = columns[0].keys()
        if any(each.keys() != keys for each in columns):
            return None
        if all(map(str.isdecimal, keys)):
            return ({name: each[key] for name, each in found.items()} for key in keys)
        return iter(columns) if all(map(str.isdecimal, found)) else None
    return None


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _values(file: Path, label: Path) -> Iterator[Record]:
    decoder = json.JSONDecoder()
    with file.open(encoding="utf-8-sig") as stream:
        buffer, place, line, chunk = "", 0, 1, CHUNK
        ended = False
        while True:
            start = place
            while place < len(buffer) and buffer[place] in BETWEEN + "[]":
                place += 1
            line += buffer.count("\n", start, place)
            try:
                value, end = decoder.raw_decode(buffer, place) if place < len(buffer) else (None, 0)
            except json.JSONDecodeError:
                value, end = None, 0
            if isinstance(value, dict):
                yield value
                line += buffer.count("\n", place, end)
                place, chunk = end, CHUNK
                continue
            rest = len(buffer) - place
            if end or rest > LONGEST or (ended and rest):
                raise TableFileError(f"{label}: line {line} holds no JSON object.")
            if ended:
                return
            more = stream.read(chunk)
            buffer, place, ended = buffer[place:] + more, 0, not more
            chunk *= 2
