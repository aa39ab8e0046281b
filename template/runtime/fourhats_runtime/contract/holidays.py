"""Public holidays, listed in the contract: the same days wherever a feature is made of them."""

import re
import tomllib
from collections.abc import Sequence
from datetime import date

from fourhats_runtime.errors import ProjectError

LISTED = re.compile(r"^holidays *= *\[[^\]]*\] *\n", re.MULTILINE)
FIRST_TABLE = re.compile(r"^\[", re.MULTILINE)


def public(place: str, years: Sequence[int]) -> list[date]:
    """Give the public holidays of a country, or of a region of it: "DE", "DE-BY", in order.

    Raises:
        ProjectError: nobody knows the holidays of that place, or the library is not there.

    """
    try:
        import holidays  # noqa: PLC0415 (asked once, not by those who read the list)
    except ImportError:
        raise ProjectError(
            "the holidays are known by a library that is not installed: "
            f"`uv run --with holidays <this project> contract holidays {place}`"
        ) from None
    country, _, region = place.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=years)
    except NotImplementedError:
        raise ProjectError(
            f'no holidays are known of {place!r}: name a country, or a region of it, as in "DE" or '
            '"DE-BY"'
        ) from None
    return sorted(found)


def listed(text: str, place: str, days: Sequence[date]) -> str:
    """Write the days into the text of a contract, in place of those that it lists.

    Raises:
        ProjectError: it would be none any more.

    """
    years = [
        f"  {', '.join(map(str, group))},"
        for year in sorted({day.year for day in days})
        if (group := [day for day in days if day.year == year])
    ]
    block = "\n".join([f"holidays = [ # {place}; others may be added", *years, "]", ""])
    found = LISTED.search(text)
    start = found.start() if found else _first_table(text)
    before, after = text[:start].rstrip("\n"), text[found.end() if found else start :]
    made = f"{before}\n{block}{after}" if found else f"{before}\n{block}\n{after}"
    try:
        tomllib.loads(made)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(
            f"the holidays cannot be written into the contract ({error}): mend it, or remove its "
            "holidays"
        ) from None
    return made


def _first_table(text: str) -> int:
    table = FIRST_TABLE.search(text)
    return table.start() if table else len(text)
