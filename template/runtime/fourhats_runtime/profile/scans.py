"""Aggregates of many columns: few are asked for at once, as an engine holds all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

AT_ONCE = 24
"""Columns in one scan: what an engine holds for an aggregate, it holds for each of them."""


@dataclass
class Asked:
    """What is asked of a column: aggregates of what is `made` of its values, once, by name."""

    made: dict[str, str]
    aggregates: list[str]


def scan(relation: duckdb.DuckDBPyRelation, asked: Sequence[Asked]) -> Iterator[Any]:
    """Give the aggregates of every column, one after the other, some columns at a time."""
    for start in range(0, len(asked), AT_ONCE):
        batch = asked[start : start + AT_ONCE]
        made = [f"{sql} AS {name}" for each in batch for name, sql in each.made.items()]
        wanted = [aggregate for each in batch for aggregate in each.aggregates]
        if wanted:
            values = relation.project(", ".join(made)) if made else relation
            yield from values.aggregate(", ".join(wanted)).fetchall()[0]
