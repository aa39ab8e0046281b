"""What is read from the draws: percentiles, what drives them, when it pays back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fourhats.estimate.simulation import pert

if TYPE_CHECKING:
    from fourhats.estimate.engagement import Worth
    from fourhats.estimate.simulation import Draws, Floats, Plan

PERCENTILES = (50, 80, 95)
TENTH = 0.1
HORIZON = 60
"""Months after which nobody waits for it to pay back."""


@dataclass(frozen=True)
class Driver:
    """By how many days of work the whole moves with one input."""

    title: str
    low: float
    """The mean where the input is in its lowest tenth, or the risk stays away, less the mean."""
    high: float
    """Where it is in its highest tenth, or the risk comes true."""

    @property
    def width(self) -> float:
        """How far apart both are."""
        return self.high - self.low


@dataclass(frozen=True)
class PayBack:
    """Months until what the model adds has paid for it; None: not within the horizon."""

    months: dict[int, float | None]
    """By percentile."""
    never: float
    """The share of the draws that do not pay back within the horizon."""


def percentiles(values: Floats) -> dict[int, float]:
    """Give P50, P80 and P95."""
    return dict(zip(PERCENTILES, map(float, np.percentile(values, PERCENTILES)), strict=True))


def drivers(plan: Plan, draws: Draws) -> list[Driver]:
    """Rank packages and risks by how much they move the days of work, the most first."""
    total = draws.total
    found = [
        _ends(each.title, draws.effort[:, number], total)
        for number, each in enumerate(plan.packages)
        if np.ptp(draws.effort[:, number]) > 0
    ]
    for name, comes in draws.happened.items():
        if 0 < comes.sum() < len(comes):
            middle = total.mean()
            low, high = total[~comes].mean() - middle, total[comes].mean() - middle
            found.append(Driver(f"Risk: {plan.risks[name].title}", float(low), float(high)))
    return sorted(found, key=lambda driver: -driver.width)


def pay_back(cost: Floats, worth: Worth, running: float, seed: int) -> PayBack:
    """Divide the cost by what the model adds a month beyond its running cost, draw by draw."""
    added = pert(np.random.default_rng(seed + 1), worth.three, len(cost)) - running
    months = np.full(len(cost), np.inf)
    np.divide(cost, added, out=months, where=added > 0)
    months[months > HORIZON] = np.inf
    found = np.percentile(months, PERCENTILES, method="higher")
    return PayBack(
        {
            each: float(value) if np.isfinite(value) else None
            for each, value in zip(PERCENTILES, found, strict=True)
        },
        float(np.isinf(months).mean()),
    )


def _ends(title: str, days: Floats, total: Floats) -> Driver:
    order = np.argsort(days, kind="stable")
    tenth = max(1, int(len(order) * TENTH))
    middle = total.mean()
    low, high = total[order[:tenth]].mean() - middle, total[order[-tenth:]].mean() - middle
    return Driver(title, float(low), float(high))
