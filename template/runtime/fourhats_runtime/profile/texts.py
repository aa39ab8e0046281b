"""What columns of texts hold: plain values, numbers and moments as people write them, or texts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import duckdb

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.contract.written import COUNTED, WORDS
from fourhats_runtime.data.typed_values import from_text
from fourhats_runtime.profile.facts import TIME_PART_NAMES, Facts
from fourhats_runtime.profile.scans import Asked, scan
from fourhats_runtime.profile.writing import (
    CODE_NAME,
    Writing,
    are_numbers,
    example,
    is_word,
    moments,
    numbers,
    share_read,
    units,
)

FEWEST_SEEN = 20
MATCHING = 0.99  # a number column may hold a stray text; the checks will set its row aside
HALF = 0.5
KINDS = {"number": "numbers", "datetime": "dates"}
LONG_CODE = 10
"""Digits of which a measured number has seldom as many as every other."""
# How the text of each kind of value is written; `$` is the text. A number starts with no needless
# zero: "00123" is a code. DuckDB alone would take "1_000", "inf" and "+49170" for numbers.
WRITTEN = {
    "boolean": "lower($) IN ('0', '1', 'true', 'false')",
    "integer": r"regexp_full_match($, '-?(0|[1-9]\d{0,17})')",
    "number": r"regexp_full_match($, '-?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?')",
    "digits": r"regexp_full_match($, '\d{1,4}')",
    "code": r"regexp_full_match($, '0\d+|-?\d{16,}')",
}
LOOKS = {
    "boolean": re.compile("0|1|true|false", re.IGNORECASE),
    "integer": re.compile("-?(0|[1-9][0-9]{0,17})"),
    "number": re.compile(r"-?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII),
    "datetime": re.compile(r"\d{4}[-/]\d\d?[-/]\d\d?([ T].*)?", re.ASCII),
    "digits": re.compile(r"\d{1,4}", re.ASCII),
}
GROUPED = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+|-?\d{1,3}", re.ASCII)


@dataclass
class Look:
    """What was seen of a text column."""

    column: Facts
    kinds: Sequence[str]
    """The plain kinds that the first values are of."""
    seen: Sequence[str]
    """The first values, each once."""
    dated: Sequence[Writing]
    """The ways in which they may be moments."""
    grouped: bool
    """Whether they may be thousands as well as decimals: 1.234."""
    matches: dict[str, int] = field(default_factory=dict)
    words: int = 0
    said: tuple[str, ...] = ()
    codes: int = 0
    width: int = 0
    """The length of all values, 0 where they differ."""

    @cached_property
    def may_be_typed(self) -> bool:
        """Whether they may be anything but texts."""
        return bool(self.kinds or self.dated) or are_numbers(self.seen)

    @cached_property
    def ways(self) -> Sequence[tuple[tuple[str, str], Writing]]:
        """The other ways to read them, with the signs of numbers."""
        return [(("", ""), way) for way in self.dated] or numbers(self.seen)

    @property
    def known(self) -> int:
        """How many values there are but for words that say that there is none."""
        return self.column.present - self.words

    @property
    def plain(self) -> tuple[str, int]:
        """The plain kind that most values are of, the narrowest that all are of."""
        kinds = [
            kind for kind in ("boolean", "integer", "number", "datetime") if kind in self.kinds
        ]
        whole = [kind for kind in kinds if self.matches[kind] == self.known]
        wide = [kind for kind in kinds if kind in ("number", "datetime")]
        best = whole[0] if whole else max(wide, key=lambda kind: self.matches[kind], default="text")
        return best, self.matches.get(best, 0)


def look_of(column: Facts, sample: Sequence[str]) -> Look:
    """See what the first texts of a column may be."""
    texts = [text for text in sample if text.lower() not in WORDS]
    different = list(dict.fromkeys(texts))
    kinds = [kind for kind, like in LOOKS.items() if texts and mostly(like, texts)]
    dated = moments(snake_case(column.source), different)
    grouped = any("." in text for text in texts) and all(map(GROUPED.fullmatch, texts))
    return Look(column, kinds, different, dated, grouped)


def share(like: re.Pattern[str], texts: Sequence[str]) -> float:
    """Give the share of the texts that are wholly like this."""
    return sum(map(bool, map(like.fullmatch, texts))) / max(1, len(texts))


def mostly(like: re.Pattern[str], texts: Sequence[str]) -> bool:
    """Tell whether the texts are like this, but for strays."""
    return share(like, texts) >= MATCHING - 0.02


def ask(asked: Asked, look: Look, value: str) -> None:
    """Ask how many values of a column are what it may be; `value` is the name of its SQL."""
    raw, mark = look.column.raw, f"m{value}"
    asked.made |= {mark: f"CASE WHEN {look.column.value} IS NULL THEN nullif(trim({raw}), '') END"}
    asked.aggregates += [f"min({mark})", f"max({mark})"]
    if look.may_be_typed:
        word = f"CASE WHEN {is_word(value)} THEN {value} END"
        asked.aggregates += [f"count({word})", f"min({word})", f"max({word})"]
        asked.aggregates.append(_matching(WRITTEN["code"], value))
        asked.aggregates += [f"{extreme}(length({value}))" for extreme in ("min", "max")]
    for kind in look.kinds:
        if kind == "datetime":
            asked.aggregates.append(f"count({from_text(value, None)['TIMESTAMP']})")
        else:
            asked.aggregates.append(_matching(WRITTEN[kind], value))


def take(look: Look, found: Iterator[Any]) -> None:
    """Take the answers to what `ask` has asked."""
    look.column.marks = _different(next(found), next(found))
    if look.may_be_typed:
        look.words, look.said = next(found), _different(next(found), next(found))
        look.codes, shortest, longest = (next(found) for _ in range(3))
        look.width = shortest if shortest == longest else 0
    look.matches = {kind: next(found) for kind in look.kinds}


def settle(relation: duckdb.DuckDBPyRelation, looks: Sequence[Look]) -> None:
    """Decide what text columns hold: the narrowest kind that all values, or 99 %, agree with."""
    digits = [look for look in looks if _is_code(look)]
    for look in digits:
        look.column.said += ["digits that name something, read as a text"] if look.width else []
    others = [look for look in looks if not _is_code(look)]
    unclear = [
        look
        for look in others
        if (look.grouped or look.plain[1] < look.known or look.dated) and look.ways
    ]
    read = _read(relation, unclear)
    told = {_decimal_told(look, read[look.column.source]) for look in unclear}
    for look in others:
        found = read.get(look.column.source)
        name = snake_case(look.column.source)
        if look.matches.get("digits") == look.known and name in TIME_PART_NAMES:
            _settle_plain(look, "integer", look.known)
        elif found is None or not _settle_written(look, found, told):
            kind, matched = look.plain
            if matched >= MATCHING * look.known and matched:
                _settle_plain(look, kind, matched)


def nearly(look: Look) -> Iterator[str]:
    """Say what most of the first values of a text are, where too few are to be read so."""
    if look.column.kind != "text" or _is_code(look):
        return
    name, seen = snake_case(look.column.source), look.seen
    if len(seen) >= FEWEST_SEEN and (mixed := units(seen)):
        yield (
            f"numbers with {', '.join(mixed[:-1])} or {mixed[-1]} behind them, which cannot be"
            " compared: read as a text; bring them to one unit (sql/, or the source) to use them as"
            " numbers"
        )
        return
    ways = {
        "number": ("", share(LOOKS["number"], seen)),
        "datetime": ("", share(LOOKS["datetime"], seen)),
    }
    for way in moments(name, seen, least=HALF):
        ways["datetime"] = max(
            ways["datetime"], (way.written, share_read(way, seen)), key=itemgetter(1)
        )
    kind, (written, part) = max(ways.items(), key=lambda way: way[1][1])
    if len(seen) < FEWEST_SEEN or part < HALF:
        return
    edit = f'type = "{kind}"' + (f' and written = "{written}"' if written else "")
    yield (
        f"{min(99, round(100 * part))} % of its first values are {KINDS[kind]}: too few, so that it"
        f" is read as a text; with {edit} in the contract the rows of the others are set aside"
    )


def _different(*marks: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for mark in marks if mark))


def _matching(pattern: str, value: str) -> str:
    return f"count(*) FILTER ({pattern.replace('$', value)})"


def _is_code(look: Look) -> bool:
    """Whether digits name something: no digit of them may be lost, the zeros in front included."""
    number = look.matches.get("number", 0)
    name = snake_case(look.column.source)
    if look.matches.get("digits") == look.known and name in TIME_PART_NAMES:
        return False  # "01" is January
    if look.codes and (look.width or look.codes > (1 - MATCHING) * look.known):
        return "number" in look.kinds or look.codes == look.known
    whole = look.matches.get("integer") == number == look.known
    named = CODE_NAME.fullmatch(name) is not None
    return whole and (named or (look.width >= LONG_CODE and not look.dated))


@dataclass
class _Read:
    """How many values each way reads, how many of them as whole numbers, and the signs in them."""

    counts: tuple[int, ...]
    whole: tuple[int, ...]
    signs: str
    bare: int
    """How many hold neither a point nor a comma."""
    long: int
    """How many of those have four digits in a row."""

    @property
    def groups(self) -> bool:
        """Whether a sign before three digits parts thousands: what has it not is below one.

        Of decimals, some would be shorter: 2.4 beside 2.424.
        """
        signed = max(self.counts) - self.bare
        return self.bare > 0 and self.long == 0 and signed >= FEWEST_SEEN


def _read(relation: duckdb.DuckDBPyRelation, looks: Sequence[Look]) -> dict[str, _Read]:
    """Read columns in every way that they may be written."""
    asked = []
    for number, look in enumerate(looks):
        value = f"v{number}"
        each = Asked({value: look.column.value}, [])
        for _, way in look.ways:
            whole = from_text(value, way.form)["BIGINT"]
            each.aggregates.append(f"count(*) FILTER ({way.reads(value)})")
            each.aggregates.append(f"count({whole})" if way.kind == "number" else "0")
        for sign in (".", ",", "''", "\u2019", " ", "("):
            known = f"NOT {is_word(value)} AND contains({value}, '{sign}')"
            each.aggregates.append(f"bool_or({known})")
        bare = f"NOT {is_word(value)} AND regexp_matches({value}, '^[^.,]*[0-9][^.,]*$')"
        each.aggregates.append(f"count(*) FILTER ({bare})")
        each.aggregates.append(
            f"count(*) FILTER ({bare} AND regexp_matches({value}, '[0-9]{{4}}'))"
        )
        asked.append(each)
    found = scan(relation, asked)
    read = {}
    for look in looks:
        counts, whole_counts = zip(*((next(found), next(found)) for _ in look.ways), strict=True)
        signs = "".join(sign for sign in ".,'\u2019 (" if next(found)).replace("\u2019", "'")
        bare, long = next(found), next(found)
        read[look.column.source] = _Read(counts, whole_counts, signs, bare, long)
    return read


def _decimal_told(look: Look, read: _Read) -> str:
    """Give the decimal sign that a column shows beyond doubt, empty where it shows none."""
    if look.ways[0][1].kind != "number" or "," not in read.signs:
        return ""
    counts = {",": 0, ".": look.matches.get("number", 0)}
    for (signs, _), count in zip(look.ways, read.counts, strict=True):
        counts[signs[1]] = max(counts[signs[1]], count)
    more, less = sorted(counts, key=lambda sign: -counts[sign])
    return more if counts[more] > counts[less] and counts[more] >= MATCHING * look.known else ""


def _settle_written(look: Look, read: _Read, told: set[str]) -> bool:
    """Take the way that reads most values, the more usual one of several; tell where it did."""
    column, most = look.column, max(read.counts)
    usual, kind = look.plain, look.ways[0][1].kind
    # What counts time is a number as well: its name tells.
    counted = usual[0] == "number" and all(way.written in COUNTED for _, way in look.ways)
    told_by_name = usual[0] == "integer" or counted
    if most < MATCHING * look.known or (most <= usual[1] and not told_by_name and not look.grouped):
        return False
    best = [n for n, count in enumerate(read.counts) if count == most]
    if kind == "number":
        chosen = _choose_number(look, read, best, told)
        if chosen is None:
            return False
    else:
        chosen = _choose_moment(look, best, american="," not in told)
    signs, way = look.ways[chosen]
    whole = kind == "number" and read.whole[chosen] == most
    written = example(way, signs, read.signs) if kind == "number" else way.written
    column.kind = "integer" if whole else kind
    column.written = written
    form = from_text(column.value, Writing(kind, written).form)
    _take_words(look, most)
    bare = [
        value for value in look.seen if kind == "number" and "%" in written and "%" not in value
    ]
    if bare and len(bare) < len(look.seen):
        column.said.append(
            f"written with and without %: {bare[0]} is read as {bare[0]} %, as the others are;"
            " where it is a share (0.12 for 12 %), mend it in the source"
        )
    column.value = form[{"integer": "BIGINT", "number": "DOUBLE"}.get(column.kind, "TIMESTAMP")]
    return True


def _choose_number(look: Look, read: _Read, best: Sequence[int], told: set[str]) -> int | None:
    """Choose the signs; what may be meant either way is decided by the rest of the file."""
    comma_file = "," in told
    seen = "".join(sign for sign in ".," if sign in read.signs)
    decimals = {look.ways[n][0][1] for n in best if set(seen) <= set(look.ways[n][0])}
    sure = {n for n in best if " " in look.ways[n][0] or "'" in look.ways[n][0]}
    fitting = [n for n in best if n not in sure or set("' ") & set(read.signs)] or list(best)
    if not seen or len(decimals) < len(".,"):  # nothing to be mistaken
        wanted = [n for n in fitting if comma_file == (look.ways[n][0][1] == ",")]
        return (wanted if not seen and wanted else fitting)[0]
    decimal = "," if comma_file else "."
    why = "as other columns are written" if told - {""} else "which no other column tells"
    if read.groups:
        decimal = "." if seen == "," else ","
        why = "as no value below a thousand holds it"
    usual = {(",", "."): ".", (".", ","): ","}
    by_sign = {usual[look.ways[n][0]]: n for n in fitting if look.ways[n][0] in usual}
    other = look.ways[by_sign["." if decimal == "," else ","]]
    what = "between thousands" if seen != decimal else "before decimals"
    look.column.said.append(
        f'"{seen}" in {look.column.examples[0]} is taken to stand {what}, {why}; if it does not, '
        f'set written = "{example(other[1], other[0], seen)}" in the contract'
    )
    if look.grouped and decimal == ".":
        return None  # plain numbers
    return by_sign[decimal]


def _choose_moment(look: Look, best: Sequence[int], *, american: bool) -> int:
    """Choose the order of day and month; where all values allow both, say so."""
    orders = {look.ways[n][1].written[:1] for n in best}
    if not {"D", "M"} <= orders or "MMM" in look.ways[best[0]][1].written:
        return best[0]
    american = american and look.ways[best[0]][1].written.endswith(" am")
    first = "M" if american else "D"
    chosen = next(n for n in best if look.ways[n][1].written[0] == first)
    other = next(n for n in best if look.ways[n][1].written[0] != first)
    look.column.said.append(
        f"{look.column.examples[0]} and every other date allow both orders: read with the "
        f"{'month' if american else 'day'} first; if that is wrong, set written = "
        f'"{look.ways[other][1].written}" in the contract'
    )
    return chosen


def _take_words(look: Look, matched: int) -> None:
    column, known = look.column, look.known
    column.present, column.strays = known, known - matched
    column.marks = _different(*column.marks, *look.said)
    if look.words:
        column.text = f"CASE WHEN NOT {is_word(column.value)} THEN {column.text} END"


def _settle_plain(look: Look, kind: str, matched: int) -> None:
    column = look.column
    text = column.value
    _take_words(look, matched)
    column.kind = kind
    if kind in ("integer", "number"):
        column.value = f"TRY_CAST({text} AS {'BIGINT' if kind == 'integer' else 'DOUBLE'})"
    elif kind == "datetime":
        column.value = from_text(text, None)["TIMESTAMP"]
