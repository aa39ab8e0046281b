"""Each column: how its values lie, what is missing, what is extreme, and examples of texts.

Of what says whose a row is, nothing is shown but how many values there are; personal data is not
in the table at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fourhats_runtime.data.sql import quote
from fourhats_runtime.explore.coding import shortened
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.explore.outcome import percent
from fourhats_runtime.explore.plots import distributions
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.contract import Column
    from fourhats_runtime.explore.sample import Rows

AT_ONCE = 50
QUARTERS = (0.25, 0.5, 0.75)
FENCE = 3
"""Quartile ranges beyond the quartiles: what lies there is far out (Tukey, 1977)."""
COMMONEST, EXAMPLES, MOST_PICTURES = 5, 2, 24
CONTACT = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+|\+?\d[\d ./()-]{4,}\d")
"""Addresses and long numbers in free texts, which may be somebody's."""


def described(rows: Rows, order: list[str]) -> Section:
    """Describe each column; pictures are drawn of the features in this order, the first of many."""
    cells = []
    columns = [column for column in rows.contract.used if not column.pii]
    for start in range(0, len(columns), AT_ONCE):
        cells += _some(rows, columns[start : start + AT_ONCE])
    drawn = [name for name in [*order, *rows.codes] if name in rows.codes]
    drawn = [name for name in dict.fromkeys(drawn) if not _is_text(rows, name)][:MOST_PICTURES]
    words = [
        (
            "Numbers: a quarter of the values lies below the first figure, half below the second, "
            "three quarters below the third. Far out is what lies more than "
            f"{FENCE} times the distance of the quarters beyond them: it may be right, and is "
            "worth a look."
        ),
    ]
    pictures = {}
    if drawn and rows.outcomes:
        pictures["How values lie"] = distributions({name: rows.codes[name] for name in drawn})
    if len(drawn) < len(rows.codes) and len(rows.codes) > MOST_PICTURES:
        words.append(f"Drawn are the {len(drawn)} features that tell the most of the outcome.")
    head = ["Column", "Kind", "Missing", "Different values", "Values", "Extremes"]
    return Section("Each column", words, Table(head, cells), pictures)


def without_contacts(text: str) -> str:
    """Give a text, cut short, without what may be an address or a number of somebody."""
    return shortened(CONTACT.sub("…", text))


def _some(rows: Rows, columns: list[Column]) -> list[list[str]]:
    asked = [part for column in columns for part in _asked(column)]
    found = iter(rows.table.aggregate(", ".join(asked)).fetchall()[0])
    figures = {column.name: [next(found) for _ in _asked(column)] for column in columns}
    amounts = [
        column
        for column in columns
        if column.type in ("integer", "number") and not column.is_identifier
    ]
    far = _far_out(rows, amounts, figures)
    cells = []
    for column in columns:
        known, different, *others = figures[column.name]
        missing = rows.number - known
        values, extremes = _values(rows, column, known, others)
        if far.get(column.name):
            extremes += f"; far out: {far[column.name]:,}"
        gaps = f"{missing:,} ({percent(missing / rows.number)})" if missing else "none"
        cells.append([column.source, column.type, gaps, _about(different), values, extremes])
    return cells


def _about(different: int) -> str:
    """Write a count that is estimated."""
    return f"{different:,}" if different < 100 else f"about {number(float(different), 2)}"  # noqa: PLR2004


def _asked(column: Column) -> list[str]:
    name = quote(column.name)
    counts = [f"count({name})", f"approx_count_distinct({name})"]
    if column.is_identifier or column.type in ("category", "boolean"):
        return counts
    if column.is_number:
        wanted = ", ".join(map(str, QUARTERS))
        return [
            *counts,
            f"min({name})",
            f"max({name})",
            f"approx_quantile(CAST({name} AS DOUBLE), [{wanted}])",
        ]
    if column.is_time:
        return [*counts, f"min({name})", f"max({name})"]
    return [*counts, f"min(length({name}))", f"max(length({name}))", f"avg(length({name}))"]


def _values(rows: Rows, column: Column, known: int, figures: list[Any]) -> tuple[str, str]:
    """Say how the values of a column lie, and what is extreme of them."""
    if not known:
        return "no value", ""
    if column.is_identifier:
        return "not shown: says which row it is, or whose", ""
    if column.type in ("category", "boolean"):
        return _commonest(rows, column, known), ""
    if column.is_number:
        least, most, quantiles = figures
        quarters = " / ".join(number(float(each)) for each in quantiles)
        return quarters, f"{number(float(least))} to {number(float(most))}"
    if column.is_time:
        return "", f"{str(figures[0])[:10]} to {str(figures[1])[:10]}"
    least, most, mean = figures
    return _examples(rows, column), f"{least:,} to {most:,} characters, {mean:,.0f} on average"


def _far_out(rows: Rows, columns: list[Column], figures: dict[str, list[Any]]) -> dict[str, int]:
    """Count the values that are far out, of all columns at once."""
    asked = {}
    for column in columns:
        known, *_, quantiles = figures[column.name]
        if not known or quantiles[0] == quantiles[-1]:
            continue  # most values are one and the same: then others are rare, not far out
        off = FENCE * float(quantiles[-1] - quantiles[0])
        name = quote(column.name)
        low, high = float(quantiles[0]) - off, float(quantiles[-1]) + off
        asked[column.name] = f"count(*) FILTER ({name} < {low!r} OR {name} > {high!r})"
    if not asked:
        return {}
    counts = rows.table.aggregate(", ".join(asked.values())).fetchall()[0]
    return dict(zip(asked, counts, strict=True))


def _commonest(rows: Rows, column: Column, known: int) -> str:
    name = quote(column.name)
    counted = rows.table.filter(f"{name} IS NOT NULL").aggregate(
        f"{name} AS v, count(*) AS n", name
    )
    found = counted.order("n DESC, v").limit(COMMONEST).fetchall()
    said = [f"{shortened(_said(value))} {percent(rows_of / known)}" for value, rows_of in found]
    return ", ".join(said)


def _said(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _examples(rows: Rows, column: Column) -> str:
    name = quote(column.name)
    found = rows.table.filter(f"{name} IS NOT NULL").aggregate(f"{name} AS v", name)
    texts = found.order("hash(v), v").limit(EXAMPLES).fetchall()
    return "; ".join(f"“{without_contacts(str(text))}”" for (text,) in texts)


def _is_text(rows: Rows, name: str) -> bool:
    return any(each.source == name and each.type == "text" for each in rows.contract.used)
