"""Columns that may give the outcome away: what the contract marks, and what the rows show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.profile.leakage import (
    class_given_away,
    known_afterwards,
    number_given_away,
)

if TYPE_CHECKING:
    from fourhats_runtime.explore.sample import Rows

MOST_ROWS, MOST_VALUES, FEWEST = 20_000, 400_000, 40


def suspects(rows: Rows) -> list[tuple[str, str]]:
    """Give columns and what speaks against each."""
    found = [
        (
            column.source,
            f"{'accepted: ' * (column.leak == 'accepted')}{column.note or 'so says the contract'}",
        )
        for column in rows.contract.columns
        if column.leak
    ]
    known = np.flatnonzero(rows.known)
    known = known[: min(MOST_ROWS, MOST_VALUES // max(1, len(rows.codes)))]
    if len(known) < FEWEST:
        return found
    outcomes = [rows.outcomes[at] for at in known.tolist()]
    for name, values in rows.sample.items():
        kept = values[known]
        if kept.dtype.kind == "M":
            kept = np.where(np.isnat(kept), np.nan, kept.astype("datetime64[s]").astype(np.float64))
        texts = kept.dtype == object
        plain = [
            (None if each is None else str(each))
            if texts
            else (None if each != each else float(each))  # noqa: PLR0124
            for each in kept.tolist()
        ]
        source = rows.called(name)
        named = "is known only afterwards, by its name" if known_afterwards(source) else ""
        if rows.contract.classes:
            finding = class_given_away(plain, [str(each) for each in outcomes], named)
        else:
            finding = number_given_away(plain, [float(str(each)) for each in outcomes], named)
        if finding and source not in dict(found):
            found.append((source, finding.reason))
    return found


def section(rows: Rows) -> Section:
    """Name the suspects."""
    found = suspects(rows)
    title = "What may give the outcome away"
    if not found:
        return Section(title, ["No column is suspected to be known only once the outcome is."])
    words = [
        "Ask of each whether it is known before the decision. What is not has no place in a model."
    ]
    return Section(title, words, Table(["Column", "Why it is suspected"], found))
