"""Typed values out of what a source gives, in SQL that gives the same in every dialect.

Engines don't agree on which texts are numbers, times or truths, nor on how they round: the texts
are named here by patterns, and what does not fit is NULL.
"""

import re
from collections.abc import Sequence

from fourhats_runtime.contract import Column
from fourhats_runtime.contract.written import OFFSETS, Form
from fourhats_runtime.data.sql import FLOATS, INTEGERS, among, literal, quote

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
AWAY = ":[0-9.]+ ?[+-]([1-9]|0[1-9]|00:?[1-9])"
"""The distance to UTC of a moment: engines drop it. It is read where the contract says so."""
TRUE, FALSE = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n")
MOST_EXACT = 10**15
"""Below it, engines write a whole DOUBLE without an exponent; from it on, each as it likes."""


def typed(  # noqa: C901 (a branch a type)
    column: Column, raw_type: str | None
) -> tuple[str, str | None]:
    """Give the SQL of a column's typed value, and of whether the source left it empty.

    The latter is None where a value is only NULL if it was left empty: nothing else is refused.
    """
    source, wanted = quote(column.source), SQL_TYPES[column.type]
    source = _without_sentinels(source, column, raw_type)
    nothing, missing = f"CAST(NULL AS {wanted})", f"({source} IS NULL)"
    if raw_type is None:  # rows that are to be scored come without the target
        return nothing, None
    certain: dict[str, str] = {"VARCHAR": f"CAST({source} AS VARCHAR)"}
    tried: dict[str, str] = {}
    if raw_type == "VARCHAR":
        marked = is_mark(source, column.missing_marks)
        missing = f"({source} IS NULL OR {marked})"
        certain["VARCHAR"] = f"CASE WHEN NOT {marked} THEN trim({source}) END"
        tried = from_text(trimmed(source), column.form)
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
        if column.written:  # days as 20260131, or seconds
            text = f"CAST({source} AS VARCHAR)"
            tried["TIMESTAMP"] = from_text(text, column.form)["TIMESTAMP"]
        if raw_type in INTEGERS:
            certain["BIGINT"] = f"CAST({source} AS BIGINT)"
    elif raw_type == "BOOLEAN":
        certain = _from_truth(source)
    elif raw_type.startswith(("DATE", "TIMESTAMP")):
        certain["TIMESTAMP"] = f"CAST({source} AS TIMESTAMP)"
    if wanted in certain:
        return certain[wanted], None
    return tried.get(wanted, nothing), missing


def trimmed(text: str) -> str:
    """Give the SQL of a text without blanks around it, no-break ones among them."""
    return f"trim(replace({text}, '\u00a0', ' '))"


def is_mark(text: str, marks: Sequence[str]) -> str:
    """Give the SQL of whether a text is one of the marks that mean "no value"."""
    return among(f"lower(trim({text}))", marks)


def from_text(text: str, form: Form | None) -> dict[str, str]:
    """Give the SQL of a text's value as each type, written as the form says."""
    yes, no = (among(f"lower({text})", words) for words in (TRUE, FALSE))
    plain = text if form is None else _plain(text, form)
    whole = f"TRY_CAST(regexp_replace({plain}, '[.]0*$', '') AS BIGINT)"
    return {
        "BIGINT": f"CASE WHEN regexp_matches({plain}, '{WHOLE}') THEN {whole} END",
        "DOUBLE": _hours(plain) if form is not None and form.clock else _double(plain),
        "BOOLEAN": f"CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END",
        "TIMESTAMP": _moment(plain, form),
    }


def _plain(text: str, form: Form) -> str:
    """Give the SQL of the plain text: `contract.written.plain` in other words."""
    text = f"lower({text})" if form.small else text
    plain = text
    for step in form.steps:
        function = "regexp_replace" if step.pattern else "replace"
        plain = f"{function}({plain}, {literal(step.find)}, {literal(step.put)})"
    return f"CASE WHEN regexp_matches({text}, {literal(form.shape)}) THEN {plain} END"


def _double(plain: str) -> str:
    return f"CASE WHEN regexp_matches({plain}, '{NUMBER}') THEN TRY_CAST({plain} AS DOUBLE) END"


def _hours(clock: str) -> str:
    """Give the SQL of the hours of a text such as 14:35:00."""
    shape = "^([0-9]+):([0-9]+):([0-9.]+)$"
    hours, minutes, seconds = (
        f"TRY_CAST(regexp_replace({clock}, '{shape}', '\\{group}') AS DOUBLE)"
        for group in (1, 2, 3)
    )
    return f"({hours} + {minutes} / 60 + {seconds} / 3600)"


def _moment(plain: str, form: Form | None) -> str:
    if form is not None and form.counted is not None:
        size, start = form.counted
        counted = f"CAST(round(TRY_CAST({plain} AS DOUBLE) * {size} + {start}) AS BIGINT)"
        return f"CAST(make_timestamp({counted}) AS TIMESTAMP)"
    if form is not None and form.zoned:
        local = f"regexp_replace({plain}, '^(.*:[0-9.]+)[+-][0-9:]+$', '\\1')"
        moment = _moment(local, None)
        shifted = " ".join(
            f"WHEN '{offset}' THEN {moment} {'-' if offset[0] == '+' else '+'} "
            f"INTERVAL '{60 * int(offset[1:3]) + int(offset[4:])}' MINUTE"
            for offset in OFFSETS
        )
        return f"CASE right({plain}, 6) {shifted} ELSE {moment} END"
    return (
        f"CASE WHEN regexp_matches({plain}, '{MOMENT}') AND NOT regexp_matches({plain}, '{AWAY}') "
        f"THEN TRY_CAST(replace({plain}, '/', '-') AS TIMESTAMP) END"
    )


def _without_sentinels(number: str, column: Column, raw_type: str | None) -> str:
    """Give the SQL of a number that is NULL where it is one of the column's own marks."""
    if raw_type is None or raw_type.startswith(("VARCHAR", "DATE", "TIME", "BOOL")):
        return number
    for mark in column.missing or ():
        if re.fullmatch(NUMBER, mark.strip()):
            number = f"nullif({number}, {mark.strip().lstrip('+')})"
    return number


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
