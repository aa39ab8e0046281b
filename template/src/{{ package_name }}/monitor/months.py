"""What the decisions of each month earned, or will."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ..contract import Contract
from ..errors import ProjectError
from ..settings import Settings
from ..warehouse import Connection, one_row
from .decisions import on_holdout, taken
from .performance import Earned, earned, estimated
from .service import midnight

MONTHS_SHOWN = 12


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

    @property
    def value(self) -> float:
        """What the month's decisions earned, and are estimated to earn."""
        return self.realised.total + self.estimated.total


def month_of(connection: Connection, settings: Settings, contract: Contract, first: date) -> Month:
    """Sum up the month that begins on this day."""
    found = taken(
        connection,
        settings,
        contract,
        since=midnight(first),
        until=midnight(following(first)),
    )
    judged = found.where(~np.isnan(found.certainty))
    pending = judged.where(~judged.known)
    parts, promised = [], 0.0
    for version in sorted(set(judged.version)):
        try:
            holdout = on_holdout(settings, version)
        except ProjectError:
            continue  # it was never evaluated: nothing was promised
        parts.append(estimated(holdout, pending.where(pending.version == version)))
        promised += float(holdout.earned.mean()) * float((judged.version == version).mean())
    return Month(first, len(found), earned(judged.where(judged.known)), _sum(parts), promised)


def last_months(
    connection: Connection, settings: Settings, contract: Contract, last: date
) -> list[Month]:
    """Sum up the months up to that of `last`, from the first with a prediction on."""
    (oldest,) = one_row(connection, "SELECT min(given_at) FROM predictions")
    if oldest is None:
        return []
    firsts = [last.replace(day=1)]
    while len(firsts) < MONTHS_SHOWN and firsts[0] > oldest.date().replace(day=1):
        firsts.insert(0, before(firsts[0]))
    return [month_of(connection, settings, contract, first) for first in firsts]


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
    error = sum((part.error * part.rows) ** 2 for part in parts) ** 0.5
    return Earned(total / rows, rows, error / rows)
