"""What the decisions of each month earned, or will, and what they added to no model."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection, one_row
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.comparison import compare
from fourhats_runtime.monitor.decisions import (
    Decisions,
    best_policy,
    on_holdout,
    rule_of,
    taken,
)
from fourhats_runtime.monitor.performance import Earned, earned, estimated
from fourhats_runtime.monitor.service import midnight
from fourhats_runtime.project import Project

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class Added:
    """What decisions add together to the best policy without a model, with its interval.

    It is about what such decisions add on average, times how many there are.
    """

    total: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Added") -> "Added":
        """Add what others add, of which nothing here tells anything.

        The distances of the ends add up in squares (MOVER: Zou and Donner, Construction of
        confidence limits about effect measures, Statistics in Medicine 27, 2008).
        """
        total = self.total + other.total
        below = np.hypot(self.total - self.low, other.total - other.low)
        above = np.hypot(self.high - self.total, other.high - other.total)
        return Added(total, float(total - below), float(total + above))


@dataclass(frozen=True)
class Month:
    """The decisions of a month: those whose outcome is known, those that wait, what was promised.

    A decision on a case that was decided on again in the same month is not counted twice.
    """

    first: date
    decisions: int
    realised: Earned
    estimated: Earned
    promised: float
    """What a decision earned on the holdout, as the models' shares of the month were."""
    added: Added
    policies: tuple[str, ...]
    """The best policy without a model, of each model that decided; none where none is known."""

    @property
    def value(self) -> float:
        """What the month's decisions earned, and are estimated to earn."""
        return self.realised.total + self.estimated.total


def month_of(connection: Connection, project: Project, contract: Contract, first: date) -> Month:
    """Sum up the month that begins on this day."""
    found = taken(
        connection,
        project,
        contract,
        since=midnight(first),
        until=midnight(following(first)),
    )
    judged = found.where(~np.isnan(found.certainty))
    pending = judged.where(~judged.known)
    parts, promised, stakes = [], 0.0, [0.0]
    more, policies = Added(), set()
    for version in sorted(set(judged.version)):
        try:
            holdout = on_holdout(project, version)
        except ProjectError:
            continue  # it was never evaluated: nothing was promised
        open_ = pending.where(pending.version == version)
        parts.append(estimated(holdout, open_, holdout.earned))
        promised += float(holdout.earned.mean()) * float((judged.version == version).mean())
        rule = rule_of(project, version)
        policy = best_policy(project, version, rule) if rule else None
        known = judged.where(judged.known & (judged.version == version))
        if rule and policy and not np.isnan(known.added).any():
            policies.add(policy.name)
            stakes.append(rule.stake)
            more += to_be_added(holdout, open_)
    more += added(judged.where(~np.isnan(judged.added)), max(stakes))
    return Month(
        first,
        len(found),
        earned(judged.where(judged.known)),
        _sum(parts),
        promised,
        more,
        tuple(sorted(policies)),
    )


def added(known: Decisions, stake: float) -> Added:
    """Sum up what decisions added whose outcomes are known; for `stake` see `Rule.stake`."""
    if not len(known):
        return Added()
    found = compare(known.added, np.zeros(len(known)), stake=stake, groups=known.entity)
    return Added(*(each * len(known) for each in (found.gain, found.low, found.high)))


def to_be_added(promised: Decisions, pending: Decisions) -> Added:
    """Estimate what decisions will add, as such predictions did on the holdout."""
    found = estimated(promised, pending, promised.added)
    off = found.off * found.rows
    return Added(found.total, found.total - off, found.total + off)


def last_months(
    connection: Connection, project: Project, contract: Contract, last: date
) -> list[Month]:
    """Sum up the months up to that of `last`, from the first with a prediction on."""
    (oldest,) = one_row(connection, "SELECT min(given_at) FROM predictions")
    if oldest is None:
        return []
    firsts = [last.replace(day=1)]
    while len(firsts) < MONTHS_SHOWN and firsts[0] > oldest.date().replace(day=1):
        firsts.insert(0, before(firsts[0]))
    return [month_of(connection, project, contract, first) for first in firsts]


def following(first: date) -> date:
    """Give the first day of the month after."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def before(first: date) -> date:
    """Give the first day of the month before."""
    return (first.replace(day=1) - timedelta(days=1)).replace(day=1)


def _sum(parts: list[Earned]) -> Earned:
    rows = sum(part.rows for part in parts)
    if not rows:
        return Earned(0.0, 0, 0.0)
    total = sum(part.total for part in parts)
    off = sum((part.off * part.rows) ** 2 for part in parts) ** 0.5
    return Earned(total / rows, rows, off / rows)
