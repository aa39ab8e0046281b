"""Judge the money: what decisions earn against what the holdout promised.

Once outcomes are known, by what was earned; before that, by what such predictions earned on the
holdout. The first sees everything, but late; the second sees at once that other cases come, and
never that the world answers otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import (
    TAIL,
    Floats,
    Groups,
    are_few,
    entities,
    half_width,
    independent_rows,
    likeness,
    limit,
    variance_of_sum,
)
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Drift, Performance, Statistics
from fourhats_runtime.monitor import calibration
from fourhats_runtime.monitor.decisions import Decisions, Wait, on_holdout, taken, waiting
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.reliability import Bins
from fourhats_runtime.project import Project
from fourhats_runtime.wording import number

VALUE, ESTIMATED = "performance:value", "performance:estimated"
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Earned:
    """The mean value of a decision in the currency, and over how many."""

    value: float
    rows: int
    off: float
    """What the ends of its interval are away from it."""

    @property
    def total(self) -> float:
        """What they earned together."""
        return self.value * self.rows


def check(connection: Connection, project: Project, contract: Contract) -> list[Finding]:
    """Judge the latest decisions: earned, estimated, and whether the models' figures hold.

    What was earned is judged over all champions, as far as outcomes are known: they may take longer
    than a champion lasts. What will be is estimated of today's champion.

    Raises:
        ProjectError: there is no champion yet.

    """
    registry = Registry(project.artifacts / "registry")
    version = registry.require("champion")
    champions = registry.champions()
    until = _now() - timedelta(days=project.settings(Performance).outcome_days)
    most = project.settings(Drift).window_rows
    judged = taken(
        connection, project, contract, versions=champions, until=until, known=True, most=most
    )
    judged = judged.where(judged.known)
    pending = taken(connection, project, contract, versions=[version], known=False, most=most)
    wait = _words(waiting(connection, contract, champions, until))
    findings = [_judge_estimate(on_holdout(project, version), pending, contract, project)]
    if len(judged) < project.settings(Performance).min_outcomes or are_few(judged.entity):
        whose = _whose(judged, contract)
        message = f"{len(judged):,} outcomes are known{whose}, too few to judge by; {wait}"
        return [
            Finding(name, "unknown", message) for name in (VALUE, calibration.INCIDENT)
        ] + findings
    promised = _held_against(project, judged)
    return [
        _judge_value(promised, judged, project, wait),
        calibration.check(promised, judged, contract, project),
        *findings,
    ]


def realised(
    connection: Connection,
    project: Project,
    contract: Contract,
    versions: Sequence[str] | None = None,
    since: datetime | None = None,
) -> Earned:
    """Give what decisions of some models or of all earned, where the outcome is known for good."""
    until = _now() - timedelta(days=project.settings(Performance).outcome_days)
    known = taken(
        connection, project, contract, versions=versions, since=since, until=until, known=True
    )
    return earned(known.where(known.known))


def earned(known: Decisions) -> Earned:
    """Sum up decisions whose outcomes are known."""
    if not len(known):
        return Earned(0.0, 0, 0.0)
    off = half_width(known.earned, known.entity)
    return Earned(float(known.earned.mean()), len(known), off)


def estimated(promised: Decisions, pending: Decisions, figures: Floats) -> Earned:
    """Estimate what decisions will earn: as such predictions did on the holdout, bin by bin.

    `figures` say what each of the holdout's did: what it earned, or what it added.

    Of what confidence-based performance estimation does (NannyML's CBPE), with the probabilities
    calibrated on the holdout by bins. The error is that of the holdout and of the cases at hand.
    """
    if not len(pending):
        return Earned(0.0, 0, 0.0)
    bins = _ByBin.of(promised, pending, figures)
    value = float(bins.shares @ bins.means)
    return Earned(value, len(pending), bins.error(bins.shares) * bins.limit(TAIL))


def least_value(promised: float, project: Project) -> float:
    """Give the value of a decision below which it is too little."""
    return promised - (1 - project.settings(Performance).min_value_share) * abs(promised)


def _held_against(project: Project, judged: Decisions) -> Decisions:
    """Give what decisions are held against: the holdouts of the models that took them.

    Of each model's, as large a part as the model has among the decisions.

    Raises:
        ProjectError: one of the models has not been evaluated.

    """
    names, counts = np.unique(judged.version.astype(str), return_counts=True)
    holdouts = [on_holdout(project, name) for name in names.tolist()]
    most = min(len(each) / count for each, count in zip(holdouts, counts, strict=True))
    parts: list[Decisions] = []
    for each, count in zip(holdouts, counts, strict=True):
        spread = np.linspace(0, len(each), max(1, round(most * count)), endpoint=False)
        part = each.where(spread.astype(np.intp))
        # Each holdout counts its own entities up.
        above = max((int(other.entity.max()) + 1 for other in parts), default=0)
        parts.append(replace(part, entity=part.entity + above))
    return Decisions(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Decisions.__dataclass_fields__
        )
    )


def _judge_value(promised: Decisions, judged: Decisions, project: Project, wait: str) -> Finding:
    """Judge whether less than the least was earned, beyond what chance does to both samples.

    By the greater of the variances: a few decisions without a rare gain would seem alike.
    """
    found = earned(judged)
    least = least_value(float(promised.earned.mean()), project)
    now, before = float(judged.earned.var()), float(promised.earned.var())
    alike = max(likeness(each.earned, each.entity) for each in (judged, promised))
    rows, promised_rows = (
        independent_rows(each.earned, each.entity, alike) for each in (judged, promised)
    )
    error = (max(now, before) / rows + before / promised_rows) ** 0.5
    level = project.settings(Statistics).false_alarms
    sure = error * limit(level, judged.entity, promised.entity)
    low = found.value < least
    fine = not low or found.value + sure >= least
    words = "; this may be chance" if low and fine else ""
    return Finding(
        VALUE,
        state_of(fine=fine),
        message=(
            f"{found.rows:,} decisions earned {number(found.value)} {project.value.currency} each "
            f"(at least {number(least)} was to be expected{words}); {wait}"
        ),
        figure=found.value,
    )


def _judge_estimate(
    promised: Decisions, pending: Decisions, contract: Contract, project: Project
) -> Finding:
    """Judge whether less than the least is estimated, beyond what chance does to both samples."""
    if len(pending) < project.settings(Drift).min_rows or are_few(pending.entity):
        whose = _whose(pending, contract)
        message = (
            f"{len(pending):,} decisions{whose} wait for their outcome, too few to estimate by"
        )
        return Finding(ESTIMATED, "unknown", message)
    found = estimated(promised, pending, promised.earned)
    value = float(promised.earned.mean())
    least = least_value(value, project)
    bins = _ByBin.of(promised, pending, promised.earned)
    # Where the same bins stand on both sides, so do their errors.
    apart = bins.shares - bins.promised * (least / value if value else 0.0)
    sure = bins.error(apart) * bins.limit(project.settings(Statistics).false_alarms)
    return Finding(
        ESTIMATED,
        state_of(fine=found.value + sure >= least),
        message=(
            f"{found.rows:,} decisions without an outcome yet are estimated to earn "
            f"{number(found.value)} {project.value.currency} each (at least {number(least)} was to "
            "be expected)"
        ),
        figure=found.value,
    )


@dataclass(frozen=True)
class _ByBin:
    """A figure a bin: the shares of the cases at hand and of the holdout, and what one earned."""

    shares: Floats
    promised: Floats
    means: Floats
    pending: Floats
    """The mean of each case's bin."""
    off: Floats
    """What each row of the holdout is off the mean of its bin, as a share of the bin's rows, …"""
    places: NDArray[np.int64]
    """… and its bin."""
    whose: tuple[Groups, Groups]
    """The entities of the cases at hand, and of the holdout's rows."""

    @classmethod
    def of(cls, promised: Decisions, pending: Decisions, figures: Floats) -> "_ByBin":
        bins = Bins.of(promised, len(promised))
        before, now = bins.place(promised), bins.place(pending)
        rows = np.bincount(before, minlength=len(bins))
        means = np.bincount(before, weights=figures, minlength=len(bins)) / rows
        return cls(
            np.bincount(now, minlength=len(bins)) / len(pending),
            rows / len(promised),
            means,
            means[now],
            (figures - means[before]) / rows[before],
            before,
            (pending.entity, promised.entity),
        )

    def error(self, weights: Floats) -> float:
        """Give the standard error of so weighted means, with the shares drawn by the cases.

        By the greater of the spreads: a few cases of which none is in a rare bin would seem alike.
        """
        spread = max(self._spread(self.shares), self._spread(self.promised))
        here, there = self.whose
        variance = spread / independent_rows(self.pending, here)
        return float((variance + variance_of_sum(weights[self.places] * self.off, there)) ** 0.5)

    def limit(self, level: float) -> float:
        """Give the number of such errors that chance passes with this probability."""
        return limit(level, *self.whose)

    def _spread(self, shares: Floats) -> float:
        return float(shares @ (self.means - shares @ self.means) ** 2)


def _whose(decisions: Decisions, contract: Contract) -> str:
    """Say of how few entities decisions are."""
    if contract.entity is None or not are_few(decisions.entity):
        return ""
    return f" of {entities(decisions.entity, len(decisions))} {contract.entity.name} alone"


def _words(wait: Wait) -> str:
    """Say how far the outcomes are."""
    share = f"{wait.known / max(1, wait.decisions):.0%} of {wait.decisions:,} have an outcome"
    if wait.oldest is None:
        return share
    days = (_now() - wait.oldest).total_seconds() / SECONDS_A_DAY
    return f"{share}, the oldest without one is {days:.0f} days old"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
