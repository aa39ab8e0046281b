"""What is missing together, and which rows repeat others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourhats_runtime.data.sql import quote
from fourhats_runtime.explore.facts import Section, Table

if TYPE_CHECKING:
    from fourhats_runtime.contract import Column
    from fourhats_runtime.explore.sample import Rows

FEWEST = 20
TOGETHER = 0.9
"""Of the rows in which one of two columns is missing, those in which both are."""


def missing_together(rows: Rows) -> list[tuple[list[str], int]]:
    """Give the columns that are missing in the same rows, and in how many of the sample."""
    gaps = {name: column.is_missing for name, column in rows.codes.items()}
    names = [name for name, gap in gaps.items() if FEWEST <= gap.sum() < len(gap)]
    if len(names) < 2:  # noqa: PLR2004 (it takes two)
        return []
    there = np.array([gaps[name] for name in names], dtype=np.float32)
    both = there @ there.T
    alone = np.diag(both)
    either = alone[:, np.newaxis] + alone - both
    close = both >= TOGETHER * either
    found, seen = [], set[int]()
    for place in range(len(names)):
        group = [at for at in np.flatnonzero(close[place]).tolist() if at not in seen]
        if place in seen or len(group) < 2:  # noqa: PLR2004 (it takes two)
            continue
        seen.update(group)
        found.append(([names[at] for at in group], int(there[group].all(axis=0).sum())))
    return found


def section_of_gaps(rows: Rows) -> Section:
    """Say what is missing together."""
    title = "What is missing together"
    found = missing_together(rows)
    if not found:
        return Section(title, ["No columns are missing in the same rows, again and again."])
    words = [
        (
            "These columns are mostly missing in the same rows: often there is one reason for it, "
            "such as a form that was not filled in, or a source that came later."
        )
    ]
    share = rows.number / max(1, len(rows.outcomes))
    cells = [
        [", ".join(names), f"{'about ' if share > 1 else ''}{count * share:,.0f}"]
        for names, count in found
    ]
    return Section(title, words, Table(["Columns", "Rows without all of them"], cells))


def repeated(rows: Rows) -> dict[str, int]:
    """Count the rows that repeat an earlier one, from wholly to roughly."""
    used = [column for column in rows.contract.used if column.role != "id"]
    whole = [quote(column.name) for column in used]
    near = [_roughly(column) for column in used]
    features = [_roughly(column) for column in rows.contract.features]
    target = quote(rows.contract.target.name)
    return {
        "equal in every column but the id": _again(rows, whole),
        "nearly so: numbers to three digits, texts whatever their case": _again(rows, near),
        "nearly equal features, and yet another outcome": _otherwise(rows, features, target),
    }


def section_of_repeats(rows: Rows) -> Section:
    """Say how many rows repeat others."""
    found = repeated(rows)
    words = [
        (
            "Each counts the rows beyond the first of their kind; the last, all rows of cases that "
            "ended in different ways. With few columns, equal rows are no mistake; with many, a "
            "row may have been entered twice. Rows that look the same and end otherwise bound what "
            "any model can tell."
        )
    ]
    cells = [
        [name, f"{count:,}", f"{100 * count / max(1, rows.number):.3g} %"]
        for name, count in found.items()
    ]
    return Section(
        "Duplicates and near-duplicates", words, Table(["Rows that are", "Rows", "Share"], cells)
    )


def _roughly(column: Column) -> str:
    name = quote(column.name)
    if column.type in ("integer", "number"):
        value = f"CAST({name} AS DOUBLE)"
        digits = f"CAST(2 - floor(log10(abs({value}))) AS INTEGER)"
        plain = f"{value} = 0 OR isinf({value}) OR isnan({value})"
        return f"CASE WHEN {plain} THEN {value} ELSE round({value}, {digits}) END"
    if column.type in ("text", "category"):
        return f"lower(trim({name}))"
    return name


def _again(rows: Rows, columns: list[str]) -> int:
    # By a hash of the columns: of 300, no key has to be held.
    kinds = rows.table.aggregate(f"count(DISTINCT hash({', '.join(columns)}))").fetchall()[0][0]
    return rows.number - int(kinds)


def _otherwise(rows: Rows, features: list[str], target: str) -> int:
    ends = f"min({target}) AS low, max({target}) AS high"
    kinds = rows.table.filter(f"{target} IS NOT NULL").aggregate(
        f"hash({', '.join(features)}) AS kind, count(*) AS n, {ends}", "kind"
    )
    found = kinds.aggregate("sum(n) FILTER (low <> high)").fetchall()[0][0]
    return int(found or 0)
