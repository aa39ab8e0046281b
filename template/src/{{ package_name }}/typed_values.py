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


def typed(column: Column, raw_type: str | None) -> tuple[str, str | None]:
    """Give the SQL of a column's typed value, and of whether the source left it empty.

    The latter is None where a value is only NULL if it was left empty: nothing else is refused.
    """
    source, wanted = quote(column.source), SQL_TYPES[column.type]
    nothing, missing = f"CAST(NULL AS {wanted})", f"({source} IS NULL)"
    if raw_type is None:  # rows that are to be scored come without the target
        return nothing, None
    certain: dict[str, str] = {"VARCHAR": f"CAST({source} AS VARCHAR)"}
    tried: dict[str, str] = {}
    if raw_type == "VARCHAR":
        tokens = ", ".join(map(literal, MISSING_TOKENS))
        missing = f"({source} IS NULL OR trim({source}) IN ({tokens}))"
        certain["VARCHAR"] = f"CASE WHEN trim({source}) NOT IN ({tokens}) THEN trim({source}) END"
        tried = _from_text(_with_point(f"trim({source})", column))
    elif raw_type in FLOATS:
        missing = f"({source} IS NULL OR isnan({source}))"
        certain |= _from_double(source)
        tried = _from_number(source)
    elif raw_type.startswith("DECIMAL"):
        certain["DOUBLE"] = f"CAST({source} AS DOUBLE)"
        tried = _from_number(source)
    elif raw_type in INTEGERS or raw_type.endswith(("BIGINT", "HUGEINT")):
        certain["DOUBLE"] = f"CAST({source} AS DOUBLE)"
        tried = {"BIGINT": f"TRY_CAST({source} AS BIGINT)", "BOOLEAN": _truth(source)}
        if raw_type in INTEGERS:
            certain["BIGINT"] = f"CAST({source} AS BIGINT)"
    elif raw_type == "BOOLEAN":
        certain = _from_truth(source)
    elif raw_type.startswith(("DATE", "TIMESTAMP")):
        certain["TIMESTAMP"] = f"CAST({source} AS TIMESTAMP)"
    if wanted in certain:
        return certain[wanted], None
    return tried.get(wanted, nothing), missing


def _from_text(text: str) -> dict[str, str]:
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
    }


def _with_point(text: str, column: Column) -> str:
    if column.decimal == ".":
        return text
    return f"replace(replace({text}, '.', ''), ',', '.')"


def _from_double(number: str) -> dict[str, str]:
    # As text, some engines write a whole number without a point.
    written = f"CAST(CAST({number} AS BIGINT) AS VARCHAR) || '.0'"
    text = f"CASE WHEN {_whole(number)} THEN {written} ELSE CAST({number} AS VARCHAR) END"
    known = f"CASE WHEN NOT isnan({number}) THEN"
    return {"DOUBLE": f"{known} CAST({number} AS DOUBLE) END", "VARCHAR": f"{known} {text} END"}


def _from_number(number: str) -> dict[str, str]:
    return {
        "BIGINT": f"CASE WHEN {_whole(number)} THEN CAST({number} AS BIGINT) END",
        "BOOLEAN": _truth(number),
    }


def _from_truth(truth: str) -> dict[str, str]:
    number = f"CASE WHEN {truth} THEN 1 WHEN NOT {truth} THEN 0 END"
    return {
        "BIGINT": f"CAST({number} AS BIGINT)",
        "DOUBLE": f"CAST({number} AS DOUBLE)",
        "BOOLEAN": truth,
        "VARCHAR": f"CASE WHEN {truth} THEN 'true' WHEN NOT {truth} THEN 'false' END",
    }


def _whole(number: str) -> str:
    return f"{number} = round({number}) AND abs({number}) < {MOST_EXACT}"


def _truth(number: str) -> str:
    return f"CASE WHEN {number} = 1 THEN TRUE WHEN {number} = 0 THEN FALSE END"
