"""The one paired comparison of two models: what both earned on the same rows.

Promotion and rollback ask the same question: does the challenger earn more than the incumbent,
beyond chance? A tie keeps the incumbent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fourhats_runtime.chance import INTERVAL, TAIL, Floats, Groups, by_entity, student_limit
from fourhats_runtime.wording import number


@dataclass(frozen=True)
class Comparison:
    """What the challenger earned more than the incumbent, in the currency a decision."""

    rows: int
    gain: float
    low: float
    high: float
    """The ends of the interval."""
    is_better: bool
    """Whether the challenger earns more, beyond chance: of equally good ones, `error_rate` seem to.

    The interval that is shown has a level of its own."""

    def words(self, currency: str, decisions: int = 1) -> str:
        """Give the gain of so many decisions with its interval."""
        return _words(self.gain, self.low, self.high, currency, decisions)


def compare(
    challenger: Floats,
    incumbent: Floats,
    *,
    stake: float,
    error_rate: float = TAIL,
    groups: Groups | None = None,
) -> Comparison:
    """Compare what two models earned, row by row, shape (rows,), in the currency.

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
        low=_lower_bound(draws, differing, stake, TAIL),
        high=-_lower_bound(-draws, differing, stake, TAIL),
        is_better=_lower_bound(draws, differing, stake, error_rate) > 0,
    )


def beyond_chance(error_rate: float) -> str:
    """Say how sure it is that one is better, beside the interval, which is of another level."""
    return f"of models that are only as good, at most {error_rate:.1%} do as much by chance"


MADE_UP = "The rows are made up, as no source is set up yet: no amount of money here is a real one."
"""What goes with the figures of a model that a sample stands behind."""


def added(evaluation: Mapping[str, Any]) -> str:
    """Say what a model adds a month to the best policy without one, with the interval."""
    gain = evaluation["gain"]
    ends = (gain["gain"], gain["low"], gain["high"])
    amount = _words(*ends, evaluation["currency"], evaluation["monthly_volume"])
    return f"{amount} a month to the best policy without a model, to {gain['over']}"


def _words(gain: float, low: float, high: float, currency: str, decisions: int) -> str:
    amount, least, most = (_amount(each * decisions) for each in (gain, low, high))
    return f"{amount} {currency} ({INTERVAL}: {least} to {most})"


def _amount(money: float) -> str:
    money += 0.0  # nothing has no minus before it
    return f"{'+' if money >= 0 else ''}{number(money)}"


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
