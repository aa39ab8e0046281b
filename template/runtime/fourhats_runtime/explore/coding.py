"""Values in a few bins, so that numbers, categories, moments and gaps are looked at alike."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.wording import number

NUMBER_BINS, MOST_CATEGORIES, FEWEST = 10, 20, 5
MISSING, OTHERS = "(missing)", "(all others)"
LONG_WORDS = 40
"""A category that is longer is cut short where it is shown."""

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Coded:
    """A column by bins."""

    codes: Codes
    labels: tuple[str, ...]
    is_number: bool
    values: NDArray[np.float64]
    """The numbers, NaN where missing; of anything else, the codes."""

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Tell where there is no value."""
        gap = self.labels.index(MISSING) if MISSING in self.labels else -1
        found: NDArray[np.bool_] = self.codes == gap
        return found


def coded(values: NDArray[Any]) -> Coded:
    """Put values into bins: numbers and moments by quantiles, the commonest categories, gaps."""
    if values.dtype.kind == "M":
        gaps = np.isnat(values)
        days = values.astype("datetime64[s]").astype(np.float64)
        return _by_quantiles(np.where(gaps, np.nan, days), _day)
    if values.dtype.kind in "fiub":
        return _by_quantiles(values.astype(np.float64), number)
    return _by_name(values)


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))


def _by_quantiles(values: NDArray[np.float64], written: Any) -> Coded:  # noqa: ANN401
    gaps = np.isnan(values)
    known = np.where(np.isinf(values), np.sign(values) * np.finfo(np.float64).max, values)
    seen = np.unique(known[~gaps])
    if len(seen) <= NUMBER_BINS:
        codes = np.searchsorted(seen, np.where(gaps, 0.0, known))
        labels = [written(value) for value in seen.tolist()]
    else:
        quantiles = np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]
        cuts = np.unique(np.quantile(known[~gaps], quantiles, method="lower"))
        cuts = cuts[cuts > seen[0]]
        codes = np.searchsorted(cuts, np.where(gaps, 0.0, known), side="right")
        ends = [written(cut) for cut in cuts.tolist()]
        labels = [f"below {ends[0]}"] if ends else ["all"]
        labels += [f"{low} to below {high}" for low, high in itertools.pairwise(ends)]
        labels += [f"{ends[-1]} and above"] if ends else []
    return Coded(*_with_gaps(codes, labels, gaps), is_number=True, values=values)


def _by_name(values: NDArray[Any]) -> Coded:
    gaps = np.array([value is None for value in values], dtype=bool)
    counts = Counter(str(value) for value in values if value is not None)
    names = [name for name, rows in counts.most_common(MOST_CATEGORIES) if rows >= FEWEST]
    place = {name: at for at, name in enumerate(names)}
    codes = np.array([place.get(str(value), len(names)) for value in values], dtype=np.intp)
    labels = [shortened(name) for name in names]
    if len(names) < len(counts):
        labels.append(OTHERS)
    codes, with_gaps = _with_gaps(codes, labels, gaps)
    return Coded(codes, with_gaps, is_number=False, values=codes.astype(np.float64))


def shortened(text: str, most: int = LONG_WORDS) -> str:
    """Cut a text short."""
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _with_gaps(
    codes: NDArray[Any], labels: list[str], gaps: NDArray[np.bool_]
) -> tuple[Codes, tuple[str, ...]]:
    if not gaps.any():
        return codes.astype(np.intp), tuple(labels)
    return np.where(gaps, len(labels), codes).astype(np.intp), (*labels, MISSING)
