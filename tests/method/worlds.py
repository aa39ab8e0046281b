"""Columns of simulated worlds: what is drawn for training, and what for the window later on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from fourhats_runtime.lifecycle.distribution import Values

Draw = Callable[[np.random.Generator, int], Values]

CODES = np.array([f"code {place:04}" for place in range(3000)], dtype=object)
NEW_CODES = np.array([f"new {place:04}" for place in range(3000)], dtype=object)


def normal(random: np.random.Generator, rows: int) -> Values:
    return random.normal(size=rows)


def skewed(random: np.random.Generator, rows: int) -> Values:
    return random.lognormal(sigma=2, size=rows)


def whole(low: int, high: int) -> Draw:
    """Draw whole numbers, such as an age."""
    return lambda random, rows: random.integers(low, high, rows).astype(np.float64)


def count(mean: float) -> Draw:
    return lambda random, rows: random.poisson(mean, rows).astype(np.float64)


def flag(share: float) -> Draw:
    return lambda random, rows: (random.random(rows) < share).astype(np.float64)


def mixed(share: float, some: Draw, others: Draw) -> Draw:
    """Draw a share of the rows from one world, and the rest from another."""

    def draw(random: np.random.Generator, rows: int) -> Values:
        first = random.random(rows) < share
        values: Values = np.where(first, some(random, rows), others(random, rows))
        return values

    return draw


def constant(value: float | str) -> Draw:
    kind = object if isinstance(value, str) else np.float64
    return lambda _, rows: np.full(rows, value, dtype=kind)


def texts(number: int, names: Values = CODES) -> Draw:
    """Draw texts, all as likely."""
    return lambda random, rows: names[random.integers(0, number, rows)]


def unequal_texts(number: int, *, turned: bool = False) -> Draw:
    """Draw texts, the n-th as often as 1/n (Zipf's law); or the last most often."""
    shares = 1 / np.arange(1, number + 1)
    order = slice(None, None, -1) if turned else slice(None)
    shares = shares[order] / shares.sum()
    return lambda random, rows: CODES[random.choice(number, rows, p=shares)]


def above(share: float, change: Callable[[Values], Values], draw: Draw) -> Draw:
    """Change the greatest values."""

    def changed(random: np.random.Generator, rows: int) -> Values:
        values = draw(random, rows)
        values[:] = np.where(values >= np.quantile(values, 1 - share), change(values), values)
        return values

    return changed


def million(values: Values) -> Values:
    return values * 1e6
