"""A text file in plain UTF-8, its lines ended one way: as it is, or a copy of it."""

import codecs
import shutil
from dataclasses import dataclass
from pathlib import Path

from fourhats_runtime.data.files.reading import TableFileError

HEAD = 256 * 1024
CHUNK = 1024 * 1024
WINDOWS = "cp1252"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def wide_encoding(head: bytes) -> str | None:
    """Give the encoding of two or four bytes a letter, by its mark or by where its zeros are."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[::2], head[1::2]
    if odd and odd.count(0) * 3 > len(odd) and not even.count(0):
        return "utf-16-le"
    if even and even.count(0) * 3 > len(even) and not odd.count(0):
        return "utf-16-be"
    return None


def plain_text(file: Path, label: Path, encoding: str, copy: Path) -> tuple[Path, list[str]]:
    """Give a text file in UTF-8 with one kind of line end: the file itself where it is one.

    Without an encoding it is found by the bytes: UTF-8, UTF-16, UTF-32, else Windows-1252, which
    is said. Bytes tell one code page from another only where somebody knows the language.

    Raises:
        TableFileError: there is no such encoding.

    """
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    said: list[str] = []
    encoding = encoding or wide_encoding(head) or ""
    if not encoding:
        bytes_ = _bytes_of(file)
        # DuckDB does not see a quote that stands behind the mark.
        quoted = head.startswith(codecs.BOM_UTF8 + b'"')
        if bytes_.utf8 and not bytes_.mixed and not quoted:
            return file, said
        encoding = "utf-8-sig" if bytes_.utf8 else WINDOWS
        if not bytes_.utf8:
            said.append(
                f"{label.name}: is not in UTF-8 and was read as Windows-1252 (Western European); "
                "--encoding NAME reads it as another, such as cp1250 or cp1251"
            )
    # Python's own reading ends every line with \n, one for one: lines keep their numbers.
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise TableFileError(f"{label}: there is no encoding {encoding!r}.") from None
    with (
        file.open(encoding=encoding, errors="replace") as stream,
        copy.open("w", encoding="utf-8", newline="\n") as written,
    ):
        shutil.copyfileobj(stream, written, CHUNK)
    return copy, said


@dataclass(frozen=True)
class _Bytes:
    utf8: bool
    mixed: bool


def _bytes_of(file: Path) -> _Bytes:
    """Read all of it once: a single letter of another encoding may stand anywhere."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, before = True, b""
    both = returns = feeds = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            both += chunk.count(b"\r\n") + (before.endswith(b"\r") and chunk.startswith(b"\n"))
            returns += chunk.count(b"\r")
            feeds += chunk.count(b"\n")
            before = chunk
            if utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
    kinds = (both > 0, returns > both, feeds > both)
    return _Bytes(utf8, mixed=sum(kinds) > 1 or kinds[1])
