"""How the values of a column are written where the data come from, and how they are read.

`written` in the contract is an example that people understand: `1.234,50 €`, `DD.MM.YYYY`. A form
is made of it: steps that turn such a text into the plain one, a number as 1234.50, a moment by ISO
8601. The steps are the same in Python and in every dialect of SQL: literal texts that are replaced,
and regular expressions, anchored at both ends, of groups, classes and repetitions alone.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fourhats_runtime.contract.columns import Column

MARKS = (
    *(
        "",
        "na",
        "n/a",
        "n.a.",
        "n.a",
        "#n/a",
        "#na",
        "<na>",
        "nan",
        "-nan",
        "#nan",
        "null",
        "(null)",
    ),
    *(
        "#null!",
        "(blank)",
        "?",
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        ".",
        "..",
        "...",
        '""',
    ),
    *("''", "\\n", "nat", "n/d", "#n/d"),
)
"""What writers mean by "no value", in small letters and without blanks around it."""
WORDS = (
    *(
        "none",
        "nil",
        "unknown",
        "missing",
        "not available",
        "not applicable",
        "undefined",
        "void",
        "unbekannt",
    ),
    *(
        "fehlt",
        "k.a.",
        "k. a.",
        "keine angabe",
        "inconnu",
        "nd",
        "n.d.",
        "desconocido",
        "sconosciuto",
    ),
    *("#div/0!", "#value!", "#ref!", "#name?", "#num!", "*", "**", "tbd", "n.v."),
    *("0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000"),
    *("inf", "+inf", "-inf", "infinity", "-infinity", "∞", "-∞"),
)
"""Where numbers, moments or truths stand, these say that there is none; else they may be values."""
LONGEST = 300
"""No number or moment is written with more characters; patterns take the square of their number."""
BLANKS = " \u00a0\u202f\u2009"
MINUS = "\u2212"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (the tables' moments are in UTC)
COUNTED = {
    "epoch seconds": (1_000_000, 0),
    "epoch milliseconds": (1000, 0),
    "spreadsheet days": (86_400_000_000, -25_569 * 86_400_000_000),
}
"""What counts time: the microseconds of one, and those between 1970 and its zero."""
MONTHS = {
    1: "jan|january|januar|janvier|janv|jän|jänner|enero|ene|gennaio|gen|januari|janeiro",
    2: "feb|february|februar|février|fevrier|févr|fevr|fév|fev|febrero|febbraio|februari|fevereiro",
    3: "mar|march|märz|mär|mrz|maerz|mars|marzo|maart|mrt|março",
    4: "apr|april|avril|avr|abril|abr|aprile",
    5: "may|mai|mayo|maggio|mag|mei|maio",
    6: "jun|june|juni|juin|junio|giugno|giu|junho",
    7: "jul|july|juli|juillet|juil|julio|luglio|lug|julho",
    8: "aug|august|août|aout|aoû|agosto|ago|augustus",
    9: "sep|sept|september|septembre|septiembre|settembre|set|setembro",
    10: "oct|october|okt|oktober|octobre|octubre|ottobre|ott|outubro|out",
    11: "nov|november|novembre|noviembre|novembro",
    12: "dec|december|dez|dezember|décembre|decembre|déc|diciembre|dic|dicembre|dezembro",
}
DATE_PARTS = re.compile("YYYY|YY|MMMM?|MM?|DD?|Q")
HALF = "([ \u00a0\u202f]?[ap][.]?[ \u00a0\u202f]?m[.]?)?"
LETTERS = "a-zäáàâçéèêëíóôöúûü"
DAY = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?=[ T]|$)")
OFFSETS = tuple(
    f"{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    for minutes in (
        *(60 * hours for hours in range(-12, 15) if hours),
        *(-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825),
    )
)
"""The distances to UTC that there are, but for none."""


class Step(NamedTuple):
    """A literal text that is replaced wherever it stands, or a `pattern` of the whole text."""

    find: str
    put: str
    pattern: bool = False


class Form(NamedTuple):
    """How texts are read: those of the `shape`, by steps."""

    shape: str
    steps: tuple[Step, ...] = ()
    small: bool = False
    """Whether it is read in small letters."""
    zoned: bool = False
    """Whether the plain text may end in a distance to UTC, such as +02:00."""
    counted: tuple[int, int] | None = None
    """Of a time that is counted: see `COUNTED`."""
    clock: bool = False
    """Whether the plain text is hours, minutes and seconds, which are read as a number of hours."""
    decimal: str = "."


@cache
def form(written: str, kind: str) -> Form:
    """Understand an example or a pattern, of a number or, by the `kind` "datetime", of a moment.

    Raises:
        ValueError: it says no such thing; the text says what would.

    """
    return _moment(written) if kind == "datetime" else _number(written)


def marks(kind: str, missing: tuple[str, ...] | None) -> tuple[str, ...]:
    """Give the texts that mean "no value" in a column, in small letters."""
    if missing is not None:
        return ("", *(mark.strip().lower() for mark in missing if mark.strip()))
    return MARKS if kind in ("text", "category") else MARKS + WORDS


def plain(text: str, written: Form) -> str | None:
    """Read a text, without blanks around it, as the plain one; None where it has another shape."""
    if len(text) > LONGEST:
        return None
    text = text.lower() if written.small else text
    if not re.search(written.shape, text):
        return None
    for step in written.steps:
        if step.pattern:
            text = re.sub(step.find, step.put, text)
        else:
            text = text.replace(step.find, step.put)
    if written.counted is not None:
        size, start = written.counted
        try:
            return (EPOCH + timedelta(microseconds=round(float(text) * size) + start)).isoformat()
        except OverflowError:  # no year has so many digits
            return None
    if written.clock:
        hours, minutes, seconds = map(float, text.split(":"))
        return repr(hours + minutes / 60 + seconds / 3600)
    return text


def moment_as(moment: datetime, written: str) -> str:
    """Write a moment, in UTC, as a column does; as ISO 8601 has it where that is empty."""
    moment = moment.replace(tzinfo=None)
    if not written:
        return moment.isoformat(" ")
    if written in COUNTED:
        size, start = COUNTED[written]
        counted = ((moment - EPOCH) // timedelta(microseconds=1) - start) / size
        return f"{counted:.6f}".rstrip("0").rstrip(".")
    date, clock = _date_and_clock(written)
    month = MONTHS[moment.month].partition("|")[0]
    texts = {"YYYY": "%Y", "YY": "%y", "MMMM": month, "MMM": month, "MM": "%m", "DD": "%d"}
    texts |= {"M": str(moment.month), "D": str(moment.day), "Q": f"Q{(moment.month + 2) // 3}"}
    date = DATE_PARTS.sub(lambda part: texts[part[0]], date)
    halves = re.search("[ap]m", clock.lower()) is not None
    clock = re.sub("[+±-] ?[hH]{2}:?[mM]{2}", "+00:00", clock)
    for find, put in (("[hH]{2}", "%I" if halves else "%H"), ("mm", "%M"), ("ss", "%S")):
        clock = re.sub(find, put, clock, count=1)
    return moment.strftime(date + re.sub("[ap]m", "%p", clock, flags=re.IGNORECASE))


def plain_text(text: str, column: "Column") -> str | None:
    """Read what somebody wrote for a column: the plain text, None where it means "no value".

    What is not written as the column says is left for the type to judge: it may be plain already.
    """
    text = text.replace("\u00a0", " ").strip()
    if text.lower() in column.missing_marks:
        return None
    read = plain(text, column.form) if column.form is not None else None
    text = text if read is None else read
    if column.is_time and (day := DAY.match(text)):
        year, month, of_month = day.groups()
        hour = re.sub("^([ T])([0-9]):", r"\g<1>0\2:", text[day.end() :])
        return f"{year}-{month:0>2}-{of_month:0>2}{hour}"
    return text


def _number(written: str) -> Form:
    if re.fullmatch("[hH]{2}:mm(:ss)?( ?[aApP][mM])?", written):
        return _clock(halves=written[-1] in "mM" and written[-2] in "aApP")
    for blank in BLANKS:
        written = written.replace(blank, " ")
    found = re.fullmatch(
        r"[(]?-?(?P<before>[^0-9()]*?)[(]?-?"
        r"(?P<core>[0-9]+(?:[.,' ][0-9]+)*)(?P<after>[^0-9]*)",
        written.replace("\u2019", "'").strip(),
    )
    if found is None or not (signs := _signs(found["core"])):
        raise ValueError(
            "a number is written as in 1,234.50 or 1.234,50 € or 12.5% or 12 kg, or as a time of"
            " the day or a duration in hh:mm or hh:mm:ss, which are read as hours"
        )
    thousands, decimal = signs
    before, after = found["before"].strip(" -"), found["after"].rstrip(" -)")
    scaled = re.match(r"(k|K|M|B|mn|bn|Mio|Mrd)[.]?(?![A-Za-z])", after)
    after = after[scaled.end() if scaled else 0 :].strip()
    if (before and after and before != after) or re.search(r"[\\^\[\]()]", before + after):
        raise ValueError("beside a number stands one sign or unit, such as €, % or kg")
    return _form_of_number(thousands, decimal, before or after, scaled=scaled is not None)


def _signs(core: str) -> tuple[str, str] | None:
    """Give the signs between thousands and before decimals that an example shows."""
    signs, last = re.findall("[^0-9]", core), re.split("[^0-9]", core)[-1]
    if not signs:
        return "", "."
    several = len(signs) > 1 or (len(last) == 3 and not core.startswith("0"))  # noqa: PLR2004
    if len(set(signs)) == 1 and several:
        return signs[0], "," if signs[0] in ". " else "."
    *others, decimal = signs
    thousands = "".join(set(others))
    return (thousands, decimal) if len(thousands) <= 1 and decimal in ".," else None


def _form_of_number(thousands: str, decimal: str, unit: str, *, scaled: bool) -> Form:
    blanks, signed = f"[{BLANKS}]*", f"[+{MINUS}-]?"
    between = {"": "", " ": f"[{BLANKS}]", "'": "['\u2019]"}.get(thousands, f"[{thousands}]")
    whole = (
        f"[0-9]+|[0-9]{{1,3}}({between}[0-9]{{2,3}})*{between}[0-9]{{3}}" if between else "[0-9]+"
    )
    core = f"(({whole})([{decimal}][0-9]*)?|[{decimal}][0-9]+)([eE][+-]?[0-9]+)?"
    word = re.fullmatch(f"[{LETTERS}]{{3,}}", unit) is not None
    stem = unit[:-1] if word and unit[-1] in "se" else unit
    named = "".join(c if c.isalnum() else f"[{BLANKS}]*" if c == " " else f"[{c}]" for c in stem)
    named += f"[{LETTERS}]?[{LETTERS}]?" if word else ""
    beside = f"({named}{blanks})?" if unit else ""
    sizes = "(k|K|m|M|mn|Mio[.]?|b|B|bn|Mrd[.]?)?" if scaled else ""
    before = "" if word else f"{beside}[(]?{signed}{blanks}"
    shape = f"^[(]?{signed}{blanks}{before}{core}{blanks}{sizes}{blanks}{beside}[)]?{signed}$"
    steps = [Step(blank, "") for blank in BLANKS]
    if word:
        steps.append(Step(f"^(.*[0-9.,kKmMbB]){named}([)]?[+{MINUS}-]?)$", r"\1\2", pattern=True))
    elif unit:
        steps.append(Step(unit.replace(" ", ""), ""))
    removed = {"": "", " ": "", "'": "'\u2019"}.get(thousands, thousands)
    steps += [Step(sign, "") for sign in removed]
    steps += [
        Step(MINUS, "-"),
        Step("^[(](.*)[)]$", r"-\1", pattern=True),
        Step("^([^+-].*)-$", r"-\1", pattern=True),
        Step("^([^+-].*)[+]$", r"\1", pattern=True),
    ]
    if decimal == ",":
        steps.append(Step(",", "."))
    if scaled:
        powers = {3: "k|K", 6: "m|M|mn|Mio[.]?", 9: "b|B|bn|Mrd[.]?"}
        for power, names in powers.items():
            steps.append(Step(f"^(.*[0-9.])({names})$", rf"\1e{power}", pattern=True))
    return Form(shape, tuple(steps), decimal=decimal)


def _clock(*, halves: bool) -> Form:
    shape = f"^[0-9]{{1,4}}:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?{HALF if halves else ''}$"
    # The day, of which there is none, is 0 meanwhile.
    steps = [_step("(.*)", r"0 \1"), *_halves(), _step("0 (.*)", r"\1")] if halves else []
    steps.append(_step("([0-9]+:[0-9]+)", r"\1:00"))
    return Form(shape, tuple(steps), small=halves, clock=True)


def _moment(written: str) -> Form:
    if written in COUNTED:
        return Form(r"^-?[0-9]{1,14}([.][0-9]+)?$", counted=COUNTED[written])
    date, clock = _date_and_clock(written)
    parts = DATE_PARTS.findall(date)
    order = "".join(part[0] for part in parts)
    rest = DATE_PARTS.sub("", date)
    whole = sorted(order) in (["D", "M", "Y"], ["M", "Y"], ["Q", "Y"])
    if not whole or not re.fullmatch("[./, -]*", rest) or (clock and "D" not in order):
        raise ValueError(
            "a moment is written as in DD.MM.YYYY, MM/DD/YY hh:mm am, D MMM YYYY (the month's "
            "name), YYYYMMDD or YYYY-MM-DD hh:mm:ss+hh:mm, a month as in YYYY-MM or MMM YY, a "
            f"quarter as in YYYY-Q (2026-Q1), or is one of: {', '.join(COUNTED)}"
        )
    if not rest and parts[0] == "YYYY" and "Q" not in order:
        return _compact(order, seconds="ss" in clock, clock=bool(clock))
    named = any(part.startswith("MMM") for part in parts)
    short = "YYYY" not in parts
    halves = re.search("[ap]m", clock.lower()) is not None
    zoned = re.search("[+±-] ?[hH]{2}", clock) is not None
    shape, canonical = _shape(order, named=named, short=short, halves=halves, zoned=zoned)
    iso = _iso(named=named, short=short, halves=halves, zoned=zoned, quarters="Q" in order)
    steps = [Step(shape, canonical, pattern=True), *iso]
    return Form(shape, tuple(steps), small=named or halves, zoned=zoned)


def _date_and_clock(written: str) -> tuple[str, str]:
    date, clock = re.fullmatch(r"(.*?)([T, ]*[hH].*)?", written, re.DOTALL).groups("")  # type: ignore[union-attr]
    return date, clock


def _compact(order: str, *, clock: bool, seconds: bool) -> Form:
    sizes = {"Y": 4, "M": 2, "D": 2}
    shape = "".join(f"([0-9]{{{sizes[part]}}})" for part in order)
    canonical = "-".join(rf"\{order.index(part) + 1}" for part in "YMD" if part in order)
    canonical += "" if "D" in order else "-01"
    if clock:
        shape += "[ T_]?([0-9]{2}):?([0-9]{2})" + (":?([0-9]{2})" if seconds else "")
        canonical += r" \4:\5" + (r":\6" if seconds else "")
    return Form(f"^{shape}$", (Step(f"^{shape}$", canonical, pattern=True),))


def _shape(order: str, *, named: bool, short: bool, halves: bool, zoned: bool) -> tuple[str, str]:
    """Give the pattern of a whole text, and its parts put together from the year on."""
    between = "([./, -]|de )*" if named or "Q" in order else "([./ -])"
    pattern, groups, places = "^", 0, {}
    if named:  # the day of the week
        pattern, groups = f"^([{LETTERS}]+[.,]*[ ]+)?", 1
    parts = {
        "Y": ("([0-9]{2})" if short else "([0-9]{4})", 1),
        "M": (f"([{LETTERS}]+)[.]?" if named else "([0-9]{1,2})", 1),
        "D": ("([0-9]{1,2})(st|nd|rd|th|er|º|[.])?" if named else "([0-9]{1,2})", 1 + named),
        "Q": ("[qQ]([1-4])", 1),
    }
    for number, part in enumerate(order):
        if number:
            pattern, groups = pattern + between, groups + 1
        places[part] = groups + 1
        pattern, groups = pattern + parts[part][0], groups + parts[part][1]
    if "D" not in order:  # its first day
        month = rf"q\{places['Q']}" if "Q" in order else rf"\{places['M']}"
        return f"{pattern}$", rf"\{places['Y']}-{month}-01"
    clock = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    clock += HALF if halves else ""
    zone = "[zZ]|UTC|utc|GMT|gmt" + ("|[+-][0-9]{2}|[+-][0-9]{2}:?[0-9]{2}" if zoned else "")
    pattern += f"([ ,Tt]+{clock}( ?({zone}))?)?$"
    canonical = "-".join(rf"\{places[part]}" for part in "YMD")
    return pattern, rf"{canonical}\{groups + 1}"


def _iso(*, named: bool, short: bool, halves: bool, zoned: bool, quarters: bool) -> Iterator[Step]:
    """Give the steps from 24-jan-3, 1:30 pm to 2024-01-3 13:30."""
    if short:  # no century is written; most tables are of this one, and of people who live
        yield _step("([0-3][0-9]|40)-(.*)", r"20\1-\2")
        yield _step("([4-9][0-9])-(.*)", r"19\1-\2")
    if named:
        for month, names in MONTHS.items():
            yield _step(f"([0-9]+)-({names})-(.*)", rf"\1-{month:02}-\3")
    for quarter in range(1, 5) if quarters else ():
        yield _step(f"([0-9]+)-q{quarter}-(.*)", rf"\1-{3 * quarter - 2:02}-\2")
    yield _step("([0-9-]+)[ ,Tt]+(.*)", r"\1 \2")
    yield _step("(.*),([0-9]+.*)", r"\1.\2")
    if halves:
        yield from _halves()
    yield _step("(.*:[0-9.]+) ?(z|utc|gmt|Z|UTC|GMT)", r"\1")
    if zoned:
        yield _step("(.*:[0-9.]+) ?([+-][0-9]{2})", r"\1\2:00")
        yield _step("(.*:[0-9.]+) ?([+-][0-9]{2})([0-9]{2})", r"\1\2:\3")
        yield _step("(.*:[0-9.]+) ([+-].*)", r"\1\2")


def _halves() -> Iterator[Step]:
    """Give the steps from 2024-01-3 1:30 pm to 2024-01-3 13:30."""
    yield _step("(.*[0-9])[ \u00a0\u202f]?([ap])[.]?[ \u00a0\u202f]?m[.]?", r"\1 \2m")
    yield _step("([0-9-]+) 12:(.*) am", r"\1 00:\2")
    yield _step("([0-9-]+) 12:(.*) pm", r"\1 12:\2")
    for hour in range(1, 12):
        yield _step(f"([0-9-]+) 0?{hour}:(.*) pm", rf"\1 {hour + 12}:\2")
    yield _step("(.*) am", r"\1")


def _step(find: str, put: str) -> Step:
    return Step(f"^{find}$", put, pattern=True)
