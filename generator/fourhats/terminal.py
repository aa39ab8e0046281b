"""Lines for the person: plain text anywhere, a little colour on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def styled(text: str, *styles: str, stream: TextIO | None = None) -> str:
    """Colour `text` where the stream is a terminal and nobody asked for none (NO_COLOR)."""
    stream = stream or sys.stdout
    if not styles or not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    if os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def fact(text: str) -> None:
    """Print one line of what was done; foreign text in it goes through `one_line` first."""
    print(text, flush=True)


def note(text: str) -> None:
    """Print one line that is no error, beside the output."""
    label = styled("note:", "yellow", stream=sys.stderr)
    print(f"{label} {one_line(text)}", file=sys.stderr, flush=True)


def error(text: str) -> None:
    """Print the one line that says why a command stops."""
    label = styled("fourhats:", "red", stream=sys.stderr)
    print(f"{label} {one_line(text)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Fold line breaks, and show control characters instead of sending them to the terminal."""
    folded = " ".join(text.split())
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in folded)


def interactive() -> bool:
    """Tell whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape", "backslashreplace").decode("ascii")
