"""What the values of each column are, found by aggregates: the rows never pass through Python."""

from dataclasses import dataclass

import duckdb

from .column_names import snake_case
from .table_file import present, quote

SAMPLE_ROWS = 20_000
EXACT_ROWS = 200_000
MOST_CATEGORIES = 50
MATCHING = 0.99  # a number column may hold a stray text; the checks will set its row aside
NAMING = 0.8  # of the values of a column that holds, say, phone numbers
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
    "datetime": r"regexp_matches($, '^\d{4}-\d\d-\d\d') AND TRY_CAST($ AS TIMESTAMP) IS NOT NULL",
    "digits": r"regexp_full_match($, '\d{1,4}')",
    "comma": r"regexp_full_match($, '-?(\d+|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?')",
    "dates": r"regexp_full_match($, '\d{1,2}[./-]\d{1,2}[./-]\d{2,4}( .*)?')",
    "thousands": r"regexp_full_match($, '-?(\d+|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?')",
}
PERSONAL = {
    "e-mail addresses": r"regexp_full_match($, '[^@\s]+@[^@\s]+\.[A-Za-z]{2,}')",
    "phone numbers": (
        r"regexp_full_match($, '(\+|00)\d[\d ()/.-]{6,18}|\(?0\d{1,5}\)?[ /-][\d /-]{4,14}"
        r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}')"
    ),
    "bank account numbers": (
        r"regexp_full_match($, '[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){2,7} ?[A-Z0-9]{0,4}')"
    ),
    "IP addresses": r"regexp_full_match($, '(\d{1,3}\.){3}\d{1,3}')",
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
    decimal: str = ""
    present: int = 0
    distinct: int = 0
    classes: tuple[str, ...] = ()
    """All values as text, sorted, where there are few."""
    low: float | None = None
    high: float | None = None
    strays: int = 0
    counts_rows: bool = False
    """Whether it merely numbers the rows: 0, 1, 2, … or 1, 2, 3, …"""
    personal: str = ""
    thousands: bool = False
    """Whether a text holds numbers as 1,234.56."""
    dates: bool = False
    """Whether a text holds dates in another order than ISO's."""
    examples: tuple[str, ...] = ()


def measure(relation: duckdb.DuckDBPyRelation) -> tuple[int, list[Facts]]:
    """Count the rows and look at every column, in three scans, the first of them short."""
    columns = [
        Facts(name, _typed_kind(str(kind.id)))
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    for column, kind in zip(columns, relation.types, strict=True):
        source = quote(column.source)
        if column.kind == "text":
            text = source if kind.id == "varchar" else f"CAST({source} AS VARCHAR)"
            column.value = present(text)
        elif kind.id in ("float", "double"):
            column.value = f"CASE WHEN NOT isnan({source}) THEN {source} END"
        else:
            column.value = source
        column.text = f"CAST({column.value} AS VARCHAR)"
    written = _first_look(relation, columns)
    rows = _count(relation, columns, written)
    if rows:
        _list_values(relation, columns, rows)
        _find_row_numbers(relation, columns, rows)
    return rows, columns


def _typed_kind(duckdb_type: str) -> str:
    if duckdb_type.endswith(("int", "integer")):
        return "integer"
    if duckdb_type.startswith(("decimal", "timestamp")):
        return "number" if duckdb_type.startswith("decimal") else "datetime"
    return TYPED.get(duckdb_type, "other")


def _first_look(relation: duckdb.DuckDBPyRelation, columns: list[Facts]) -> dict[str, list[str]]:
    """Find in the first rows which kinds each text column may be at all, and whom it may name."""
    patterns = WRITTEN | PERSONAL
    look = []
    for column in columns:
        tried = patterns if column.kind == "text" else {}
        look += [
            f"count({column.value})",
            f"(list({column.text}) FILTER ({column.value} IS NOT NULL))[:99]",
        ]
        look += [_matching(pattern, column) for pattern in tried.values()]
    found = iter(relation.limit(SAMPLE_ROWS).aggregate(", ".join(look)).fetchall()[0])
    possible = {}
    for column in columns:
        seen, values = next(found), next(found) or []
        column.examples = tuple(value[:60] for value in list(dict.fromkeys(values))[:3])
        if column.kind != "text":
            continue
        shares = {name: next(found) / max(1, seen) for name in patterns}
        possible[column.source] = [kind for kind in WRITTEN if shares[kind] >= MATCHING - 0.02]
        if "datetime" not in possible[column.source]:
            column.personal = next((who for who in PERSONAL if shares[who] >= NAMING), "")
    return possible


def _matching(pattern: str, column: Facts) -> str:
    return f"count(*) FILTER ({pattern.replace('$', column.value)})"


def _count(
    relation: duckdb.DuckDBPyRelation, columns: list[Facts], possible: dict[str, list[str]]
) -> int:
    """Count values over all rows, and settle the kind of the text columns."""
    look = ["count(*)"]
    for column in columns:
        look += [f"count({column.value})", f"approx_count_distinct({column.value})"]
        for kind in possible.get(column.source, ()):
            look.append(_matching(WRITTEN[kind], column))
    rows, *counts = relation.aggregate(", ".join(look)).fetchall()[0]
    found = iter(counts)
    matches = {}
    for column in columns:
        column.present, column.distinct = next(found), next(found)
        if column.kind == "text":
            matched = {kind: next(found) for kind in possible[column.source]}
            matches[column.source] = {kind: matched.get(kind, 0) for kind in WRITTEN}
    comma_file = any(_only_decimal_comma(m) for m in matches.values())
    for column in columns:
        if column.kind == "text" and column.present:
            _settle(column, matches[column.source], comma_file=comma_file)
    return int(rows)


def _only_decimal_comma(matches: dict[str, int]) -> bool:
    return matches["comma"] > max(matches["number"], matches["thousands"])


def _settle(column: Facts, matches: dict[str, int], *, comma_file: bool) -> None:
    """Decide what a text column holds: the narrowest kind that all values, or 99 %, agree with."""
    whole = [kind for kind in ("boolean", "integer", "number") if matches[kind] == column.present]
    german = comma_file and matches["comma"] == column.present and "integer" not in whole
    if whole and not german:
        kind = whole[0]
    elif matches["digits"] == column.present and snake_case(column.source) in TIME_PART_NAMES:
        kind = "integer"  # "01" is January
    else:
        likely = ("comma", "number") if german else ("number", "datetime", "comma")
        kind = max(likely, key=lambda name: matches[name])
        if matches[kind] < MATCHING * column.present:
            column.thousands = matches["thousands"] == column.present
            column.dates = matches["dates"] >= MATCHING * column.present
            return
        if kind == "comma" and matches["thousands"] >= matches["comma"] and not comma_file:
            column.thousands = True  # "1,234" without a "12,5" anywhere
            return
        column.strays = column.present - matches[kind]
    text = column.value
    if kind == "comma":
        kind, column.decimal = "number", ","
        text = f"replace(replace({text}, '.', ''), ',', '.')"
    column.kind = kind
    if kind in ("integer", "number"):
        column.value = f"TRY_CAST({text} AS {'BIGINT' if kind == 'integer' else 'DOUBLE'})"
    elif kind == "datetime":
        column.value = f"TRY_CAST({text} AS TIMESTAMP)"


def _list_values(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """List the values of columns with few, count exactly where it matters, find the range."""
    look = []
    for column in columns:
        few = column.distinct <= 2 * MOST_CATEGORIES and column.kind != "other"
        # An id must be known to be unique, and the estimate is a few per cent off.
        exact = rows <= EXACT_ROWS or (
            column.kind in ("integer", "text") and column.distinct >= 0.8 * rows
        )
        look.append(f"list(DISTINCT {column.text})" if few else "NULL")
        look.append(f"count(DISTINCT {column.value})" if exact or few else "NULL")
        numeric = column.kind in ("integer", "number")
        look += [f"{f}({column.value})::DOUBLE" if numeric else "NULL" for f in ("min", "max")]
    found = iter(relation.aggregate(", ".join(look)).fetchall()[0])
    for column in columns:
        classes, distinct, column.low, column.high = (next(found) for _ in range(4))
        column.classes = tuple(sorted(value for value in classes or () if value is not None))
        column.distinct = min(column.distinct, column.present) if distinct is None else distinct
        if column.kind == "integer" and column.classes == ("0", "1"):
            column.kind = "boolean"


def _find_row_numbers(relation: duckdb.DuckDBPyRelation, columns: list[Facts], rows: int) -> None:
    """Find columns that count 0, 1, 2, … or 1, 2, 3, … down the file."""
    for column in columns:
        if column.kind != "integer" or column.distinct != rows or column.low not in (0, 1):
            continue
        numbered = relation.project(f"{column.value} AS value, row_number() OVER () AS place")
        off = numbered.aggregate(
            f"count(*) FILTER (value - {column.low:.0f} <> place - 1)"
        ).fetchall()
        column.counts_rows = off[0][0] == 0
