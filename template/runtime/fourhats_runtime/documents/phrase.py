"""What is said, before anybody knows in which language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

FACT = re.compile(r"\{\w+(:\w+)?\}")
"""A text that is one fact alone is the same in every language."""


@dataclass(frozen=True, init=False, repr=False)
class Phrase:
    """A text of the catalogues, and the facts that its braces name.

    A fact is a text, a number, a day by ISO 8601, an amount with its currency, or a phrase. How it
    is written stands behind its name, as in `{cost:money}`: see `Language.phrase`.
    """

    text: str
    facts: Mapping[str, Any]

    def __init__(self, text: str, /, **facts: Any) -> None:  # noqa: ANN401 (as the docstring says)
        """Take the English text, which the catalogues know it by."""
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "facts", facts)

    @classmethod
    def quoted(cls, words: str) -> Self:
        """Give words that stay as they are in every language."""
        return cls("{words}", words=words)

    def __str__(self) -> str:
        """Say it in English."""
        from fourhats_runtime.documents.language import Language  # noqa: PLC0415 (it brings Babel)

        return Language().phrase(self)

    def __repr__(self) -> str:
        """Show it to whoever looks for a fault."""
        return f"Phrase({self.text!r}, {self.facts!r})"

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        facts = {
            name: fact.as_data() if isinstance(fact, Phrase) else fact
            for name, fact in self.facts.items()
        }
        return {"text": self.text, "facts": facts}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_data` gave."""
        facts = {
            name: cls.of(fact)
            if isinstance(fact, dict)
            else tuple(fact)
            if isinstance(fact, list)
            else fact
            for name, fact in data["facts"].items()
        }
        return cls(data["text"], **facts)
