"""What documents are made of, before anybody asks whether it becomes Markdown or paper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourhats_runtime.documents.language import Language

SIGNATURES = "signatures"
"""The section whose table becomes lines to sign on."""

NOTHING = "\N{EN DASH}"
"""Stands where a table has nothing to say."""


def typed(text: str) -> str:
    """Write what somebody typed so that Markdown shows it unchanged, on one line."""
    line = re.sub(r"[^\S\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+", " ", text).strip()
    line = re.sub(r"([\\`*_{}\[\]<>|~&$#])", r"\\\1", line)
    line = re.sub(r"^([-=]|\+(?=\s|$))", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


@dataclass(frozen=True)
class Points:
    """A list."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows beneath a head; the columns of `numbers` are set to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()


Part = str | Points | Table
"""A text is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A block that Fourhats writes; beneath it is room for the user."""

    name: str
    heading: str
    parts: Sequence[Part] = ()
    asks: str = ""
    """What is to be filled in: said until somebody has written something beneath the block."""
    starter: str = ""
    """What a new document has beneath the block: the user's own from then on."""


@dataclass(frozen=True)
class Document:
    """What is signed."""

    name: str
    """Of the file."""
    title: str
    sections: Sequence[Section]


def markdown(section: Section, *, filled: bool) -> str:
    """Write a section; `filled` says whether the user has written something beneath."""
    level = "#" if section.name == "head" else "##"
    asks = f"*{section.asks}*" if section.asks and not filled else ""
    written = [f"{level} {section.heading}", *map(_part, section.parts), asks]
    return "\n\n".join(each for each in written if each)


def signatures(say: Language, what: str, client: str, maker: str) -> Section:
    """Give both sides room to sign; `what` says which version they sign, the names are Markdown."""
    _ = say.text
    head = ("", *(_("For {name}").format(name=name) for name in (client, maker)))
    rows = [(each, "", "") for each in (_("Name"), _("Place, date"), _("Signature"))]
    return Section(SIGNATURES, _("Signatures"), [what, Table(head, rows)])


def _part(part: Part) -> str:
    if isinstance(part, Points):
        return "\n".join(f"- {line}" for line in part.lines)
    if isinstance(part, Table):
        line = ["---:" if place in part.numbers else "---" for place in range(len(part.head))]
        return "\n".join(f"| {' | '.join(row)} |" for row in (part.head, line, *part.rows))
    return part
