"""What a model's training rows were like, column by column: the baseline of drift.

A column is described by the rows in each of its bins. Where there are few different values, each is
a bin. Where there are many, half of the rows, drawn by chance, say where the bins are cut, and the
other half is counted in them. Rows by which the bins were chosen are no fair sample of them: what
was common by luck would seem to become rarer, and what lies beyond their range to be new (Cox, A
Note on Data-Splitting for the Evaluation of Significance Levels, Biometrika 62(2), 1975).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from fourhats_runtime.chance import Groups, of_shares

BINS = 10
FEW = 20
"""With at most so many different values, each has a bin of its own."""
MOST_UNSEEN = 0.01
"""The others must not be likelier than this: ten numbers of a thousand are no categories."""
COMMON = 0.05
"""A value with this share of the rows has one too: a spike, half as large as a bin."""
TAIL = 0.1
"""The outer bins are cut once more, at this share from their ends."""
KNOWN = COMMON / 10
"""A value with a smaller share of the training rows arrives where it is common in current ones."""
MOST_ROWS = 100_000
"""More rows describe a column no better."""
MOST_TEXTS = 10_000
"""The others, which are the rarest, count as unknown."""

Values = NDArray[np.floating[Any]] | NDArray[np.object_]
"""A column: numbers with NaN, or texts."""


class Distribution(BaseModel):
    """The bins of a column, and how many training rows lie in each, by `places`."""

    levels: list[float] = []
    """Numbers with a bin of their own, in ascending order."""
    edges: list[float] = []
    """The other numbers lie between these, or beyond them."""
    groups: list[list[str]] = []
    """The texts of each bin."""
    counts: list[int] = []
    known: list[float] | list[str] = []
    """The values that were no rarity."""
    effect: float = 1.0
    """As many of these rows say as much as an independent one, as rows of one entity are alike."""
    likeness: float = 0.0
    """How much they are: see `chance.likeness`."""


def baseline(
    columns: Mapping[str, Values], groups: Groups | None = None
) -> dict[str, Distribution]:
    """Describe rows, column by column; `groups` are equal for rows of one entity."""
    return {name: _describe(values.ravel(), groups) for name, values in columns.items()}


def baselines_of(card: Mapping[str, Any]) -> dict[str, Distribution]:
    """Read the baselines that a registered model keeps."""
    kept = card["drift_baseline"].items()
    return {name: Distribution.model_validate(described) for name, described in kept}


def prediction_column(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take one figure a row: the last class's probability, or the number itself."""
    return outputs[:, -1] if outputs.ndim > 1 else outputs


def _size(column: Values, bins: Distribution) -> int:
    """Count the bins, with those of what is unknown or missing."""
    return len(bins.groups) + 1 if column.dtype == object else len(bins.levels + bins.edges) + 2


def places(column: Values, bins: Distribution) -> NDArray[np.int64]:
    """Give each row's bin: of texts the groups, then what is in none of them.

    Of numbers the levels, then what lies below, between and beyond the edges, then the gaps.
    """
    if column.dtype == object:
        known = {text: place for place, group in enumerate(bins.groups) for text in group}
        unknown = len(bins.groups)
        return np.array([known.get(text, unknown) for text in column.tolist()], dtype=np.int64)
    numbers = column.astype(np.float64)
    between = len(bins.levels) + np.searchsorted(bins.edges, numbers, side="right")
    found = np.where(np.isin(numbers, bins.levels), np.searchsorted(bins.levels, numbers), between)
    return np.where(np.isnan(numbers), _size(column, bins) - 1, found)


def _describe(column: Values, groups: Groups | None) -> Distribution:
    chosen = np.random.default_rng(0).permutation(len(column))[:MOST_ROWS]
    drawn, whose = column[chosen], None if groups is None else groups[chosen]
    frequencies = _frequencies(drawn, whose)
    if _few(frequencies):  # nothing is chosen by the rows: all of them can be counted
        known = list(frequencies)
        bins = (
            Distribution(groups=[[text] for text in known])
            if column.dtype == object
            else Distribution(levels=sorted(known))
        )
        counted = drawn
    else:
        known = _at_least(KNOWN, frequencies)
        half = _half(whose, len(drawn))
        cut, counted = drawn[half], drawn[~half]
        of_cut, whose = (None, None) if whose is None else (whose[half], whose[~half])
        frequencies = _frequencies(cut, of_cut)
        is_text = column.dtype == object
        bins = _groups(frequencies) if is_text else _intervals(cut, frequencies)
    found = places(counted, bins)
    together = of_shares(found, whose)
    return bins.model_copy(
        update={
            "counts": np.bincount(found, minlength=_size(counted, bins)).tolist(),
            "known": known,
            "effect": together.effect,
            "likeness": together.likeness,
        }
    )


def _half(groups: Groups | None, rows: int) -> NDArray[np.bool_]:
    """Choose every other row, or all rows of every other entity."""
    place = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    return np.asarray(place % 2 == 0)


def _intervals(column: Values, frequencies: dict[Any, int]) -> Distribution:
    """Give common numbers bins of their own, and cut the others into parts of as many rows."""
    levels = sorted(_at_least(COMMON, frequencies))
    numbers = _there(column)
    others = numbers[~np.isin(numbers, levels)]
    if not len(others):
        return Distribution(levels=levels)
    parts = _parts(len(others) / len(numbers))
    shares = [0, TAIL / parts, *np.arange(1, parts) / parts, 1 - TAIL / parts]
    # Each edge is a number that came up and begins a bin; the last begins above the largest.
    edges = np.quantile(others, shares, method="inverted_cdf")
    edges = np.unique([*edges, np.nextafter(others.max(), np.inf)])
    return Distribution(levels=levels, edges=edges.tolist())


def _groups(frequencies: dict[Any, int]) -> Distribution:
    """Give common texts bins of their own, and put the others together, the commonest first."""
    common = _at_least(COMMON, frequencies)
    groups = [[text] for text in common]
    others = list(frequencies)[len(common) : MOST_TEXTS]
    if others:
        rows = np.array([frequencies[text] for text in others])
        parts = _parts(float(rows.sum()) / sum(frequencies.values()))
        places = (np.cumsum(rows) - rows) * parts // rows.sum()
        groups += [
            [text for text, place in zip(others, places, strict=True) if place == part]
            for part in np.unique(places)
        ]
    return Distribution(groups=groups)


def _few(frequencies: dict[Any, int]) -> bool:
    """Tell whether these are all the values that there are.

    By the share of rows whose value came up once, more rows would bring values that these lack
    (Good, The Population Frequencies of Species, Biometrika 40, 1953).
    """
    once = sum(rows == 1 for rows in frequencies.values())
    return len(frequencies) <= FEW and once <= MOST_UNSEEN * sum(frequencies.values())


def _at_least(share: float, frequencies: dict[Any, int]) -> list[Any]:
    """Give the values that have this share of the rows, and more than one; the commonest first."""
    least = max(2, share * sum(frequencies.values()))
    return [value for value, rows in frequencies.items() if rows >= least]


def _frequencies(column: Values, groups: Groups | None) -> dict[Any, int]:
    """Count the rows of each value, the commonest first; gaps are none. An entity has it once."""
    there = np.ones(len(column), dtype=bool) if column.dtype == object else ~np.isnan(column)
    values = column[there].tolist()
    if groups is not None:
        once = dict.fromkeys(zip(values, groups[there].tolist(), strict=True))
        values = [value for value, _ in once]
    return dict(Counter(values).most_common())


def _there(column: Values) -> NDArray[np.float64]:
    numbers = column.astype(np.float64)
    return numbers[~np.isnan(numbers)]


def _parts(share: float) -> int:
    """Give the number of bins into which a share of the rows is cut."""
    return max(1, round(BINS * share))
