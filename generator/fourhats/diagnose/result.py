"""A diagnosis as a whole: from the client's rows, the amounts and the estimate to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from fourhats_runtime.business import ActionValue, NumberValue

from fourhats.diagnose import support
from fourhats.diagnose.first_point import actual, first_point, rule_of
from fourhats.diagnose.money import Limits, Stakes
from fourhats.diagnose.verdict import judge
from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats_runtime.business import Value
    from fourhats_runtime.lifecycle.today import Today
    from fourhats_runtime.profile import Profile
    from fourhats_runtime.tasks.classification.rule import Rule

    from fourhats.diagnose.first_point import Cases, Point
    from fourhats.diagnose.money import Cost
    from fourhats.diagnose.rows import Table
    from fourhats.diagnose.terms import Engagement
    from fourhats.diagnose.verdict import Verdict

TWO = 2
LEAVE = "leave every case to a person"
PLAN_NOTHING = "plan with no number"


@dataclass(frozen=True)
class Found:
    """What follows from data and money alone."""

    limits: Limits
    verdict: Verdict
    stakes: Stakes | None
    """Of two classes."""
    point: Point | None
    not_given: str = ""
    """What this task is not given, in words."""
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
    if not (isinstance(value, ActionValue) and contract.positive and len(contract.classes) == TWO):
        limits, words = _limits(value, counted.classes)
        return Found(limits, judge(limits, cost, None, value, words), None, None, words, facts)
    cases = table.cases(counted.known, today)
    share = counted.classes[contract.positive] / counted.known
    found = of_two_classes(cases, share, rule_of(contract, value), cost, support.thin(counted))
    return Found(found.limits, found.verdict, found.stakes, found.point, facts=facts)


def of_two_classes(cases: Cases, share: float, rule: Rule, cost: Cost, thin: str = "") -> Found:
    """Diagnose cases that are acted on or left; `share` of all call for action."""
    today = None
    if cases.today is not None:
        earned = rule.by_policy(cases.today, actual(cases.came, rule.contract))
        today = (cases.today.name, float(earned.mean()))
    stakes = Stakes(rule.value, share, today)
    point = first_point(cases, rule)
    if point is None:
        thin = thin or "there are too few cases to learn from some and judge by others"
    verdict = judge(stakes.limits, cost, point, rule.value, thin)
    return Found(stakes.limits, verdict, stakes, point)


def _limits(value: Value, classes: Mapping[str, int]) -> tuple[Limits, str]:
    """Give the limits where no first model is tried, and say that.

    Of several classes: leaving each case, or acting as if all were of the commonest; a perfect
    model acts rightly on each. Of a number: an exact one earns `right`, and none is planned with;
    what one number for all earns is not reckoned, so that less may be left to a model.
    """
    volume = value.monthly_volume
    if isinstance(value, NumberValue):
        words = (
            "where a number is predicted, no first model is tried yet, and what one good number "
            "for all cases earns is not taken off"
        )
        return Limits({PLAN_NOTHING: 0.0}, volume * value.right), words
    assert isinstance(value, ActionValue)  # noqa: S101 (there is no third)
    if value.payoff or value.missed != value.left_alone:
        raise WrongInputError(
            "several classes are diagnosed where leaving a case is worth the same whatever it is: "
            "not by [value.payoff], nor with a `missed` that is not `left_alone`"
        )
    common = max(classes, key=lambda name: classes[name])
    share = classes[common] / max(1, sum(classes.values()))
    as_if_all = share * value.act_right + (1 - share) * value.act_wrong
    policies = {
        LEAVE: volume * value.left_alone,
        f"act as if all were {common!r}": volume * as_if_all,
    }
    perfect = volume * max(value.act_right, value.left_alone)
    return Limits(policies, perfect), "with several classes, no first model is tried yet"
