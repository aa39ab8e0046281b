"""A document as it is written: Markdown with its blocks, in which people write, and as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats_runtime.documents import blocks
from fourhats_runtime.documents.parts import Document, Section, markdown
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import written_whole

if TYPE_CHECKING:
    from fourhats_runtime.documents.paper import Cover, Paper


@dataclass(frozen=True)
class Written:
    """A document before it is written: whatever is wrong with it was said by then."""

    path: Path
    text: str
    page: Paper
    without: Sequence[str]
    """Blocks of which it has no marks: the user's, or taken out."""
    lacking: str
    """Letters that the font does not have."""

    @property
    def printed(self) -> Path:
        """Where the PDF is."""
        return self.path.with_suffix(".pdf")


def prepare(
    document: Document, path: Path, where: str, cover: Cover, *, overwrite: bool
) -> Written:
    """Write a document, or its blocks into the one that is there, and set it; nothing is saved.

    `where` is what the document is called in messages.

    Raises:
        ProjectError: a mark of a block is damaged; unless to `overwrite`, a block was edited; or
            something cannot be set on a page.

    """
    from fourhats_runtime.documents.paper import lacking, paper  # noqa: PLC0415 (it brings fpdf2)

    before, without = blocks.read(path, where), list[str]()
    if before is None:
        text = begun(document.sections)
    else:
        text, without = renewed(before, document.sections, where, overwrite=overwrite)
    page = paper(text, where, cover)
    return Written(path, text, page, without, lacking(text, page))


def save(written: Written) -> list[Path]:
    """Write both files, each as a whole; gives their paths.

    Raises:
        ProjectError: the folder cannot be written to.

    """
    try:
        written.path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(written.path) as scratch:
            scratch.write_bytes(written.text.encode("utf-8"))  # each line keeps its own end
        with written_whole(written.printed) as scratch:
            written.page.output(scratch)
    except OSError as error:
        folder = written.path.parent
        raise ProjectError(f"{folder} cannot be written to: {error.strerror}") from error
    return [written.path, written.printed]


def begun(sections: Sequence[Section]) -> str:
    """Write a new document."""
    written = ""
    for section in sections:
        text = markdown(section, filled=bool(section.starter))
        beneath = f"\n{section.starter}\n\n" if section.starter else "\n"
        written += blocks.enclosed(section.name, f"{text}\n\n") + beneath
    return written.rstrip("\n") + "\n"


def renewed(
    text: str, sections: Sequence[Section], where: str, *, overwrite: bool
) -> tuple[str, list[str]]:
    """Write the blocks of a document anew; gives it, and the names of those that it lacks.

    Raises:
        ProjectError: a mark is damaged; or, unless to `overwrite`, words stand between marks.

    """
    found = blocks.pieces(text, where)
    beneath = {one.name: two.text.strip() for one, two in pairwise(found)}
    fresh = {
        section.name: markdown(section, filled=bool(beneath.get(section.name)))
        for section in sections
    }
    return blocks.renewed(text, fresh, where, overwrite=overwrite)
