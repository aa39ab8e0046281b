"""Working days as dates: without weekends and public holidays."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Container

    from fourhats.estimate.engagement import Terms

SATURDAY = 5


class Calendar:
    """The working days from a date on."""

    def __init__(self, terms: Terms) -> None:
        """Begin at the first working day from the terms' start on.

        Raises:
            WrongInputError: nobody knows the holidays of that country or region.

        """
        self.free = _holidays(terms)
        self.days = [self._from(terms.start)]

    def day(self, working_days: float) -> date:
        """Give the date on which so many working days are over; part of one is that day."""
        place = max(0, math.ceil(working_days) - 1)
        while len(self.days) <= place:
            self.days.append(self._from(self.days[-1] + timedelta(days=1)))
        return self.days[place]

    def _from(self, day: date) -> date:
        while day.weekday() >= SATURDAY or day in self.free:
            day += timedelta(days=1)
        return day


def _holidays(terms: Terms) -> Container[date]:
    if not terms.country:
        return frozenset()
    import holidays  # noqa: PLC0415 (it is an extra's)

    try:
        return holidays.country_holidays(terms.country, subdiv=terms.region or None)
    except NotImplementedError as unknown:
        raise WrongInputError(
            f"estimate.country, estimate.region: no holidays are known of {terms.country}"
            f"{' ' + terms.region if terms.region else ''}: {unknown}"
        ) from unknown
