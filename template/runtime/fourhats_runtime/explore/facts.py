"""What an exploration found, as page, text and notebook show it: one tree of sections."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Figures, written as people read them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """An answer to one question, with what it rests on."""

    title: str
    words: Sequence[str]
    """Plain sentences: first what is seen, then how it is read."""
    table: Table | None = None
    pictures: dict[str, Figure] = field(default_factory=dict)
    """By title."""


@dataclass(frozen=True)
class Exploration:
    """All sections, in the order of reading."""

    name: str
    sections: Sequence[Section]

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        from fourhats_runtime.explore.page import sections_as_html  # noqa: PLC0415 (it knows this)

        return sections_as_html(self)
