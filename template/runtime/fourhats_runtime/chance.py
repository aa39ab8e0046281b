"""What chance alone can do: the intervals that are shown, and the limits that alarms have.

Every interval that is shown is one of 95 %: this is said here, and nowhere else.

Rows of one entity (a customer, a machine, a shop) are alike, and say less than as many rows of
others. So they are summed up by entity first, and entities are what varies (Cameron and Miller, A
Practitioner's Guide to Cluster-Robust Inference, Journal of Human Resources 50(2), 2015). `groups`,
of shape (rows,), are equal for rows of one entity; without any, each row stands for itself, and
nothing here differs from the field's usual formulas.
"""

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.integer[Any]]

NORMAL = NormalDist()
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
"""How often the truth is beyond either end."""
INTERVAL = f"{100 * CONFIDENCE:.0f} % interval"
OF_100 = f"{100 * CONFIDENCE:.0f} of 100"
FEWEST_ENTITIES = 20
"""Of fewer rows, or entities, an interval says nothing, and no alarm is raised."""


def numbered(names: Iterable[object]) -> Groups:
    """Give entities numbers, by their names; a row of nobody known stands for itself."""
    places: dict[object, int] = {}
    return np.array(
        [
            places.setdefault((row,) if name is None else name, len(places))
            for row, name in enumerate(names)
        ],
        dtype=np.int64,
    )


def entities(groups: Groups | None, rows: int) -> int:
    """Count the entities of so many rows."""
    return rows if groups is None else len(np.unique(groups))


def are_few(groups: Groups) -> bool:
    """Tell whether rows are of too few entities to say what others would be like."""
    return entities(groups, len(groups)) < min(FEWEST_ENTITIES, len(groups))


def by_entity(amounts: Floats, groups: Groups | None) -> Floats:
    """Give amounts, one a row, as independent draws, one an entity, of the same mean and unit.

    What an entity's rows are off the mean is summed up.
    """
    if groups is None:
        return amounts
    mean = amounts.mean()
    off = _summed(amounts - mean, groups)
    draws: Floats = mean + off * len(off) / len(amounts)
    return draws


def variance_of_sum(off: Floats, groups: Groups | None) -> float:
    """Give the variance of the sum of what rows are off their mean.

    Of one entity nobody knows how others are: all of its rows might be off to the same side.
    """
    if entities(groups, len(off)) == len(off):
        return float(off @ off)
    summed = _summed(off, groups)
    if len(summed) == 1:
        return float(np.abs(off).sum() ** 2)
    return float(summed @ summed) * len(summed) / (len(summed) - 1)


def greatest_effect(groups: Groups | None, rows: int) -> float:
    """Give the design effect of rows that are all alike within their entity."""
    sizes = _summed(np.ones(rows), groups)
    return float(sizes @ sizes) / rows if rows else 1.0


def likeness(amounts: Floats, groups: Groups | None) -> float:
    """Give the correlation of amounts, one a row, within an entity: from 0 to 1.

    It makes the design effect (Kish, Survey Sampling, 1965). Of rows that are all alike nothing is
    known of it: then it is 1.
    """
    most = greatest_effect(groups, len(amounts))
    if most == 1:
        return 0.0
    off = amounts - amounts.mean()
    squares = float(off @ off)
    effect = variance_of_sum(off, groups) / squares if squares else most
    return min(1.0, max(0.0, (effect - 1) / (most - 1)))


def independent_rows(amounts: Floats, groups: Groups | None, likewise: float = 0.0) -> float:
    """Give how many independent rows would say as much of the mean of amounts, one a row.

    `likewise` is the likeness of others that are known: of few rows, their own may not show.
    """
    alike = max(likeness(amounts, groups), likewise)
    return len(amounts) / (1 + alike * (greatest_effect(groups, len(amounts)) - 1))


def half_width(amounts: Floats, groups: Groups | None) -> float:
    """Give what the ends of the interval of the mean of amounts, one a row, are away from it."""
    rows = independent_rows(amounts, groups)
    return float(amounts.std() / rows**0.5) * limit(TAIL, groups) if rows else 0.0


def limit(level: float, *samples: Groups | None) -> float:
    """Give the number of standard errors that chance passes, upwards, with probability `level`.

    Where an error is found by entities, there is one of it to each: by Student's distribution, of
    the sample with the fewest.
    """
    repeated = (
        len(np.unique(groups)) for groups in samples if groups is not None and repeats(groups)
    )
    fewest = min(repeated, default=0)
    return student_limit(max(1, fewest - 1), level) if fewest else normal_limit(level)


def repeats(groups: Groups) -> bool:
    """Tell whether any entity has several rows."""
    return len(np.unique(groups)) < len(groups)


def normal_limit(level: float) -> float:
    """Give the number of standard errors that chance passes, upwards, with probability `level`."""
    return NORMAL.inv_cdf(1 - level)


def student_limit(freedom: float, level: float) -> float:
    """Give what a number of Student's distribution exceeds with probability `level`.

    By Abramowitz and Stegun's expansion (1964, 26.7.5): where the level is 0.045, too low by 15 %
    for one degree of freedom, by 2 % for two, by less from three on.
    """
    z = normal_limit(level)
    return float(
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def chi_squared_limit(freedom: float, level: float) -> float:
    """Give the sum of so many squared standard errors that chance passes with this probability.

    By the cube root, which is all but normal (Wilson and Hilferty, The Distribution of Chi-square,
    PNAS 17, 1931).
    """
    spread = 2 / (9 * freedom)
    root: float = 1 - spread + normal_limit(level) * spread**0.5
    return freedom * root**3


class Together(NamedTuple):
    """How sums over rows vary together by entity, beside those of independent rows."""

    effect: float = 1.0
    """The mean of their design effects, at least 1."""
    share: float = 1.0
    """Of their degrees of freedom, what is left."""
    likeness: float = 0.0
    """The correlation within an entity that makes the effect."""


ALONE = Together()


def together(covariance: Floats, freedom: int) -> Together:
    """Sum up a covariance; that of independent rows has so many degrees of freedom.

    The sum of squares is a multiple of a chi-squared number with the same mean and variance (Rao
    and Scott, On Chi-squared Tests for Multiway Contingency Tables, Annals of Statistics 12, 1984).
    """
    total = float(np.trace(covariance))
    if not total:  # each entity's rows are made up as all are: no more varies than by rows alone
        return ALONE
    left = total**2 / float((covariance**2).sum()) / freedom
    return Together(max(1.0, total / freedom), min(1.0, left))


def of_sums(sums: Floats, rows: int) -> Floats:
    """Give the covariance of sums over so many rows.

    `sums`, of shape (entities, sums), are what each entity's rows are off. Of as many entities as
    rows, each has one: then nothing is estimated by them.
    """
    number = len(sums)
    return sums.T @ sums * (number / (number - 1) if 1 < number < rows else 1.0)


def of_shares(places: NDArray[np.integer[Any]], groups: Groups | None) -> Together:
    """Tell how the shares of the bins vary, in whose `places` rows are.

    Where rows are all in one bin or of one entity, nothing is known of it: then they are taken for
    alike.
    """
    if groups is None or not repeats(groups):
        return ALONE
    rows = len(places)
    there, place = np.unique(places, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    counts = np.bincount(group * len(there) + place, minlength=len(names) * len(there))
    counts = counts.reshape(len(names), len(there))
    most = greatest_effect(groups, rows)
    if 1 in counts.shape:
        return Together(most, likeness=1.0)
    shares = counts.sum(axis=0) / rows
    off = (counts - np.outer(counts.sum(axis=1), shares)) / np.sqrt(rows * shares)
    found = together(of_sums(off, rows), len(there) - 1)
    return found._replace(likeness=min(1.0, (found.effect - 1) / (most - 1)))


def squares_limit(freedom: int, level: float, share: float, *samples: Groups | None) -> float:
    """Give what the sum of so many squared standard errors exceeds with probability `level`.

    Of their degrees of freedom a share is left (see `together`); errors are found by the samples.
    """
    widened = limit(level, *samples) / normal_limit(level)
    return chi_squared_limit(share * freedom, level) / share * widened**2


def _summed(amounts: Floats, groups: Groups | None) -> Floats:
    """Sum amounts up by entity."""
    if groups is None:
        return amounts
    _, group = np.unique(groups, return_inverse=True)
    return np.bincount(group, weights=amounts).astype(np.float64)
