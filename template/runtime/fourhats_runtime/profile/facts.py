"""What the values of each column are, by aggregates: but for the first rows, none pass Python."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.contract.written import MARKS, WORDS
from fourhats_runtime.data.files.names import unique_names
from fourhats_runtime.data.table_file import quote
from fourhats_runtime.data.typed_values import from_text, is_mark, trimmed
from fourhats_runtime.profile.writing import (
    CODE_NAME,
    Writing,
    are_numbers,
    example,
    is_word,
    moments,
    numbers,
)

SAMPLE_ROWS = 2000
SAMPLE_VALUES = 400_000
FEWEST_SEEN = 20
AT_ONCE = 24
"""Columns in one scan: what an engine holds for an aggregate, it holds for each of them."""
HELD_VALUES = 2_000_000
EXACT_ROWS = 200_000
MOST_CATEGORIES = 50
MOST_LISTED = 1000
MATCHING = 0.99  # a number column may hold a stray text; the checks will set its row aside
NAMING = 0.8  # of the values of a column that holds, say, phone numbers
FEWEST_SENTINELS = 3
SENTINELS = {float(f"{sign}{'9' * digits}") for digits in range(2, 10) for sign in ("", "-")}
LONG_CODE = 10
"""Digits of which a measured number has seldom as many as every other."""
TIME_PART_NAMES = {
    "jahr": "year",
    "quartal": "quarter",
    "monat": "month",
    "woche": "week",
    "tag": "day",
    "stunde": "hour",
} | {part: part for part in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")}

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
PERSONAL = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "phone numbers": re.compile(
        r"(\+|00)\d[\d ()/.-]{6,18}|\(?0\d{1,5}\)?[ /-][\d /-]{4,14}"
        r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"
    ),
    "bank account numbers": re.compile(r"[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){2,7} ?[A-Z0-9]{0,4}"),
    "IP addresses": re.compile(r"(\d{1,3}\.){3}\d{1,3}"),
}
TYPED = {
    "varchar": "text",
    "enum": "text",
    "uuid": "text",
    "boolean": "boolean",
    "date": "datetime",
    "float": "number",
    "double": "number",
}


@dataclass
class Facts:
    """One column. `kind`: boolean, integer, number, datetime, text, or other (lists, blobs, …)."""

    source: str
    kind: str
    value: str = ""
    """SQL of the value: typed where it is a number or a time, else text; NULL where missing."""
    text: str = ""
    """SQL of the value as text, as the target's classes are written."""
    raw: str = ""
    """SQL of the text as it came, empty where it is none."""
    written: str = ""
    """How its numbers or moments are written, empty where that is plain."""
    missing: tuple[str, ...] | None = None
    """The texts that mean "no value", where they are not the usual ones."""
    marks: tuple[str, ...] = ()
    """Some of the usual ones that stand in it."""
    present: int = 0
    distinct: int = 0
    classes: tuple[str, ...] = ()
    """All values as text, sorted, where there are few."""
    low: float | None = None
    high: float | None = None
    strays: int = 0
    counts_rows: bool = False
    """Whether it merely numbers the rows: 0, 1, 2, … or 1, 2, 3, …"""
    runs_on: bool = False
    """Whether it counts on by one from row to row, from whatever number, up or down."""
    personal: str = ""
    examples: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)
    """What a person should know of how it is read."""


def measure(
    relation: duckdb.DuckDBPyRelation,
) -> tuple[int, list[Facts], duckdb.DuckDBPyRelation]:
    """Count the rows and look at every column, in a few scans, some columns at a time.

    Gives the relation, too, that the SQL of the columns is about: it may hold more of them.
    """
    columns = [
        Facts(name, _typed_kind(str(kind.id)))
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    for column, kind in zip(columns, relation.types, strict=True):
        source = quote(column.source)
        if column.kind == "text":
            column.raw = source if kind.id == "varchar" else f"CAST({source} AS VARCHAR)"
            column.value = _present(column.raw, MARKS)
        elif kind.id in ("float", "double"):
            column.value = f"CASE WHEN NOT isnan({source}) THEN {source} END"
        else:
            column.value = source
        column.text = f"CAST({column.value} AS VARCHAR)"
    relation = _held(relation, columns)
    rows = _count(relation, columns, _first_look(relation, columns))
    if rows:
        _list_values(relation, columns, rows)
        _keep_na(relation, columns, rows)
        _find_sentinels(relation, columns)
        _find_row_numbers(relation, columns, rows)
    return rows, columns, relation


def _held(relation: duckdb.DuckDBPyRelation, columns: Sequence[Facts]) -> duckdb.DuckDBPyRelation:
    """Give a table of many columns and few rows in memory: its file is not read for each batch.

    The marks for "no value" are taken out of all its texts by one expression: to compile a pattern
    for each column takes longer than to look at a few hundred values with it.
    """
    most = HELD_VALUES // len(columns)
    if len(columns) <= AT_ONCE or relation.limit(most + 1).shape[0] > most:
        return relation
    texts = [column for column in columns if column.raw]
    sources = [quote(column.source) for column in columns]
    names = unique_names(
        [column.source for column in columns] + [f"v{n}" for n in range(len(texts) + 1)]
    )
    known, *own = map(quote, names[len(columns) :])
    cleaned = (
        f"list_transform([{', '.join(c.raw for c in texts)}], lambda t: {_present('t', MARKS)})"
    )
    relation = relation.project(", ".join([*sources, f"{cleaned} AS {known}"])).materialize()
    for column, name in zip(texts, own, strict=True):
        column.value, column.text = name, f"CAST({name} AS VARCHAR)"
    values = [f"{known}[{place}] AS {name}" for place, name in enumerate(own, start=1)]
    return relation.project(", ".join([*sources, *values])).materialize()


def _present(raw: str, marks: Sequence[str]) -> str:
    return f"CASE WHEN NOT {is_mark(raw, marks)} THEN {trimmed(raw)} END"


@dataclass
class _Asked:
    """What is asked of a column: aggregates of what is `made` of its values, once, by name."""

    made: dict[str, str]
    aggregates: list[str]


def _scan(relation: duckdb.DuckDBPyRelation, asked: Sequence[_Asked]) -> Iterator[Any]:
    """Give the aggregates of every column, one after the other, some columns at a time."""
    for start in range(0, len(asked), AT_ONCE):
        batch = asked[start : start + AT_ONCE]
        made = [f"{sql} AS {name}" for each in batch for name, sql in each.made.items()]
        wanted = [aggregate for each in batch for aggregate in each.aggregates]
        if wanted:
            values = relation.project(", ".join(made)) if made else relation
            yield from values.aggregate(", ".join(wanted)).fetchall()[0]


def _typed_kind(duckdb_type: str) -> str:
    if duckdb_type.endswith(("int", "integer")):
        return "integer"
    if duckdb_type.startswith(("decimal", "timestamp")):
        return "number" if duckdb_type.startswith("decimal") else "datetime"
    return TYPED.get(duckdb_type, "other")


def _first_look(relation: duckdb.DuckDBPyRelation, columns: list[Facts]) -> dict[str, list[str]]:
    """Give the different texts of the first rows, and find whom a column may name."""
    few = max(200, min(SAMPLE_ROWS, SAMPLE_VALUES // len(columns)))
    seen = zip(*relation.limit(few).fetchall(), strict=True)
    samples = {}
    for column, values in zip(columns, seen or [()] * len(columns), strict=False):
        texts = [str(value).replace("\u00a0", " ").strip() for value in values if value is not None]
        texts = [text for text in texts if not column.raw or text.lower() not in MARKS]
        column.examples = tuple(text[:60] for text in list(dict.fromkeys(texts))[:3])
        if not column.raw:
            continue
        if len(texts) < FEWEST_SEEN:  # it came to be filled in late
            known = relation.filter(f"({column.value}) IS NOT NULL")
            later = known.project(column.value).limit(few // 4).fetchall()
            texts = [value for (value,) in later]
            column.examples = tuple(text[:60] for text in list(dict.fromkeys(texts))[:3])
        if not _mostly(LOOKS["datetime"], texts):
            column.personal = next(
                (who for who, like in PERSONAL.items() if _share(like, texts) >= NAMING), ""
            )
        samples[column.source] = texts
    return samples


def _share(like: re.Pattern[str], texts: Sequence[str]) -> float:
    return sum(map(bool, map(like.fullmatch, texts))) / max(1, len(texts))


def _mostly(like: re.Pattern[str], texts: Sequence[str]) -> bool:
    return _share(like, texts) >= MATCHING - 0.02


@dataclass
class _Look:
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


def _look_of(column: Facts, sample: Sequence[str]) -> _Look:
    texts = [text for text in sample if text.lower() not in WORDS]
    different = list(dict.fromkeys(texts))
    kinds = [kind for kind, like in LOOKS.items() if texts and _mostly(like, texts)]
    dated = moments(snake_case(column.source), different)
    grouped = any("." in text for text in texts) and all(map(GROUPED.fullmatch, texts))
    return _Look(column, kinds, different, dated, grouped)


def _count(
    relation: duckdb.DuckDBPyRelation, columns: list[Facts], samples: dict[str, list[str]]
) -> int:
    """Count values over all rows, and settle the kind of the text columns."""
    looks = {c.source: _look_of(c, samples[c.source]) for c in columns if c.raw}
    asked = [_Asked({}, ["count(*)"])]
    for number, column in enumerate(columns):
        value = f"v{number}"
        each = _Asked({value: column.value}, [f"count({value})", f"approx_count_distinct({value})"])
        if column.raw:
            _ask(each, looks[column.source], value)
        asked.append(each)
    found = _scan(relation, asked[:1])
    rows = next(found)
    found = _scan(relation, asked[1:])
    for column in columns:
        column.present, column.distinct = next(found), next(found)
        if column.raw:
            _take(looks[column.source], found)
    _settle(relation, [look for look in looks.values() if look.known and look.may_be_typed])
    return int(rows)


def _ask(asked: _Asked, look: _Look, value: str) -> None:
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


def _take(look: _Look, found: Iterator[Any]) -> None:
    look.column.marks = _different(next(found), next(found))
    if look.may_be_typed:
        look.words, look.said = next(found), _different(next(found), next(found))
        look.codes, shortest, longest = (next(found) for _ in range(3))
        look.width = shortest if shortest == longest else 0
    look.matches = {kind: next(found) for kind in look.kinds}


def _different(*marks: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for mark in marks if mark))


def _matching(pattern: str, value: str) -> str:
    return f"count(*) FILTER ({pattern.replace('$', value)})"


def _is_code(look: _Look) -> bool:
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


def _settle(relation: duckdb.DuckDBPyRelation, looks: Sequence[_Look]) -> None:
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


def _read(relation: duckdb.DuckDBPyRelation, looks: Sequence[_Look]) -> dict[str, _Read]:
    """Read columns in every way that they may be written."""
    asked = []
    for number, look in enumerate(looks):
        value = f"v{number}"
        each = _Asked({value: look.column.value}, [])
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
    found = _scan(relation, asked)
    read = {}
    for look in looks:
        counts, whole_counts = zip(*((next(found), next(found)) for _ in look.ways), strict=True)
        signs = "".join(sign for sign in ".,'\u2019 (" if next(found)).replace("\u2019", "'")
        bare, long = next(found), next(found)
        read[look.column.source] = _Read(counts, whole_counts, signs, bare, long)
    return read


def _decimal_told(look: _Look, read: _Read) -> str:
    """Give the decimal sign that a column shows beyond doubt, empty where it shows none."""
    if look.ways[0][1].kind != "number" or "," not in read.signs:
        return ""
    counts = {",": 0, ".": look.matches.get("number", 0)}
    for (signs, _), count in zip(look.ways, read.counts, strict=True):
        counts[signs[1]] = max(counts[signs[1]], count)
    more, less = sorted(counts, key=lambda sign: -counts[sign])
    return more if counts[more] > counts[less] and counts[more] >= MATCHING * look.known else ""


def _settle_written(look: _Look, read: _Read, told: set[str]) -> bool:
    """Take the way that reads most values, the more usual one of several; tell where it did."""
    column, most = look.column, max(read.counts)
    usual = look.plain
    if most < MATCHING * look.known or (
        most <= usual[1] and usual[0] != "integer" and not look.grouped
    ):
        return False
    best = [n for n, count in enumerate(read.counts) if count == most]
    kind = look.ways[0][1].kind
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
    column.value = form[{"integer": "BIGINT", "number": "DOUBLE"}.get(column.kind, "TIMESTAMP")]
    return True


def _choose_number(look: _Look, read: _Read, best: Sequence[int], told: set[str]) -> int | None:
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


def _choose_moment(look: _Look, best: Sequence[int], *, american: bool) -> int:
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


def _take_words(look: _Look, matched: int) -> None:
    column, known = look.column, look.known
    column.present, column.strays = known, known - matched
    column.marks = _different(*column.marks, *look.said)
    if look.words:
        column.text = f"CASE WHEN NOT {is_word(column.value)} THEN {column.text} END"


def _settle_plain(look: _Look, kind: str, matched: int) -> None:
    column = look.column
    text = column.value
    _take_words(look, matched)
    column.kind = kind
    if kind in ("integer", "number"):
        column.value = f"TRY_CAST({text} AS {'BIGINT' if kind == 'integer' else 'DOUBLE'})"
    elif kind == "datetime":
        column.value = from_text(text, None)["TIMESTAMP"]


def _list_values(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """List the values of columns with few, count exactly where it matters, find the range."""
    # A table of hashes for each column costs more than it saves where there are few rows.
    different, counted = "list(DISTINCT {})", "count(DISTINCT {})"
    if rows <= EXACT_ROWS:
        different, counted = "list_distinct(list({}))", "list_unique(list({}))"
    asked = []
    for number, column in enumerate(columns):
        value, text = f"v{number}", f"t{number}"
        few = column.distinct <= MOST_LISTED and column.kind != "other"
        # An id must be known to be unique, and the estimate is a few per cent off.
        exact = rows <= EXACT_ROWS or (
            column.kind in ("integer", "text") and column.distinct >= 0.8 * rows
        )
        own = [different.format(text) if few else "NULL"]
        own.append(counted.format(value) if exact or few else "NULL")
        numeric = column.kind in ("integer", "number")
        own += [f"{f}({value})::DOUBLE" if numeric else "NULL" for f in ("min", "max")]
        asked.append(_Asked({value: column.value, text: column.text}, own))
    found = _scan(relation, asked)
    for column in columns:
        classes, distinct, column.low, column.high = (next(found) for _ in range(4))
        column.classes = tuple(sorted(value for value in classes or () if value is not None))
        column.distinct = min(column.distinct, column.present) if distinct is None else distinct
        if column.kind == "integer" and column.classes == ("0", "1"):
            column.kind = "boolean"


def _keep_na(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """Take NA for a value where it comes as often as the short codes beside it, and say so."""
    for column in columns:
        codes = [value for value in column.classes if re.fullmatch("[A-Z]{2,6}", value)]
        among = "NA" in column.marks and len(column.classes) > 1
        if column.kind != "text" or not among or len(codes) < len(column.classes):
            continue
        ((often,),) = relation.aggregate(f"count(*) FILTER (trim({column.raw}) = 'NA')").fetchall()
        usual = column.present / len(codes)
        if not usual / 5 <= often <= usual * 5:
            column.said.append(
                f'NA means "no value" in {often:,} of {rows:,} rows; if it is a value, as '
                f"{codes[0]} is, set missing = [] in the contract, and add it to the categories"
            )
            continue
        column.said.append(
            f"NA is taken for a value, as {codes[0]} is ({often:,} of {rows:,} rows); if it means "
            '"no value", remove missing = [] in the contract, and it from the categories'
        )
        column.missing, column.marks = (), ()
        column.value = _present(column.raw, ("",))
        column.text = f"CAST({column.value} AS VARCHAR)"
        counted = relation.aggregate(f"count({column.value}), list(DISTINCT {column.value})")
        ((column.present, values),) = counted.fetchall()
        column.classes = tuple(sorted(value for value in values if value is not None))
        column.distinct = len(column.classes)


def _find_sentinels(relation: duckdb.DuckDBPyRelation, columns: list[Facts]) -> None:
    """Propose, and no more, that 9999 or -999 is "no value" where it stands far from the rest."""
    for column in columns:
        for end in (column.low, column.high):
            if column.kind not in ("integer", "number") or end not in SENTINELS:
                continue
            value, far = f"({column.value})", f"{end:.0f}"
            others = f"FILTER ({value} <> {far}))::DOUBLE"
            ((often, low, high),) = relation.aggregate(
                f"count(*) FILTER ({value} = {far}), (min({value}) {others}, (max({value}) {others}"
            ).fetchall()
            if low is None or often < FEWEST_SENTINELS:
                continue
            if abs(end) > 5 * max(abs(low), abs(high), 1):
                column.said.append(
                    f"{far} stands in {often:,} rows, far from the others ({low:g} to {high:g}): if"
                    f' it means "no value", set missing = ["{far}"] in the contract'
                )


def _find_row_numbers(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """Find columns that count down the file: 1, 2, 3, … or 5001, 5002, …; or up it."""
    for column in columns:
        if column.kind != "integer" or column.distinct != rows or column.low is None:
            continue
        if (column.high or 0) - column.low != rows - 1:
            continue
        numbered = relation.project(f"{column.value} AS value, row_number() OVER () AS place")
        up, down = numbered.aggregate(
            f"count(*) FILTER (value - {column.low:.0f} <> place - 1), "
            f"count(*) FILTER ({column.high:.0f} - value <> place - 1)"
        ).fetchall()[0]
        column.runs_on = rows > 1 and 0 in (up, down)
        column.counts_rows = up == 0 and column.low in (0, 1)
