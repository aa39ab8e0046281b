"""Names and texts, safe inside SQL, and tables one below the other.

All SQL of the project is DuckDB's, kept to what other dialects can say too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
)
FLOATS = frozenset({"FLOAT", "DOUBLE"})
BETWEEN, MOST_SOUGHT = "\N{SYMBOL FOR UNIT SEPARATOR}", 100
"""Stands between texts that another is sought among, and how many these are at most."""


def quote(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def among(text: str, texts: Sequence[str]) -> str:
    """Give the SQL of whether a text is one of some; NULL where it is NULL.

    It is sought in a text of all of them. Of a list of five or more DuckDB makes a join: of a
    hundred columns it plans for minutes. A text is sought once for each that a column's dictionary
    has, where a pattern is looked for in each row. Very many texts are a list all the same.
    """
    if len(texts) > MOST_SOUGHT:
        return f"({text} IN ({', '.join(map(literal, texts))}))"
    known = f"{BETWEEN}{BETWEEN.join(texts)}{BETWEEN}" if texts else ""
    return f"(strpos({literal(known)}, '{BETWEEN}' || {text} || '{BETWEEN}') > 0)"


def chained(operator: str, parts: Sequence[str]) -> str:
    """Put an operator between parts, in pairs of pairs: of a thousand, no engine is too deep.

    >>> chained("OR", ["a", "b", "c"])
    '(a OR (b OR c))'
    """
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({chained(operator, parts[:half])} {operator} {chained(operator, parts[half:])})"


@dataclass(frozen=True)
class Part:
    """Rows: the SQL of where they stand, that of columns to add, and their own with their types."""

    rows: str
    added: Mapping[str, str]
    columns: Mapping[str, str]


def one_below_the_other(parts: Sequence[Part]) -> str:
    """Give the SQL of the rows of all parts, by the names of their columns.

    A column that a part lacks is NULL there. Where types differ, numbers become DOUBLE, and
    anything else text.
    """
    spelled: dict[str, str] = {}
    types: dict[str, set[str]] = {}
    for part in parts:
        for name, kind in part.columns.items():
            spelled.setdefault(name.lower(), name)
            types.setdefault(name.lower(), set()).add(kind)
    common = {name: _common_type(kinds) for name, kinds in types.items()}
    return " UNION ALL ".join(_select(part, spelled, common) for part in parts)


def _select(part: Part, spelled: Mapping[str, str], common: Mapping[str, str]) -> str:
    own = {name.lower(): (name, kind) for name, kind in part.columns.items()}
    selected = [f"{value} AS {quote(name)}" for name, value in part.added.items()]
    for key, name in spelled.items():
        if key not in own:
            selected.append(f"CAST(NULL AS {common[key]}) AS {quote(name)}")
        elif own[key][1] != common[key]:
            selected.append(f"CAST({quote(own[key][0])} AS {common[key]}) AS {quote(name)}")
        else:
            selected.append(quote(own[key][0]))
    return f"SELECT {', '.join(selected)} FROM {part.rows}"


def _common_type(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds <= INTEGERS:
        return "BIGINT"
    numbers = INTEGERS | FLOATS | {"HUGEINT", "UBIGINT", "UHUGEINT"}
    return "DOUBLE" if all(k in numbers or k.startswith("DECIMAL") for k in kinds) else "VARCHAR"
