"""The client's language: texts by gettext catalogues, numbers, money and dates by Babel.

English is what stands in the code; the other languages are `locale/*.po`, read as they are: nothing
compiled is kept.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from babel.messages import Catalog

LOCALES = {"en": "en_GB", "fr": "fr_FR", "de": "de_DE", "es": "es_ES"}
"""By the answers to `client_language`."""
SOURCE = "en"


class Language:
    """How everything is written for one client."""

    def __init__(self, name: str) -> None:
        """Take the language of an answer to `client_language`."""
        self.name = name
        self.locale = Locale.parse(LOCALES[name])
        self.text = _texts(name).gettext

    def in_full(self, day: date) -> str:
        """Write a day with the month's name."""
        return format_date(day, "long", locale=self.locale)

    def day(self, day: date) -> str:
        """Write a day in a table."""
        return format_date(day, "medium", locale=self.locale)

    def money(self, amount: float, currency: str) -> str:
        """Write an amount to the unit; one of less than a hundred, with its cents if it has any."""
        whole = abs(amount) >= 100 or float(amount).is_integer()  # noqa: PLR2004
        if not whole:
            return format_currency(amount, currency, locale=self.locale)
        pattern = re.sub(r"0\.0+", "0", self.locale.currency_formats["standard"].pattern)
        return format_currency(
            round(amount) + 0, currency, pattern, locale=self.locale, currency_digits=False
        )

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with at most so many decimals."""
        return format_decimal(value, "#,##0." + "#" * digits, locale=self.locale)

    def days(self, value: float) -> str:
        """Write days of work, to a tenth."""
        return format_decimal(value, "#,##0.0", locale=self.locale)

    def share(self, value: float) -> str:
        """Write a share as a percentage, to a tenth where that is not 0."""
        pattern = re.sub(r"0(?=\s?%)", "0.#", self.locale.percent_formats[None].pattern)
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


def catalogue(name: str) -> Catalog:
    """Read the texts of a language."""
    path = files(__package__).joinpath("locale", f"{name}.po")
    with path.open("rb") as file:
        return read_po(file, locale=name, abort_invalid=True)


@cache
def _texts(name: str) -> NullTranslations:
    if name == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(name))
    compiled.seek(0)
    return GNUTranslations(compiled)
