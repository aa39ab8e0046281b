"""An estimate as a whole: from the answers and the terms to all that is said of an engagement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from fourhats.estimate import engagement, experience, figures
from fourhats.estimate.calendar import Calendar
from fourhats.estimate.catalogue import packages, read_catalogue
from fourhats.estimate.simulation import Plan, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fourhats.estimate.engagement import Running, Terms, Worth
    from fourhats.estimate.experience import Factor
    from fourhats.estimate.figures import Driver, PayBack
    from fourhats.estimate.simulation import Draws

CATALOGUE, RECORDS = "catalogue.toml", "records.json"


@dataclass(frozen=True)
class Estimate:
    """All that is said of an engagement."""

    name: str
    plan: Plan
    terms: Terms
    draws: Draws
    effort: dict[int, float]
    ends: dict[int, date]
    cost: dict[int, float] | None
    drivers: list[Driver]
    running: Running | None
    worth: Worth | None
    pays_back: PayBack | None
    experience: dict[str, Factor]
    written: date


@dataclass(frozen=True)
class Actual:
    """A package that was done, in days."""

    name: str
    title: str
    expected: float
    p80: float
    spent: float


def estimate(project: Path, answers: Mapping[str, Any]) -> Estimate:
    """Simulate the engagement that a project's answers and terms describe.

    Raises:
        WrongInputError: a file of terms, packages or records holds what it should not.

    """
    terms, own = engagement.read_terms(project, answers["value_currency"])
    users = experience.home() / CATALOGUE
    known = read_catalogue((users, engagement.read_toml(users)), (project / engagement.FILE, own))
    wanted = packages(known, answers)
    learnt = experience.factors(experience.read_records(experience.home() / RECORDS))
    kinds = {each.kind for each in wanted}
    learnt = {kind: factor for kind, factor in learnt.items() if kind in kinds}
    plan = Plan(
        wanted,
        {name: risk for name, risk in known.risks.items() if kinds & set(risk.affects)},
        terms.people,
        terms.days_a_week,
        {kind: each.factor for kind, each in learnt.items()},
    )
    draws = simulate(plan, terms.seed)
    dates = Calendar(terms)
    worth, running = engagement.worth(project, terms), engagement.running_cost(project, terms)
    cost = None if terms.day_rate is None else draws.total * terms.day_rate
    pays_back = None
    in_one = running is None or running.currency == terms.currency
    if worth is not None and cost is not None and in_one:
        pays_back = figures.pay_back(cost, worth, running.amount if running else 0.0, terms.seed)
    return Estimate(
        name=str(answers["project_name"]),
        plan=plan,
        terms=terms,
        draws=draws,
        effort=figures.percentiles(draws.total),
        ends={p: dates.day(days) for p, days in figures.percentiles(draws.end).items()},
        cost=None if cost is None else figures.percentiles(cost),
        drivers=figures.drivers(plan, draws),
        running=running,
        worth=worth,
        pays_back=pays_back,
        experience=learnt,
        written=datetime.now(UTC).date(),
    )
