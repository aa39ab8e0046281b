"""A contract as the text of its file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def as_text(described: Mapping[str, Any]) -> str:
    """Write what a contract's file describes, as `tomllib` reads it, as TOML."""
    return "\n".join(_lines(described, "")) + "\n"


def _lines(described: Mapping[str, Any], table: str) -> Iterator[str]:
    """Give the values of a table, then the tables in it."""
    nested = {name: value for name, value in described.items() if _is_tables(value)}
    for name, value in described.items():
        if name not in nested:
            yield f"{json.dumps(name)} = {_value(value)}"
    for name, tables in nested.items():
        for each in tables:
            yield f"[[{table}{json.dumps(name)}]]"
            yield from _lines(each, f"{table}{json.dumps(name)}.")


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value: object) -> str:
    if isinstance(value, dict):
        entries = (f"{json.dumps(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {', '.join(entries)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
