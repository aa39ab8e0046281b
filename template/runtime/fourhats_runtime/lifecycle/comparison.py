"""The one paired comparison of two models: what both earned on the same rows.

Promotion and rollback ask the same question: does the challenger earn more than the incumbent,
beyond chance? A tie keeps the incumbent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.model.parts import by_entity
from fourhats_runtime.model.sides import Hashes

Floats = NDArray[np.float64]
"""What decisions earned, shape (rows,), in the currency."""


TAIL = 0.025
"""What decisions add is given with a 95 % interval."""
WHOLE_FROM = 1000
"""From this amount on, nobody reads what stands behind the point."""


@dataclass(frozen=True)
class Comparison:
    """What the challenger earned more than the incumbent, in the currency a decision."""

    rows: int
    gain: float
    low: float
    high: float
    """The ends of the interval: the true gain is below `low`, and above `high`, with a chance of
    `error_rate` each."""
    error_rate: float

    @property
    def is_better(self) -> bool:
        """Whether the challenger earns more, beyond chance."""
        return self.low > 0

    def words(self, currency: str, decisions: int = 1) -> str:
        """Give the gain of so many decisions with its interval."""
        gain, low, high = (_amount(each * decisions) for each in (self.gain, self.low, self.high))
        return f"{gain} {currency} ({1 - 2 * self.error_rate:.0%} interval: {low} to {high})"


def compare(
    challenger: Floats,
    incumbent: Floats,
    *,
    stake: float,
    error_rate: float,
    groups: Hashes | None = None,
) -> Comparison:
    """Compare what two models earned, row by row.

    Rows of one group, such as those of one customer, are one draw. `stake` is the most that
    deciding a row otherwise can lose (see `Rule.stake`), where the rows may not show it;
    `error_rate` the share of equally good challengers that may seem better.
    """
    gains = challenger - incumbent
    differ = gains != 0
    differing = int(differ.sum()) if groups is None else len(np.unique(groups[differ]))
    draws = by_entity(gains, groups)
    return Comparison(
        rows=len(gains),
        gain=float(gains.mean()),
        low=_lower_bound(draws, differing, stake, error_rate),
        high=-_lower_bound(-draws, differing, stake, error_rate),
        error_rate=error_rate,
    )


MADE_UP = "The rows are made up, as no source is set up yet: no amount of money here is a real one."
"""What goes with the figures of a model that a sample stands behind."""


def added(evaluation: Mapping[str, Any]) -> str:
    """Say what a model adds a month to the best policy without one, with the 95 % interval."""
    gain = dict(evaluation["gain"])
    over = gain.pop("over")
    amount = Comparison(**gain).words(evaluation["currency"], evaluation["monthly_volume"])
    return f"{amount} a month to the best policy without a model, to {over}"


def _amount(money: float) -> str:
    money += 0.0  # nothing has no minus before it
    return f"{money:+,.0f}" if abs(money) >= WHOLE_FROM else f"{money:+.4g}"


def _lower_bound(gains: Floats, differing: int, stake: float, error_rate: float) -> float:
    """Give the one-sided lower confidence bound of the mean gain, by Student's t.

    Two models mostly decide alike, and what they differ by is skewed: many small gains, and seldom
    a large loss. Student's t takes a loss that did not come up for one that there is not. So one
    row more is counted, on which the worst happens: as Edwards' continuity correction of McNemar's
    test does (Psychometrika 13, 1948), where a gain is as large as a loss. Rows on which both earn
    the same say nothing of which is better: the degrees of freedom are of the others.
    """
    if not differing:
        return 0.0
    counted = np.append(gains, -max(stake, float(np.abs(gains).max())))
    error = float(counted.std(ddof=1) / np.sqrt(len(counted)))
    return float(counted.mean()) - student_limit(max(differing - 1, 1), error_rate) * error


def student_limit(freedom: float, chance: float) -> float:
    """Give what a number of Student's distribution exceeds with this chance.

    By Abramowitz and Stegun's expansion (1964, 26.7.5): where the chance is 0.045, too low by 15 %
    for one degree of freedom, by 2 % for two, by less from three on.
    """
    z = NormalDist().inv_cdf(1 - chance)
    return float(
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
