"""The client's language: texts by gettext catalogues, numbers, money and dates by Babel.

English is what stands in the code; the other languages are `locale/*.po`, read as they are: nothing
compiled is kept. Who has texts of their own has catalogues of their own, which fall back on the
runtime's.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol

from fourhats_runtime.documents.phrase import FACT, Phrase
from fourhats_runtime.wording import rounded

if TYPE_CHECKING:
    from babel.messages import Catalog

CATALOGUES = Path(__file__).parent / "locale"
LOCALES = {"en": "en_GB", "fr": "fr_FR", "de": "de_DE", "es": "es_ES"}
"""By the answers to `client_language`."""
SOURCE = "en"


class Language:
    """How everything is written for one client."""

    def __init__(self, name: str = SOURCE, catalogues: Path = CATALOGUES) -> None:
        """Take the language of an answer to `client_language`, and the folder of its texts."""
        self.name = name
        self.locale = Locale.parse(LOCALES[name])
        self.text = _texts(name, catalogues).gettext
        self._formatter = _Formatter(self)

    def phrase(self, phrase: Phrase) -> str:
        """Say a phrase. Its facts are written as what stands behind the colon says.

        `money` and `gain` (with its sign) are amounts, `number`, `days` and `share` as below, each
        with the most decimals behind it (`share2`); `figure` has four significant digits; a `day`
        is one of a table.
        """
        text = phrase.text if FACT.fullmatch(phrase.text) else self.text(phrase.text)
        return self._formatter.vformat(text, (), phrase.facts)

    def in_full(self, day: date) -> str:
        """Write a day with the month's name."""
        return format_date(day, "long", locale=self.locale)

    def day(self, day: date) -> str:
        """Write a day in a table."""
        return format_date(day, "medium", locale=self.locale)

    def money(self, amount: float, currency: str) -> str:
        """Write an amount to the unit; one of less than a hundred, with its cents if it has any."""
        whole = abs(amount) >= 100 or float(amount).is_integer()  # noqa: PLR2004
        pattern = self.locale.currency_formats["standard"].pattern
        if get_currency_symbol(currency, locale=self.locale)[-1].isalpha():
            pattern = re.sub(r"¤(?=[#0])", "¤\N{NO-BREAK SPACE}", pattern)
        if whole:
            pattern = re.sub(r"0\.0+", "0", pattern)
        return format_currency(
            round(amount) + 0 if whole else amount,
            currency,
            pattern,
            locale=self.locale,
            currency_digits=not whole,
        )

    def gain(self, amount: float, currency: str) -> str:
        """Write an amount that is a difference, with its sign."""
        return f"{'+' if round(amount, 2) > 0 else ''}{self.money(amount, currency)}"

    def figure(self, value: float, digits: int = 4) -> str:
        """Write a number with so many significant digits, a large one to the unit."""
        return format_decimal(rounded(value, digits), "#,##0.##########", locale=self.locale)

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with at most so many decimals."""
        return format_decimal(value, "#,##0." + "#" * digits, locale=self.locale)

    def days(self, value: float) -> str:
        """Write days of work, to a tenth."""
        return format_decimal(value, "#,##0.0", locale=self.locale)

    def share(self, value: float, digits: int = 1) -> str:
        """Write a share as a percentage with at most so many decimals."""
        whole = f"0.{'#' * digits}"
        pattern = re.sub(r"0(?=\s?%)", whole, self.locale.percent_formats[None].pattern)
        return format_percent(value, pattern, locale=self.locale)

    def titled(self, title: str, project: str) -> str:
        """Write what a document is called."""
        return self.text("{title}: {project}").format(title=title, project=project)

    def apart(self, parts: Iterable[str]) -> str:
        """Write parts that have commas of their own."""
        return self.text("; ").join(parts)

    def listed(self, names: Sequence[str]) -> str:
        """Write an enumeration."""
        return format_list(list(names), locale=self.locale)


class _Formatter(string.Formatter):
    """Writes the facts of a phrase."""

    def __init__(self, say: Language) -> None:
        self._say = say

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 (any fact)
        say = self._say
        if isinstance(value, Phrase):
            return say.phrase(value)
        kind = format_spec.rstrip("0123456789")
        digits = [int(format_spec[len(kind) :])] if len(kind) < len(format_spec) else []
        if kind in {"money", "gain"}:
            return str(getattr(say, kind)(*value))
        if kind == "day":
            return say.day(date.fromisoformat(value))
        return str(getattr(say, kind)(value, *digits)) if kind else str(value)


def catalogue(name: str, folder: Path = CATALOGUES) -> Catalog:
    """Read the texts of a language."""
    with (folder / f"{name}.po").open("rb") as file:
        return read_po(file, locale=name, abort_invalid=True)


@cache
def _texts(name: str, folder: Path) -> NullTranslations:
    if name == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(name, folder))
    compiled.seek(0)
    found = GNUTranslations(compiled)
    if folder != CATALOGUES:
        found.add_fallback(_texts(name, CATALOGUES))
    return found
