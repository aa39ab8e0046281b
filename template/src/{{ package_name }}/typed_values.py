"""Typed values out of what a source gives, in SQL that gives the same in every dialect.

Engines don't agree on which texts are numbers, times or truths, nor on how they round: the texts
are named here by patterns, and what does not fit is NULL.
"""

from .contract import Column
from .sql import FLOATS, INTEGERS, literal, quote
from .table_file import MISSING_TOKENS

SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "category": "VARCHAR",
    "datetime": "TIMESTAMP",
    "text": "VARCHAR",
}
WHOLE = "^[+-]?[0-9]{1,18}([.]0*)?$"
NUMBER = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
MOMENT = "^[0-9]{4}[-/][0-9][0-9]?[-/][0-9][0-9]?([ T].*)?$"
TRUE, FALSE = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n")
MOST_EXACT = 10**15
"""Below it, engines write a whole DOUBLE without an exponent; from it on, each as it likes."""


def typed(column: Column, raw_type: str | None) -> tuple[str, str]:
    """Give the SQL of a column's typed value, and of whether the source left it empty."""
    nothing, source = f"CAST(NULL AS {SQL_TYPES[column.type]})", quote(column.source)
    if raw_type is None:  # rows that are to be scored come without the target
        return nothing, "TRUE"
    missing, values = f"({source} IS NULL)", _from_others(source)
    if raw_type == "VARCHAR":
        tokens = ", ".join(map(literal, MISSING_TOKENS))
        missing = f"({source} IS NULL OR trim({source}) IN ({tokens}))"
        values = _from_text(_with_point(f"trim({source})", column), missing)
    elif raw_type in FLOATS or raw_type.startswith("DECIMAL"):
        if raw_type in FLOATS:
            missing = f"({source} IS NULL OR isnan({source}))"
        values = _from_number(source, missing, exact=raw_type not in FLOATS)
    elif raw_type in INTEGERS or raw_type.endswith(("BIGINT", "HUGEINT")):
        values = _from_integer(source, small=raw_type in INTEGERS)
    elif raw_type == "BOOLEAN":
        values = _from_truth(source)
    elif raw_type.startswith(("DATE", "TIMESTAMP")):
        values = {**_from_others(source), "TIMESTAMP": f"CAST({source} AS TIMESTAMP)"}
    return values.get(SQL_TYPES[column.type], nothing), missing


def _from_text(text: str, missing: str) -> dict[str, str]:
    yes, no = (", ".join(map(literal, words)) for words in (TRUE, FALSE))
    return {
        "BIGINT": f"CASE WHEN regexp_matches({text}, '{WHOLE}') "
        f"THEN TRY_CAST(regexp_replace({text}, '[.]0*$', '') AS BIGINT) END",
        "DOUBLE": f"CASE WHEN regexp_matches({text}, '{NUMBER}') "
        f"THEN TRY_CAST({text} AS DOUBLE) END",
        "BOOLEAN": f"CASE WHEN lower({text}) IN ({yes}) THEN TRUE "
        f"WHEN lower({text}) IN ({no}) THEN FALSE END",
        "TIMESTAMP": f"CASE WHEN regexp_matches({text}, '{MOMENT}') "
        f"THEN TRY_CAST(replace({text}, '/', '-') AS TIMESTAMP) END",
        "VARCHAR": f"CASE WHEN NOT {missing} THEN {text} END",
    }


def _with_point(text: str, column: Column) -> str:
    if column.decimal == ".":
        return text
    return f"replace(replace({text}, '.', ''), ',', '.')"


def _from_number(number: str, missing: str, *, exact: bool) -> dict[str, str]:
    text = f"CAST({number} AS VARCHAR)"
    whole = f"{number} = round({number}) AND abs({number}) < {MOST_EXACT}"
    if not exact:  # as text, some engines write a whole number without a point
        written = f"CAST(CAST({number} AS BIGINT) AS VARCHAR) || '.0'"
        text = f"CASE WHEN {whole} THEN {written} ELSE {text} END"
    return {
        "BIGINT": f"CASE WHEN {whole} THEN CAST({number} AS BIGINT) END",
        "DOUBLE": f"CASE WHEN NOT {missing} THEN CAST({number} AS DOUBLE) END",
        "BOOLEAN": _truth(number),
        "VARCHAR": f"CASE WHEN NOT {missing} THEN {text} END",
    }


def _from_integer(number: str, *, small: bool) -> dict[str, str]:
    return {
        "BIGINT": f"CAST({number} AS BIGINT)" if small else f"TRY_CAST({number} AS BIGINT)",
        "DOUBLE": f"CAST({number} AS DOUBLE)",
        "BOOLEAN": _truth(number),
        "VARCHAR": f"CAST({number} AS VARCHAR)",
    }


def _from_truth(truth: str) -> dict[str, str]:
    number = f"CASE WHEN {truth} THEN 1 WHEN NOT {truth} THEN 0 END"
    return {
        "BIGINT": f"CAST({number} AS BIGINT)",
        "DOUBLE": f"CAST({number} AS DOUBLE)",
        "BOOLEAN": truth,
        "VARCHAR": f"CASE WHEN {truth} THEN 'true' WHEN NOT {truth} THEN 'false' END",
    }


def _from_others(value: str) -> dict[str, str]:
    return {"VARCHAR": f"CAST({value} AS VARCHAR)"}


def _truth(number: str) -> str:
    return f"CASE WHEN {number} = 1 THEN TRUE WHEN {number} = 0 THEN FALSE END"
