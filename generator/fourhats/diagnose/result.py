"""A diagnosis as a whole: from the client's rows, the amounts and the estimate to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from fourhats_runtime.business import ActionValue

from fourhats.diagnose import support
from fourhats.diagnose.first_point import first_point, perfect, rule_of
from fourhats.diagnose.money import Limits, Stakes
from fourhats.diagnose.verdict import judge
from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from fourhats_runtime.business import Value
    from fourhats_runtime.lifecycle.today import Today
    from fourhats_runtime.profile import Profile
    from fourhats_runtime.tasks.rule import Rule

    from fourhats.diagnose.first_point import Point
    from fourhats.diagnose.learnt import Cases
    from fourhats.diagnose.money import Cost
    from fourhats.diagnose.rows import Table
    from fourhats.diagnose.terms import Engagement
    from fourhats.diagnose.verdict import Verdict

TWO = 2


@dataclass(frozen=True)
class Found:
    """What follows from data and money alone."""

    limits: Limits
    verdict: Verdict
    stakes: Stakes | None
    """Of two classes."""
    point: Point | None
    facts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Diagnosis:
    """All that is said before anything is built."""

    name: str
    decision: str
    engagement: Engagement
    source: str
    """What the person calls the data."""
    target: str
    value: Value
    cost: Cost
    found: Found
    remarks: list[str]
    written: date = field(default_factory=lambda: datetime.now(UTC).date())


def diagnose(
    table: Table,
    profile: Profile,
    value: Value,
    cost: Cost,
    today: Today | None,
) -> Found:
    """Diagnose a client's rows, while they can be read.

    Raises:
        WrongInputError: they cannot be read.
        ProjectError: today's rule does not fit them.

    """
    contract, counted = table.contract, table.counted()
    facts = support.facts(profile, contract, counted)
    cases, rule = table.cases(counted.known, today), rule_of(contract, value)
    thin = support.thin(counted)
    if contract.positive and len(contract.classes) == TWO:
        share = counted.classes[contract.positive] / max(1, counted.known)
        found = of_two_classes(cases, share, rule, cost, thin)
    else:
        found = of_others(cases, rule, cost, thin)
    return replace(found, facts=facts)


def of_two_classes(cases: Cases, share: float, rule: Rule, cost: Cost, thin: str = "") -> Found:
    """Diagnose cases that are acted on or left; `share` of all call for action."""
    assert isinstance(rule.value, ActionValue)  # noqa: S101 (it is of classes)
    today = None
    if cases.today is not None:
        earned = rule.by_policy(cases.today, cases.actual)
        today = (cases.today.name, float(earned.mean()))
    stakes = Stakes(rule.value, share, today)
    return _judged(cases, rule, stakes.limits, stakes, cost, thin)


def of_others(cases: Cases, rule: Rule, cost: Cost, thin: str = "") -> Found:
    """Diagnose several classes, or numbers: what there is to win is read from the cases."""
    policies = rule.policies(cases.actual) if len(cases.actual) else []
    if cases.today is not None:
        policies.append(cases.today)
    if not policies:
        raise WrongInputError("no case has an outcome: there is nothing to judge by")
    volume = rule.value.monthly_volume
    earned = {
        each.name: volume * float(rule.by_policy(each, cases.actual).mean()) for each in policies
    }
    limits = Limits(earned, volume * perfect(rule, cases.actual))
    return _judged(cases, rule, limits, None, cost, thin)


def _judged(  # noqa: PLR0913, PLR0917 (what a verdict rests on)
    cases: Cases, rule: Rule, limits: Limits, stakes: Stakes | None, cost: Cost, thin: str
) -> Found:
    point = first_point(cases, rule)
    if point is None:
        thin = thin or "there are too few cases to learn from some and judge by others"
    return Found(limits, judge(limits, cost, point, rule.value, thin), stakes, point)
