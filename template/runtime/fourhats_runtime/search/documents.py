"""Documents: what is searched, as the contract says what each column of `clean` is."""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, values
from fourhats_runtime.errors import ProjectError

WORDS = 120
"""Of a passage: a sentence model reads 256 pieces of words, and forgets what comes after them."""
OVERLAP = 20
"""What stands at the end of one passage is whole in the next."""


@dataclass(frozen=True)
class Document:
    """One document: its texts by field, mended, and what answers may be narrowed down by."""

    id: str
    texts: Mapping[str, str]
    filters: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    time: datetime | None = None

    def text(self, fields: Sequence[str]) -> str:
        """Put the texts of some fields together."""
        return "\n".join(text for name in fields if (text := self.texts[name]))

    def passages(self, fields: Sequence[str]) -> Iterator[str]:
        """Part the texts of some fields; what they are parts of stands before each: the title.

        That is the first field, where there are others; a document without a text has none.
        """
        first, *others = (self.texts[name] for name in fields)
        words = " ".join(filter(None, others)).split() if others else first.split()
        title = f"{first}\n" if others and first else ""
        if not words:
            yield from filter(None, [first])
        for start in range(0, max(len(words) - OVERLAP, min(len(words), 1)), WORDS - OVERLAP):
            yield title + " ".join(words[start : start + WORDS])


@dataclass(frozen=True)
class Documents:
    """What is searched, and what was found of it on the way."""

    all: tuple[Document, ...]
    twins: Mapping[str, str] = field(default_factory=dict)
    """Ids that were left out, each with that of the document that says the same."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """How many documents lack a text, by field."""
    empty: int = 0
    """How many have none at all, and cannot be found."""

    def __len__(self) -> int:
        """Count those that can be found."""
        return len(self.all)

    def by_passages(self) -> dict[int, tuple[str, ...]]:
        """Give the passages of all fields, by the document's place."""
        names = tuple(self.all[0].texts)
        return {place: tuple(each.passages(names)) for place, each in enumerate(self.all)}

    def differing(self, others: "Documents") -> int:
        """Count those that are new, changed or gone."""
        here, there = ({each.id: each for each in some.all} for some in (self, others))
        return sum(here.get(name) != there.get(name) for name in here.keys() | there.keys())

    def notes(self) -> list[str]:
        """Say what was mended or left out."""
        lacking = [f"{count:,} without {name}" for name, count in self.missing.items() if count]
        left_out = [
            f"{len(self.twins):,} left out that say the same as another" if self.twins else "",
            f"{self.empty:,} left out without any text" if self.empty else "",
        ]
        return [*lacking, *filter(None, left_out)]


def read(connection: Connection, contract: Contract) -> Documents:
    """Read the documents from the table `clean`.

    Raises:
        ProjectError: none of them has a text.

    """
    assert contract.id is not None  # noqa: S101 (documents have one: the contract sees to it)
    named = [contract.id, *contract.fields, *contract.filters]
    named += [column for column in (contract.link,) if column is not None]
    names = [column.name for column in named] + list(contract.time_order)
    columns = ", ".join(quote(name) for name in names)
    found = values(connection, f"SELECT {columns} FROM clean ORDER BY {quote(contract.id.name)}")
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    return gathered([_document(row, contract) for row in rows])


def gathered(documents: Sequence[Document]) -> Documents:
    """Leave out what has no text, and what says the same as one before it.

    Raises:
        ProjectError: none of them has a text.

    """
    kept: dict[tuple[str, ...], Document] = {}
    twins: dict[str, str] = {}
    missing: Counter[str] = Counter()
    empty = 0
    for document in documents:
        missing.update(name for name, text in document.texts.items() if not text)
        said = tuple(text.casefold() for text in document.texts.values())
        if not any(said):
            empty += 1
        elif (first := kept.setdefault(said, document)) is not document:
            twins[document.id] = first.id
    if not kept:
        raise ProjectError(
            "no document has a text: see which columns of config/contract.toml have the role field"
        )
    return Documents(tuple(kept.values()), twins, dict(missing), empty)


def mended(text: str | None) -> str:
    """Give a text as people read it: no HTML entities, no tags, one blank between two words.

    What was escaped twice is read twice.
    """
    plain = html.unescape(html.unescape(text or ""))
    return " ".join(re.sub(r"</?[a-zA-Z][^<>]*>", " ", plain).split())


def _document(row: Mapping[str, Any], contract: Contract) -> Document:
    assert contract.id is not None  # noqa: S101 (who asks has seen to it)
    filters = {column.name: row[column.name] for column in contract.filters}
    return Document(
        id=str(row[contract.id.name]),
        texts={column.name: mended(row[column.name]) for column in contract.fields},
        filters={name: str(value) for name, value in filters.items() if value is not None},
        link=(row[contract.link.name] or "") if contract.link else "",
        time=row[contract.time_order[0]] if contract.time_order else None,
    )
