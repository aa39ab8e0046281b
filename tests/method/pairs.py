"""Worlds of two models whose truth is known: what both earn on the rows of a holdout.

Each world draws pairs from a generator: what the challenger and the incumbent earned, row by row.
`edge` is how much better the challenger is: at 0 both earn the same in expectation.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Earned = tuple[Floats, Floats]
PILOT = 400_000


class World(NamedTuple):
    """A world: what is drawn, the rows of a holdout, and what deciding otherwise can lose."""

    draw: Callable[[np.random.Generator, int, float], Earned]
    rows: int
    stake: float


def numbers(random: np.random.Generator, rows: int, edge: float) -> Earned:
    """Give two regressions: an error of their own each, and one that the row brings."""
    common = random.normal(0, 5, rows)

    def earned(spread: float) -> Floats:
        error = np.abs(common + random.normal(0, spread, rows))
        return np.clip(10 * (1 - error / 20), -10, 10)

    return earned(4 * (1 - edge)), earned(4.0)


def scores(random: np.random.Generator, rows: int, edge: float) -> Earned:
    """Give two classifiers that act from a probability on: +100 rightly, -20 in vain."""
    truth = random.normal(-1.5, 1.5, rows)
    right = random.random(rows) < 1 / (1 + np.exp(-truth))

    def earned(spread: float) -> Floats:
        acts = truth + random.normal(0, spread, rows) > -1.6
        return np.where(acts, np.where(right, 100.0, -20.0), 0.0)

    return earned(1 - edge), earned(1.0)


def flags(random: np.random.Generator, rows: int, edge: float) -> Earned:
    """Give two finders of rare cases, of 2 in 100 rows: +100 rightly, -20 in vain."""
    right = random.random(rows) < 0.02

    def earned(found: float) -> Floats:
        acts = np.where(right, random.random(rows) < found, random.random(rows) < 0.02)
        return np.where(acts, np.where(right, 100.0, -20.0), 0.0)

    return earned(0.5 * (1 + edge)), earned(0.5)


def leaving_out(gain: float, loss: float, share: float) -> World:
    """Give two rules that differ at their thresholds alone: the challenger acts on fewer cases.

    Of the cases that it leaves out, most save a little (`gain`) and a few would have earned much
    (`loss`): as many of each as makes both rules worth the same.
    """

    def draw(random: np.random.Generator, rows: int, edge: float) -> Earned:
        saved = share * loss / (gain + loss) * (1 + edge)
        place = random.random(rows)
        lost = (place >= saved) & (place < saved + share * gain / (gain + loss))
        incumbent = np.where(place < saved, -gain, np.where(lost, loss, 0.0))
        return np.zeros(rows), incumbent

    return World(draw, 1000, loss)


WORLDS = {
    "numbers": World(numbers, 600, 0.0),
    "scores": World(scores, 1000, 100.0),
    "flags": World(flags, 5000, 100.0),
    "thresholds": leaving_out(20, 100, 0.3),
}
"""Worlds in which the rows can prove a gain."""
SPARSE = {
    "few rows": World(numbers, 60, 0.0),
    "few rows differ": leaving_out(20, 100, 0.02),
    "a rare large loss": leaving_out(10, 500, 0.03),
    "a dear one": leaving_out(20, 400, 0.06),
}
"""Worlds in which too little tells the two apart: a gain can be neither proven nor invented."""


def edge_of(world: World, standard_errors: float) -> float:
    """Find how much better a challenger has to be for a gain of so many standard errors."""
    low, high = 0.0, 1.0
    for _ in range(20):
        edge = (low + high) / 2
        challenger, incumbent = world.draw(np.random.default_rng(0), PILOT, edge)
        gains = challenger - incumbent
        found = gains.mean() / gains.std() * world.rows**0.5
        low, high = (edge, high) if found < standard_errors else (low, edge)
    return high
