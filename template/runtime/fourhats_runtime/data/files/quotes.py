"""Where a quote is opened and not closed."""

import mmap
from pathlib import Path

QUOTE = b'"'


def wrong_quote(file: Path, delimiter: str) -> str | None:
    """Say in which line the first quote is that no other closes.

    One closes it that ends a field. The file is not read into memory, whatever its size.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        before = {ord(delimiter), *b"\r\n \xbf"}
        after = {ord(delimiter), *b"\r\n"}
        line, counted, place = 1, 0, 0
        while (opened := text.find(QUOTE, place)) >= 0:
            line, counted = line + _lines(text, counted, opened), opened
            place = opened + 1
            if opened and text[opened - 1] not in before:
                continue  # amid a value, where it is a sign like any other
            closed = _closing(text, place)
            if closed < 0 or (closed + 1 < len(text) and text[closed + 1] not in after):
                if closed >= 0 and not _lines(text, opened, closed):
                    return f"line {line} has a quote amid a value, where it has to be doubled"
                return f"line {line} opens a quote that is not closed"
            place = closed + 1
    return None


def _closing(text: mmap.mmap, place: int) -> int:
    """Find the quote that ends what was opened: a doubled one is a quote in the value."""
    while (found := text.find(QUOTE, place)) >= 0:
        if text[found + 1 : found + 2] != QUOTE:
            return found
        place = found + 2
    return -1


def _lines(text: mmap.mmap, since: int, until: int) -> int:
    count = 0
    while (since := text.find(b"\n", since, until)) >= 0:
        count, since = count + 1, since + 1
    return count
