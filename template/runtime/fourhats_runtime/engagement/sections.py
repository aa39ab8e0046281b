"""What several documents of the engagement say, and how they are written."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats_runtime.business import Business
from fourhats_runtime.data.extras import needs
from fourhats_runtime.documents.parts import Document, Points, Section, Table, typed
from fourhats_runtime.documents.parts import signatures as to_sign
from fourhats_runtime.documents.written import prepare, save
from fourhats_runtime.engagement.parties import Head
from fourhats_runtime.engagement.parties import head as head_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fourhats_runtime.documents.language import Language
    from fourhats_runtime.documents.parts import Part
    from fourhats_runtime.documents.phrase import Phrase
    from fourhats_runtime.engagement.terms import Terms
    from fourhats_runtime.project import Project

logger = logging.getLogger(__name__)
FOLDER = "docs"


def language(project: Project) -> Language:
    """Give the language of what a client signs: `business.language`."""
    with needs("monitor"):
        from fourhats_runtime.documents.language import Language  # noqa: PLC0415 (Babel)

    return Language(project.settings(Business).language)


def write(project: Project, document: Document, *, overwrite: bool) -> list[Path]:
    """Write a document's blocks, and all of it as PDF; gives the paths of both.

    Raises:
        ProjectError: a mark of a block is damaged, or, unless to `overwrite`, a block was edited:
            nothing is written.

    """
    with needs("monitor"):
        from fourhats_runtime.documents.paper import Cover  # noqa: PLC0415 (fpdf2)

    say, top = language(project), head_of(project)
    title = say.titled(document.title, project.name)
    foot = f"{top.champion} · {say.day(date.fromisoformat(top.day))} · {title}"
    path = project.folder / FOLDER / f"{document.name}.md"
    where = f"{FOLDER}/{path.name}"
    cover = Cover(title, top.maker, foot, say.name)
    written = prepare(document, path, where, cover, overwrite=overwrite)
    for block in written.without:
        logger.warning("%s is without %s: its marks were taken off", where, block)
    if written.lacking:
        logger.warning("%s: the font has no sign for %s", where, written.lacking)
    return save(written)


def head(project: Project, top: Head, title: str, say: Language) -> Section:
    """Say whom it is between, of which day, and of which model."""
    _ = say.text
    rows = [
        (_("Client"), _named(top.client, say)),
        (_("Contractor"), _named(top.maker, say)),
        (_("Date"), in_full(top.day, say)),
        (_("Model"), typed(top.champion) or _("none yet")),
        (_("Code"), typed(say.phrase(top.code))),
    ]
    return Section("head", say.titled(title, typed(project.name)), [Table(("", ""), rows)])


def promised(project: Project, terms: Terms, say: Language) -> Iterator[Part]:
    """Say in the client's words what it is about and when it is done."""
    _ = say.text
    business = project.settings(Business)
    yield _("Problem: {words}").format(words=typed(business.problem))
    yield _("Decision: {words}").format(words=typed(business.decision))
    yield _("Whose it is: {name}").format(name=typed(business.owner))
    if terms.done:
        words = _("In the client's words, it is done when: {done}")
        yield words.format(done=typed(terms.done))
    if terms.deadline:
        yield _("Deadline: {date}").format(date=say.in_full(terms.deadline))


def listed(phrases: Iterable[Phrase], nothing: str, say: Language) -> list[Part]:
    """List what is said, or say that there is nothing."""
    lines = [typed(say.phrase(each)) for each in phrases]
    return [Points(lines)] if lines else [nothing]


def signatures(top: Head, say: Language) -> Section:
    """Give both sides room to sign."""
    what = say.text("Signed for model {version} of {date}.").format(
        version=typed(top.champion), date=in_full(top.day, say)
    )
    return to_sign(say, what, _named(top.client, say), _named(top.maker, say))


def in_full(day: str, say: Language) -> str:
    """Write a day of ISO 8601 with the month's name."""
    return say.in_full(date.fromisoformat(day))


def _named(name: str, say: Language) -> str:
    return typed(name) or f"*{say.text('to be filled in')}*"
