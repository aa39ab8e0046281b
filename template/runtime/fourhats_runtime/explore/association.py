"""Which columns go together: numbers and categories alike, each figure from 0 to 1.

Two numbers by Spearman's rank correlation; two categories by Cramér's V, without what chance alone
gives it (Bergsma, A bias-correction for Cramér's V, Journal of the Korean Statistical Society 42,
2013); a number and a category by the correlation ratio of the ranks, corrected alike (epsilon
squared). What chance could do is left out, with as many tries as there are pairs.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import TAIL, chi_squared_limit
from fourhats_runtime.explore.coding import Coded
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.explore.sample import Rows

MOST_ROWS, MOST_COLUMNS, MOST_SHOWN, FEWEST = 10_000, 60, 30, 50
SMALL = 0.1
"""What is smaller is not worth a line, however sure it is."""


class Pair(NamedTuple):
    """Two columns that go together."""

    one: str
    other: str
    figure: float
    by: str


def associated(rows: Rows, order: list[str]) -> list[Pair]:
    """Find the pairs that go together beyond chance, the closest first.

    Of very wide tables, those of the first columns in this order are looked at.
    """
    names = [name for name in order if len(rows.codes[name].labels) > 1][:MOST_COLUMNS]
    pairs = list(combinations(names, 2))
    found = []
    for one, other in pairs:
        first, second = rows.codes[one], rows.codes[other]
        both = np.flatnonzero(~first.is_missing & ~second.is_missing)[:MOST_ROWS]
        if len(both) < FEWEST:
            continue
        figure, by, is_real = _figure(first, second, both, rows.independent, TAIL / len(pairs))
        if is_real and abs(figure) >= SMALL:
            found.append(Pair(one, other, figure, by))
    return sorted(found, key=lambda pair: -abs(pair.figure))


def section(rows: Rows, found: list[Pair]) -> Section:
    """Say which columns go together."""
    title = "Which columns go together"
    seen = min(len(rows.codes), MOST_COLUMNS)
    words = [
        f"Pairs that go together closer than chance, and by {SMALL} or more: {len(found)}."
        if found
        else f"No two columns go together closer than chance and by at least {SMALL}.",
        (
            "1 is as close as can be, 0 not at all; a minus says that one falls as the other "
            "rises. Two columns that say the same are worth no more than one."
        ),
    ]
    if seen < len(rows.codes):
        words.append(f"Looked at are the {seen} features that tell the most of the outcome.")
    if not found:
        return Section(title, words)
    if len(found) > MOST_SHOWN:
        words.append(f"The {MOST_SHOWN} closest are shown.")
    cells = [[each.one, each.other, number(each.figure, 2), each.by] for each in found[:MOST_SHOWN]]
    return Section(
        title, words, Table(["Column", "goes with", "How closely", "Measured by"], cells)
    )


def _figure(
    one: Coded, other: Coded, rows: NDArray[np.intp], independent: float, level: float
) -> tuple[float, str, bool]:
    """Give how close two columns are, by which measure, and whether chance seldom does as much."""
    count = len(rows) * independent
    if one.is_number and other.is_number:
        ranks = ranked(one.values[rows]), ranked(other.values[rows])
        if min(np.ptp(each) for each in ranks) == 0:
            return 0.0, "", False
        rho = float(np.corrcoef(*ranks)[0, 1])
        return rho, "rank correlation", rho**2 * (count - 1) > chi_squared_limit(1, level)
    if one.is_number or other.is_number:
        numbers, names = (one, other) if one.is_number else (other, one)
        return _by_ranks(ranked(numbers.values[rows]), names.codes[rows], count, level)
    return _by_counts(one.codes[rows], other.codes[rows], count, level)


def ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ranks, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[place]
    return ranks


def _by_ranks(
    ranks: NDArray[np.float64], codes: NDArray[np.intp], count: float, level: float
) -> tuple[float, str, bool]:
    _, codes = np.unique(codes, return_inverse=True)
    sizes = np.bincount(codes)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if len(sizes) == 1 or not total or count <= len(sizes):
        return 0.0, "", False
    means = np.bincount(codes, weights=ranks) / sizes
    ratio = float((sizes * (means - ranks.mean()) ** 2).sum()) / total
    corrected = max(0.0, 1 - (1 - ratio) * (count - 1) / (count - len(sizes)))
    is_real = (count - 1) * ratio > chi_squared_limit(len(sizes) - 1, level)
    return corrected**0.5, "correlation ratio of ranks", is_real


def _by_counts(
    one: NDArray[np.intp], other: NDArray[np.intp], count: float, level: float
) -> tuple[float, str, bool]:
    _, one = np.unique(one, return_inverse=True)
    _, other = np.unique(other, return_inverse=True)
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    down, across = table.shape
    if min(down, across) == 1 or count <= max(down, across):
        return 0.0, "", False
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    phi = float(((table - expected) ** 2 / expected).sum() / table.sum())
    freedom = (down - 1) * (across - 1)
    corrected = max(0.0, phi - freedom / (count - 1))
    least = min(each - (each - 1) ** 2 / (count - 1) for each in (down, across)) - 1
    is_real = count * phi > chi_squared_limit(freedom, level)
    return min(1.0, (corrected / least) ** 0.5), "Cramér's V", is_real
