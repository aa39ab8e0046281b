"""How the texts of a column may be written: what to look for in all of them, told by some."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fourhats_runtime.contract.written import BLANKS, MONTHS, WORDS, Form, form, plain
from fourhats_runtime.data.typed_values import NUMBER, from_text, is_mark

LIKELY = 0.97
MOST_UNITS = 5
FIRST = 5
"""Values by which it is told how a moment is written: the first may be a stray."""
CODES = frozenset(
    re.split(
        r"\s+",
        """AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KRW
    KZT MAD MXN MYR NGN NOK NZD PEN PHP PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR
    Rs Rs. Fr Fr. kr R RM zł US$ A$ C$ R$ NZ$ HK$ S$""",
    )
)
SCALES = re.compile("(k|K|M|m|B|b|mn|bn|Mio[.]?|Mrd[.]?)(?![A-Za-z])")
NUMBERED = re.compile(
    rf"[(]?[+\u2212-]?[{BLANKS}]*(?P<before>[^\d\s()+-]{{0,4}}?)[{BLANKS}]*[(]?[+\u2212-]?[{BLANKS}]*"
    rf"(?P<core>\d(?:[\d.,'\u2019{BLANKS}]*\d)?[.,]?|[.,]\d+)[{BLANKS}]*(?P<after>[^\d()]{{0,20}}?)"
    rf"[)]?[+\u2212-]?"
)
SIGNS = ((",", "."), (".", ","), ("'", "."), (" ", ","), (" ", "."), ("'", ","))
"""Between thousands, and before decimals, the more usual first."""
DATED = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[./ -]+)(?P<b>\d{1,2})[./ -]+(?P<c>\d{1,4})(?P<clock>[ T,]+\d.*)?"
)
NAMED = re.compile(rf"(?=.*\b({'|'.join(MONTHS.values())})\b).*\d.*", re.IGNORECASE)
YEAR = r"(?:19|20)\d\d"
MONTHLY = re.compile(rf"(?P<year>{YEAR})(?P<sep>[/ -])\d\d?|\d\d?(?P<end>[./ -]){YEAR}", re.ASCII)
QUARTERLY = re.compile(
    rf"(?P<year>{YEAR})(?P<sep>[./ -]*)Q[1-4]|Q[1-4](?P<end>[./ -]*){YEAR}", re.IGNORECASE
)
COMPACT = {len(way): (way,) for way in ("YYYYMM", "YYYYMMDD", "YYYYMMDDhhmm", "YYYYMMDDhhmmss")}
CLOCKED = re.compile(
    r"\d{1,3}:[0-5]\d(:[0-5]\d(\.\d+)?)?([ \u00a0\u202f]?[ap][.]?[ \u00a0\u202f]?m[.]?)?",
    re.IGNORECASE,
)
OFFSET = re.compile(r".*:[\d.]+ ?[+-]\d\d(:?\d\d)?")
TIME_NAME = re.compile(
    "(.*_)?(date|time|timestamp|datetime|datum|zeit|zeitpunkt|ts|ms|millis|epoch|fecha|created|updated"
    "|modified|at|on|since|until|from)(_.*)?"
)
MONTH_NAME = re.compile(
    "(.*_)?(month|months|monat|mois|mes|mese|maand|period|periode|periodo|yearmonth|year_month|ym"
    "|yyyymm|date|datum|fecha|data)(_.*)?"
)
DATE_NAME = re.compile("(.*_)?(date|datum|fecha|dob|birthday)(_.*)?")
COUNTS = {
    "epoch seconds": (631_152_000, 2_208_988_800),
    "epoch milliseconds": (631_152_000_000, 2_208_988_800_000),
    "spreadsheet days": (20_000, 60_000),
}
"""What a count of time may be: from 1990 to 2040, or from 1954 to 2064."""
CODE_NAME = re.compile(
    "(.*_)?(zip|zip_?code|plz|postleitzahl|post_?code|postal_?code|code_postal|cap|phone|telephone"
    "|telefon|tel|mobile|handy|fax|msisdn|iccid|imei|imsi|sim|iban|card_?(number|no|nr)|ean|gtin"
    "|isbn|barcode|ssn)(_?(number|nummer|no|nr|code|\\d))?"
)


@dataclass(frozen=True)
class Writing:
    """One way to read a column: as a `kind`, and how it is written."""

    kind: str
    written: str

    @property
    def form(self) -> Form:
        """How the texts are read."""
        return form(self.written, self.kind)

    def value(self, text: str) -> str:
        """Give the SQL of the value."""
        return from_text(text, self.form)["DOUBLE" if self.kind == "number" else "TIMESTAMP"]

    def reads(self, text: str) -> str:
        """Give the SQL of whether a text is read: no code, whose zeros would be lost."""
        if self.written in COUNTS:
            earliest, latest = COUNTS[self.written]
            return f"TRY_CAST({text} AS DOUBLE) BETWEEN {earliest} AND {latest}"
        strict = f" AND NOT regexp_matches({text}, '^[^0-9]*0[0-9]')"
        coded = self.kind == "number" and not self.form.clock
        return f"({self.value(text)}) IS NOT NULL{strict if coded else ''}"


def are_numbers(values: Sequence[str]) -> bool:
    """Tell whether most of the values hold one number, whatever stands beside it."""
    return _mostly(NUMBERED, values) or _mostly(CLOCKED, values)


def numbers(values: Sequence[str]) -> list[tuple[tuple[str, str], Writing]]:
    """Give the ways in which most of the values are numbers, by their signs, if there are any.

    The examples are the fullest: all the signs, whether or not they were seen.
    """
    if _mostly(CLOCKED, values):
        halves = any(value[-1] in "mM." for value in values)
        seconds = any(value.count(":") > 1 for value in values)
        return [(("", ""), Writing("number", f"hh:mm{':ss' * seconds}{' am' * halves}"))]
    if not _mostly(NUMBERED, values):
        return []
    found = [m for m in map(NUMBERED.fullmatch, values) if m]
    beside = _beside(found)
    if beside is None:
        return []
    before, after = beside
    ways = []
    for thousands, decimal in SIGNS:
        way = Writing("number", f"{before}1{thousands}234{decimal}50{after}")
        if share_read(way, values) >= LIKELY:
            ways.append(((thousands, decimal), way))
    return ways


def _mostly(like: re.Pattern[str], values: Sequence[str]) -> bool:
    found = sum(map(bool, map(like.fullmatch, values)))
    return found > 0 and found >= LIKELY * len(values)


def example(way: Writing, signs: tuple[str, str], seen: str) -> str:
    """Shorten the example to the signs that were seen among all the values."""
    thousands, decimal = signs
    full, text = f"1{thousands}234{decimal}50", "1"
    fraction = decimal in seen
    if thousands in seen:
        usual = "," if thousands in ". " else "."
        text = full if fraction or decimal != usual else f"1{thousands}234"
    else:
        text = f"12{decimal}5" if fraction or decimal != "." else "12"
    text = way.written.replace(full, text)
    return f"({text})" if "(" in seen else text


def moments(name: str, values: Sequence[str], least: float = LIKELY) -> list[Writing]:
    """Give the ways in which most of the values are moments, but for plain ISO 8601."""
    clock = _clock(values)
    ways = dict.fromkeys(way for first in values[:FIRST] for way in _moments(name, first, clock))
    return [
        way
        for way in (Writing("datetime", written) for written in ways)
        if share_read(way, values) >= least
    ]


def _moments(name: str, first: str, clock: str) -> Iterator[str]:
    if found := DATED.fullmatch(first):
        yield from _dated(found, clock)
    elif (found := MONTHLY.fullmatch(first)) or (found := QUARTERLY.fullmatch(first)):
        part = "Q" if found.re is QUARTERLY else "MM"
        yield f"YYYY{found['sep']}{part}" if found["year"] else f"{part}{found['end']}YYYY"
    elif NAMED.match(first):
        yield from ("MMM YYYY", "YYYY MMM", *(("MMM YY",) if MONTH_NAME.fullmatch(name) else ()))
        for year in ("YYYY", "YY"):
            for order in ("DD MMM {}", "MMM DD, {}", "{} MMM DD", "DD-MMM-{}"):
                yield order.format(year) + clock
    elif first.isdecimal() and (len(first) != len("YYYYMM") or MONTH_NAME.fullmatch(name)):
        yield from COMPACT.get(len(first), ())
    if first[:8].isdecimal() and TIME_NAME.fullmatch(name):
        yield from ("epoch seconds", "epoch milliseconds")
    if DATE_NAME.fullmatch(name):
        yield "spreadsheet days"


def _dated(found: re.Match[str], clock: str) -> Iterator[str]:
    sep = found["sep"]
    if len(found["a"]) > 2:  # noqa: PLR2004
        yield f"YYYY{sep}MM{sep}DD{clock}"
        return
    year = "YYYY" if len(found["c"]) > 2 else "YY"  # noqa: PLR2004
    yield f"DD{sep}MM{sep}{year}{clock}"
    yield f"MM{sep}DD{sep}{year}{clock}"
    if year == "YY":
        yield f"YY{sep}MM{sep}DD{clock}"


def _clock(values: Sequence[str]) -> str:
    """Give how the time of the day is written, empty where there is none."""
    clocked = next((value for value in values if ":" in value), "")
    if not clocked:
        return ""
    clock = " hh:mm:ss" if clocked.count(":") > 1 + bool(OFFSET.fullmatch(clocked)) else " hh:mm"
    clock += (
        " am"
        if re.search(r"\d[ \u00a0\u202f]?[ap][.]?[ \u00a0\u202f]?m\b", clocked, re.IGNORECASE)
        else ""
    )
    clock += "+hh:mm" if any(map(OFFSET.fullmatch, values)) else ""
    return clock


def share_read(way: Writing, values: Sequence[str]) -> float:
    """Give the share of the values that are read in one way."""
    try:
        made = way.form
    except ValueError:
        return 0
    return sum(_is_read(value, way, made) for value in values) / max(1, len(values))


def _is_read(value: str, way: Writing, made: Form) -> bool:
    text = plain(value, made)
    if text is None:
        return False
    if way.kind == "number":
        return re.search(NUMBER, text) is not None
    if way.written in COUNTS:
        earliest, latest = COUNTS[way.written]
        return earliest <= float(value) <= latest
    try:
        year, month, day = map(int, re.split("[ T]", text)[0].split("-"))
        datetime(year, month, day)  # noqa: DTZ001 (whether there is such a day)
    except ValueError:  # or a month of no language
        return False
    return True


def units(values: Sequence[str]) -> list[str]:
    """Give what stands behind the numbers, where most values are numbers and it is not the same."""
    found = [m for m in map(NUMBERED.fullmatch, values) if m]
    behind = {match["after"].strip(BLANKS) for match in found} - {""}
    if len(behind) < 2 or len(behind) > MOST_UNITS or not _mostly(NUMBERED, values):  # noqa: PLR2004
        return []
    named = all(re.fullmatch(r"[^\W\d]+[.]?|[%\u2030\u00b0]", unit) for unit in behind)
    return sorted(behind) if named else []


def _beside(found: Sequence[re.Match[str]]) -> tuple[str, str] | None:
    """Give what stands before and behind the numbers; None where it is not the same everywhere."""
    listed = (match["after"].strip(BLANKS) for match in found if match["core"][-1] in ".,")
    if any(label[:1].isalpha() and label not in CODES for label in listed):
        return None  # "2. Middle Atlantic" is the second of a list
    befores = {match["before"] for match in found} - {""}
    afters = [match["after"].strip(BLANKS) for match in found]
    scales = {m[0] for m in map(SCALES.match, afters) if m}
    scaled = bool(scales - {"m", "b"})
    if scaled:
        afters = [SCALES.sub("", after, count=1).strip(BLANKS) for after in afters]
    units = sorted(set(afters) - {""}, key=len)
    if len(units) == 2 and units[1].startswith(units[0]) and len(units[1]) - len(units[0]) <= 2:  # noqa: PLR2004
        units = units[1:]  # day and days
    signs = befores | set(units)
    if len(signs) > 1:
        return None
    sign = next(iter(signs), "")
    currency = sign in CODES or sign == "%" or any(unicodedata.category(c) == "Sc" for c in sign)
    attached = re.fullmatch("[A-Z]", sign) is not None
    if (befores or attached) and not currency:
        return None  # "area 12" and "12A" are no numbers
    if units and not currency and afters.count("") > (1 - LIKELY) * len(afters):
        return None
    size = next((scale for scale in ("M", "k", "K") if scale in scales), next(iter(scales), ""))
    size = {"K": "k"}.get(size, size) if scaled else ""
    if befores:
        return f"{sign} " if sign.isalnum() else sign, size
    gap = (
        " "
        if units and any(re.search(rf"\d{re.escape(size)}[{BLANKS}]", m[0]) for m in found)
        else ""
    )
    return "", f"{size}{gap}{sign}"


def is_word(text: str) -> str:
    """Give the SQL of whether a text says that there is no number."""
    return is_mark(text, WORDS)
