"""What the values of each column are, by aggregates: but for the first rows, none pass Python."""

import json
import re
from collections.abc import Sequence
from datetime import date

import duckdb

from fourhats_runtime.contract.written import MARKS
from fourhats_runtime.data.files.names import unique_names
from fourhats_runtime.data.table_file import quote
from fourhats_runtime.data.typed_values import is_mark, trimmed
from fourhats_runtime.profile.facts import Facts
from fourhats_runtime.profile.scans import AT_ONCE, Asked, scan
from fourhats_runtime.profile.texts import (
    FEWEST_SEEN,
    LOOKS,
    ask,
    look_of,
    mostly,
    nearly,
    settle,
    share,
    take,
)
from fourhats_runtime.wording import number

SAMPLE_ROWS = 2000
SAMPLE_VALUES = 400_000
HELD_VALUES = 2_000_000
EXACT_ROWS = 200_000
MOST_LISTED = 1000
NAMING = 0.8  # of the values of a column that holds, say, phone numbers
FEWEST_SENTINELS = 3
FAR_DAYS = {
    *(date(year, 12, 31) for year in (2099, 2999, 9999)),
    *(date(year, 1, 1) for year in (1, 1753, 1900, 1970, 2100, 2999, 9999)),
    date(1899, 12, 30),  # where spreadsheets begin to count
}
YEARS_APART = 10
SENTINELS = {float(f"{sign}{'9' * digits}") for digits in range(2, 10) for sign in ("", "-")}
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
        _find_far_days(relation, columns)
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
        if not mostly(LOOKS["datetime"], texts):
            column.personal = next(
                (who for who, like in PERSONAL.items() if share(like, texts) >= NAMING), ""
            )
        samples[column.source] = texts
    return samples


def _count(
    relation: duckdb.DuckDBPyRelation, columns: list[Facts], samples: dict[str, list[str]]
) -> int:
    """Count values over all rows, and settle the kind of the text columns."""
    looks = {c.source: look_of(c, samples[c.source]) for c in columns if c.raw}
    asked = [Asked({}, ["count(*)"])]
    for place, column in enumerate(columns):
        value = f"v{place}"
        each = Asked({value: column.value}, [f"count({value})", f"approx_count_distinct({value})"])
        if column.raw:
            ask(each, looks[column.source], value)
        asked.append(each)
    found = scan(relation, asked[:1])
    rows = next(found)
    found = scan(relation, asked[1:])
    for column in columns:
        column.present, column.distinct = next(found), next(found)
        if column.raw:
            take(looks[column.source], found)
    settle(relation, [look for look in looks.values() if look.known and look.may_be_typed])
    for look in looks.values():
        look.column.said += nearly(look)
    return int(rows)


def _list_values(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """List the values of columns with few, count exactly where it matters, find the range."""
    # A table of hashes for each column costs more than it saves where there are few rows.
    different, counted = "list(DISTINCT {})", "count(DISTINCT {})"
    if rows <= EXACT_ROWS:
        different, counted = "list_distinct(list({}))", "list_unique(list({}))"
    asked = []
    for place, column in enumerate(columns):
        value, text = f"v{place}", f"t{place}"
        few = column.distinct <= MOST_LISTED and column.kind != "other"
        # An id must be known to be unique, and the estimate is a few per cent off.
        exact = rows <= EXACT_ROWS or (
            column.kind in ("integer", "text") and column.distinct >= 0.8 * rows
        )
        own = [different.format(text) if few else "NULL"]
        own.append(counted.format(value) if exact or few else "NULL")
        numeric = column.kind in ("integer", "number")
        own += [f"{f}({value})::DOUBLE" if numeric else "NULL" for f in ("min", "max")]
        asked.append(Asked({value: column.value, text: column.text}, own))
    found = scan(relation, asked)
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
                    f"{far} stands in {often:,} rows, far from the others ({number(low)} to "
                    f'{number(high)}): if it means "no value", set {_missing(column, far)} in the '
                    "contract"
                )


def _find_far_days(relation: duckdb.DuckDBPyRelation, columns: list[Facts]) -> None:
    """Propose that 31.12.9999 or 1.1.1900 is "no value" where it stands years from all others."""
    dated = [column for column in columns if column.kind == "datetime"]
    if not dated:
        return
    both = ", ".join(f"min({each.value})::DATE, max({each.value})::DATE" for each in dated)
    found = iter(relation.aggregate(both).fetchall()[0])
    for column in dated:
        ends = {end for end in (next(found), next(found)) if end in FAR_DAYS}
        far = {str(end): text for end in sorted(ends) if (text := _far_day(relation, column, end))}
        if far:
            stand = " and ".join(far) + (" stands" if len(far) == 1 else " stand")
            column.said.append(
                f"{stand} years from the other dates: where that means "
                f'"no value", set {_missing(column, *far.values())} in the contract'
            )


def _far_day(relation: duckdb.DuckDBPyRelation, column: Facts, end: date) -> str:
    """Give how a day is written that is the first or last by years; empty where it is not."""
    day = f"({column.value})::DATE"
    others = ", ".join(f"DATE '{each}'" for each in FAR_DAYS)
    text = column.raw or f"CAST({column.value} AS VARCHAR)"
    ((often, written, low, high),) = relation.aggregate(
        f"count(*) FILTER ({day} = DATE '{end}'), min({text}) FILTER ({day} = DATE '{end}'), "
        f"min({day}) FILTER ({day} NOT IN ({others})), max({day}) FILTER ({day} NOT IN ({others}))"
    ).fetchall()
    if low is None or often < FEWEST_SENTINELS:
        return ""
    years = min(abs(end.year - low.year), abs(end.year - high.year))
    return str(written).strip() if years >= YEARS_APART else ""


def _missing(column: Facts, *more: str) -> str:
    """Give the line that takes more texts for none, beside those that are taken already."""
    return f"missing = {json.dumps([*column.marks, *more], ensure_ascii=False)}"


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
