"""The blocks of a document, by its sections: see `fourhats_runtime.blocks`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from fourhats_runtime import blocks
from fourhats_runtime.errors import ProjectError

from fourhats.documents.parts import markdown
from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourhats_runtime.blocks import Piece

    from fourhats.documents.parts import Section


def pieces(text: str, path: Path) -> list[Piece]:
    """Take a document apart.

    Raises:
        WrongInputError: a mark is damaged, or stands where it cannot.

    """
    try:
        return blocks.pieces(text, str(path))
    except ProjectError as error:
        raise WrongInputError(str(error)) from error


def begun(sections: Sequence[Section]) -> str:
    """Write a new document."""
    written = ""
    for section in sections:
        text = markdown(section, filled=bool(section.starter))
        beneath = f"\n{section.starter}\n\n" if section.starter else "\n"
        written += blocks.enclosed(section.name, f"{text}\n\n") + beneath
    return written.rstrip("\n") + "\n"


def renewed(
    text: str, sections: Sequence[Section], path: Path, *, overwrite: bool
) -> tuple[str, list[str]]:
    """Write the blocks of a document anew; returns it, and the names of those it does not have.

    Raises:
        WrongInputError: a mark is damaged; or, unless to `overwrite`, words stand between marks.

    """
    found = pieces(text, path)
    beneath = {one.name: two.text.strip() for one, two in pairwise(found)}
    fresh = {
        section.name: markdown(section, filled=bool(beneath.get(section.name)))
        for section in sections
    }
    try:
        return blocks.renewed(text, fresh, str(path), overwrite=overwrite)
    except ProjectError as error:
        raise WrongInputError(str(error)) from error
