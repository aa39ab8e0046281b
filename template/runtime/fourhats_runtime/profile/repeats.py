"""Columns that say nothing of their own: the same as another, or filled only in the latest rows."""

from collections import defaultdict
from collections.abc import Mapping

import duckdb

from fourhats_runtime.profile.facts import Facts

LEARNT_FROM = 0.6
"""Share of the rows, the oldest first, that a model is sure to be trained on."""


def copies(relation: duckdb.DuckDBPyRelation, columns: Mapping[str, Facts]) -> dict[str, str]:
    """Name the columns that hold what another holds, row by row, with the first that does."""
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, facts in columns.items():
        seen = facts.kind, facts.present, facts.distinct, facts.low, facts.high, facts.classes
        alike[seen].append(name)
    compared = [name for names in alike.values() if len(names) > 1 for name in names]
    if not compared:
        return {}
    numbered = ", ".join(
        f"CAST({columns[name].value} AS VARCHAR) AS v{n}" for n, name in enumerate(compared)
    )
    # Of both as one text: hashes of several values are combined so that places could be swapped.
    prints = ", ".join(
        f"bit_xor(hash(concat_ws('|', coalesce(v{n}, '\\N'), place)))" for n in range(len(compared))
    )
    rows = relation.project(f"{numbered}, row_number() OVER () AS place")
    first: dict[tuple[object, int], str] = {}
    found = {}
    for name, fingerprint in zip(compared, rows.aggregate(prints).fetchall()[0], strict=True):
        same = first.setdefault((columns[name].kind, fingerprint), name)
        if same != name:
            found[name] = same
    return found


def filled_late(
    relation: duckdb.DuckDBPyRelation,
    rows: int,
    columns: Mapping[str, Facts],
    time: Facts,
) -> dict[str, str]:
    """Name the columns that are empty in all the older rows, with the moment of the first value."""
    gaps = [name for name, facts in columns.items() if facts.present < (1 - LEARNT_FROM) * rows]
    if not gaps:
        return {}
    moment = f"({time.value})::TIMESTAMP"
    cut = relation.aggregate(f"quantile_disc({moment}, {LEARNT_FROM})").fetchall()[0][0]
    look = ", ".join(f"min({moment}) FILTER ({columns[name].value} IS NOT NULL)" for name in gaps)
    firsts = relation.aggregate(look).fetchall()[0]
    return {
        name: f"{first:%Y-%m-%d}"
        for name, first in zip(gaps, firsts, strict=True)
        if first is not None and cut is not None and first > cut
    }
