"""Marked blocks: what Fourhats writes anew in a document of which all else is the user's.

    <!-- fourhats:begin figures -->
    what is written anew each time
    <!-- fourhats:digest 0a1b2c3d4e5f -->
    <!-- fourhats:end figures -->

A block whose marks were taken off is the user's from then on, and so is one that was deleted: it
stays as it is. By the digest, words that somebody wrote between the marks are seen before they
are lost.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fourhats_runtime.errors import ProjectError

MARK = re.compile(r"<!-- fourhats:(begin|end) ([a-z][a-z0-9-]*) -->")
LIKE_A_MARK = re.compile(r"\s*<?!?-*\s*fourhats\s*:\s*(begin|end)\b", re.IGNORECASE)
DIGEST = re.compile(r"^<!-- fourhats:digest ([0-9a-f]{12}) -->\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """A part of a document: a block by its name, or the user's words, whose name is empty.

    The text keeps its line ends; a block's is without its marks, and with its digest.
    """

    name: str
    text: str

    @property
    def words(self) -> str:
        """The text without the digest."""
        return DIGEST.sub("", self.text)


def pieces(document: str, where: str) -> list[Piece]:
    """Take a document apart; before and after each block stands a piece of the user's.

    `where` names the document.

    Raises:
        ProjectError: a mark is damaged, or stands where it cannot; the text names it.

    """
    found, lines, names = list[Piece](), list[str](), set[str]()
    name = ""
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", document), start=1):
        mark = _mark(line, f"{where}, line {number}")
        if mark is None:
            lines.append(line)
            continue
        kind, whose = mark
        if (kind == "begin" and name) or (kind == "end" and whose != name):
            stands = f"before the end of {name!r}" if name else "without its beginning"
            raise ProjectError(f"{where}, line {number}: the {kind} of {whose!r} stands {stands}")
        if kind == "begin" and whose in names:
            raise ProjectError(f"{where}, line {number}: a second block {whose!r}: keep one")
        names.add(whose)
        found.append(Piece(name, "".join(lines)))
        lines = []
        name = whose if kind == "begin" else ""
    if name:
        raise ProjectError(f"{where}: the block {name!r} has no end: its mark was lost")
    return [*found, Piece("", "".join(lines))]


def enclosed(name: str, text: str) -> str:
    """Enclose a text in the marks of a block, its digest below it."""
    lines = text.strip("\n").splitlines()
    lines += ["", f"<!-- fourhats:digest {_digest(text)} -->"]
    whole = [f"<!-- fourhats:begin {name} -->", *lines, f"<!-- fourhats:end {name} -->"]
    return "\n".join(whole) + "\n"


def renewed(
    document: str, fresh: Mapping[str, str], where: str, *, overwrite: bool = False
) -> tuple[str, list[str]]:
    """Write the blocks of a document anew; gives it, and the names of those that it lacks.

    `fresh` has the text of each block, by its name.

    Raises:
        ProjectError: a mark is damaged; or, unless to `overwrite`, words stand between marks.

    """
    found, ends = pieces(document, where), "\r\n" if "\r\n" in document else "\n"
    written = ""
    for piece in found:
        if not piece.name:
            written += piece.text
            continue
        if piece.name in fresh and not overwrite and not _is_ours(piece):
            raise ProjectError(
                f"{where}: somebody wrote between the marks of {piece.name!r}, which is written "
                "anew: move that beneath the end mark, take both marks off to keep the block as "
                "it is, or give --overwrite"
            )
        text = enclosed(piece.name, fresh[piece.name]) if piece.name in fresh else _as_it_is(piece)
        written += text.replace("\r\n", "\n").replace("\n", ends)
    there = {piece.name for piece in found}
    return written, [name for name in fresh if name not in there]


def read(path: Path, where: str) -> str | None:
    """Read a document with the ends of its lines as they are; None: there is none.

    Raises:
        ProjectError: it is no text, or cannot be read.

    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ProjectError(f"{where} is no UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ProjectError(f"{where} cannot be read: {error.strerror}") from error


def _mark(line: str, where: str) -> tuple[str, str] | None:
    found = MARK.fullmatch(line.strip())
    if found is not None:
        return found[1], found[2]
    if LIKE_A_MARK.match(line):
        raise ProjectError(
            f"{where}: a damaged mark, {line.strip()!r}: mend it, or take it off with its partner "
            "to keep what they enclose as it is"
        )
    return None


def _is_ours(block: Piece) -> bool:
    """Tell whether a block is as it was written; an empty one holds nothing to lose."""
    return DIGEST.findall(block.text) == [_digest(block.words)] or not block.words.strip()


def _as_it_is(block: Piece) -> str:
    return f"<!-- fourhats:begin {block.name} -->\n{block.text}<!-- fourhats:end {block.name} -->\n"


def _digest(text: str) -> str:
    """Name what a block says, however a formatter lays it out."""
    return hashlib.sha256(re.sub(r"\s+|-+", "", text).encode()).hexdigest()[:12]
