"""What there is to win: what decisions earn a month without a model, and with a perfect one.

A case calls for action or does not, and is acted on or left: four amounts say what each decision
earns (Elkan, The foundations of cost-sensitive learning, IJCAI 2001). With the share of the cases
that call for action, all here is arithmetic: nothing is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.business import ActionValue

NOBODY, EVERYBODY = "act on nobody", "act on everybody"


def written(amount: float) -> str:
    """Write an amount of money to the unit: nothing has no sign."""
    return f"{round(amount):,}"


@dataclass(frozen=True)
class Limits:
    """What is earned a month, in the currency: without a model, and by one that is never wrong."""

    policies: Mapping[str, float]
    """By the names of what may be done without a model."""
    perfect: float

    @property
    def best(self) -> str:
        """The name of what earns the most without a model."""
        return max(self.policies, key=self.policies.__getitem__)

    @property
    def headroom(self) -> float:
        """What a perfect model adds a month, at most, to the best that is done without one."""
        return self.perfect - self.policies[self.best]


@dataclass(frozen=True)
class Stakes:
    """Decisions between acting and leaving: what they earn, how many there are, how many call."""

    value: ActionValue
    share: float
    """Of the cases, those that call for action."""
    today: tuple[str, float] | None = None
    """Today's rule, by its name, and what a decision by it earns."""

    @property
    def act_gain(self) -> float:
        """What acting on a case that calls for it earns more than leaving it."""
        return self.value.act_right - self.value.missed

    @property
    def act_loss(self) -> float:
        """What acting on a case that does not call for it earns less than leaving it."""
        return self.value.left_alone - self.value.act_wrong

    @cached_property
    def limits(self) -> Limits:
        """What is earned a month by the policies without a model, and by a perfect one.

        By a perfect one: share · max(act_right, missed) + (1 - share) · max(act_wrong, left_alone),
        a decision.
        """
        value = self.value
        policies = {
            NOBODY: self._mean(value.missed, value.left_alone),
            EVERYBODY: self._mean(value.act_right, value.act_wrong),
        }
        if self.today is not None:
            policies |= dict([self.today])
        perfect = self._mean(
            max(value.act_right, value.missed), max(value.act_wrong, value.left_alone)
        )
        volume = value.monthly_volume
        return Limits({name: volume * each for name, each in policies.items()}, volume * perfect)

    def worth(self, recall: float, precision: float) -> float:
        """Give what a month earns where `recall` of the cases that call for action are acted on.

        `precision` is the share of those acted on that call for it. A decision earns what acting on
        nobody does, and recall · share · (act_gain - act_loss · (1 - precision) / precision).
        """
        odds = (1 - precision) / precision
        gain = recall * self.share * (self.act_gain - self.act_loss * odds)
        return self.limits.policies[NOBODY] + self.value.monthly_volume * gain

    def precision_needed(self, recall: float, added: float) -> float | None:
        """Give the precision at which a month earns `added` beyond the best without a model.

        It solves `worth` for the precision: with the amount that is short of it,
        gap = (best + added - nobody) / (volume · share · recall), it is
        act_loss / (act_loss + act_gain - gap). None: no precision is enough at this recall.
        """
        found = recall * self.share * self.value.monthly_volume
        limits = self.limits
        gap = limits.policies[limits.best] + added - limits.policies[NOBODY]
        left = self.act_gain - gap / found if found else -1.0
        if left < 0 or self.act_loss <= 0:
            return None
        return self.act_loss / (self.act_loss + left)

    def _mean(self, called: float, others: float) -> float:
        return self.share * called + (1 - self.share) * others


@dataclass(frozen=True)
class Cost:
    """What building it takes, at the median (50) and with four chances of five (80)."""

    days: Mapping[int, float]
    horizon: int
    """Months within which it has to have paid back."""
    day_rate: float | None = None
    running: float = 0.0
    """A month, once it runs."""

    def amount(self, percentile: int) -> float | None:
        """Give what building costs; None without a day rate."""
        return None if self.day_rate is None else self.days[percentile] * self.day_rate

    def needed(self, percentile: int, months: float | None = None) -> float:
        """Give what a model has to add a month to pay back: cost / months + running.

        Without a day rate, the latter alone.
        """
        return (self.amount(percentile) or 0.0) / (months or self.horizon) + self.running

    def pays_back(self, percentile: int, added: float) -> float | None:
        """Give the months until `added` a month has paid the cost: cost / (added - running)."""
        left = added - self.running
        return (self.amount(percentile) or 0.0) / left if left > 0 else None

    def bearable_rate(self, added: float) -> float:
        """Give the day rate at which `added` a month just pays back within the horizon."""
        return max(0.0, (added - self.running) * self.horizon / self.days[80])
