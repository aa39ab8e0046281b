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

    An object that holds one list of records, such as `{"data": [...]}`, stands for the list.

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
        nested = [value for value in first[0].values() if isinstance(value, list | dict)]
        if nested and len(nested) == len(first[0]):
            raise TableFileError(
                f"{label}: holds one JSON object, and has to hold a list of them, or one a line."
            )
    return chain(first, values), []


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
