"""Judge the money: what decisions earn against what the holdout promised.

Once outcomes are known, by what was earned; before that, by what such predictions earned on the
holdout. The first sees everything, but late; the second sees at once that other cases come, and
never that the world answers otherwise.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from ..contract import Contract
from ..registry import Registry
from ..settings import Settings
from ..warehouse import Connection
from . import calibration
from .chance import normal_limit
from .decisions import Decisions, Floats, Wait, on_holdout, taken, waiting
from .findings import Finding
from .reliability import Bins

VALUE, ESTIMATED = "performance:value", "performance:estimated"
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Earned:
    """The mean value of a decision in the currency, over how many, and its standard error."""

    value: float
    rows: int
    error: float

    @property
    def total(self) -> float:
        """What they earned together."""
        return self.value * self.rows


def check(connection: Connection, settings: Settings, contract: Contract) -> list[Finding]:
    """Judge the champion's latest decisions: earned, estimated, and whether its figures hold.

    Raises:
        ProjectError: there is no champion yet.

    """
    version = Registry(settings.artifacts / "registry").require("champion")
    promised = on_holdout(settings, version)
    until = _now() - timedelta(days=settings.performance.outcome_days)
    most = settings.drift.window_rows
    judged = taken(
        connection, settings, contract, version=version, until=until, known=True, most=most
    )
    pending = taken(connection, settings, contract, version=version, known=False, most=most)
    wait = _words(waiting(connection, contract, version, until))
    findings = [_judge_estimate(promised, pending, settings)]
    if len(judged) < settings.performance.min_outcomes:
        message = f"{len(judged):,} outcomes are known, too few to judge by; {wait}"
        return [Finding(VALUE, fine=True, message=message), *findings]
    return [
        _judge_value(promised, judged, settings, wait),
        calibration.check(promised, judged, settings),
        *findings,
    ]


def realised(
    connection: Connection,
    settings: Settings,
    contract: Contract,
    version: str,
    since: datetime | None = None,
) -> Earned:
    """Give what a model's decisions earned, where the outcome is known (and known for good)."""
    until = _now() - timedelta(days=settings.performance.outcome_days)
    known = taken(
        connection, settings, contract, version=version, since=since, until=until, known=True
    )
    return earned(known)


def earned(known: Decisions) -> Earned:
    """Sum up decisions whose outcomes are known."""
    rows = len(known)
    if not rows:
        return Earned(0.0, 0, 0.0)
    return Earned(float(known.earned.mean()), rows, float(known.earned.std()) / rows**0.5)


def estimated(promised: Decisions, pending: Decisions) -> Earned:
    """Estimate what decisions will earn: as such predictions did on the holdout, bin by bin.

    Of what confidence-based performance estimation does (NannyML's CBPE), with the probabilities
    calibrated on the holdout by bins. The error is that of the holdout and of the cases at hand.
    """
    if not len(pending):
        return Earned(0.0, 0, 0.0)
    bins = _ByBin.of(promised, pending)
    value = float(bins.shares @ bins.means)
    return Earned(value, len(pending), bins.error(bins.shares, len(pending)))


def least_value(promised: float, settings: Settings) -> float:
    """Give the value of a decision below which it is too little."""
    return promised - (1 - settings.performance.min_value_share) * abs(promised)


def _judge_value(promised: Decisions, judged: Decisions, settings: Settings, wait: str) -> Finding:
    """Judge whether less than the least was earned, beyond what chance does to both samples.

    By the greater of the variances: a few decisions without a rare gain would seem alike.
    """
    found = earned(judged)
    least = least_value(float(promised.earned.mean()), settings)
    now, before = float(judged.earned.var()), float(promised.earned.var())
    error = (max(now, before) / len(judged) + before / len(promised)) ** 0.5
    sure = error * normal_limit(settings.statistics.false_alarms)
    low = found.value < least
    fine = not low or found.value + sure >= least
    words = "; this may be chance" if low and fine else ""
    return Finding(
        VALUE,
        fine=fine,
        message=(
            f"{found.rows:,} decisions earned {found.value:,.4g} {settings.value.currency} each "
            f"(at least {least:,.4g} was to be expected{words}); {wait}"
        ),
        figure=found.value,
    )


def _judge_estimate(promised: Decisions, pending: Decisions, settings: Settings) -> Finding:
    """Judge whether less than the least is estimated, beyond what chance does to both samples."""
    if len(pending) < settings.drift.min_rows:
        message = f"{len(pending):,} decisions wait for their outcome, too few to estimate by"
        return Finding(ESTIMATED, fine=True, message=message)
    found = estimated(promised, pending)
    value = float(promised.earned.mean())
    least = least_value(value, settings)
    bins = _ByBin.of(promised, pending)
    # Where the same bins stand on both sides, so do their errors.
    apart = bins.shares - bins.promised * (least / value if value else 0.0)
    sure = bins.error(apart, len(pending)) * normal_limit(settings.statistics.false_alarms)
    return Finding(
        ESTIMATED,
        fine=found.value + sure >= least,
        message=(
            f"{found.rows:,} decisions without an outcome yet are estimated to earn "
            f"{found.value:,.4g} {settings.value.currency} each (at least {least:,.4g} was to be "
            "expected)"
        ),
        figure=found.value,
    )


@dataclass(frozen=True)
class _ByBin:
    """A figure a bin: the shares of the cases at hand and of the holdout, and what one earned."""

    shares: Floats
    promised: Floats
    means: Floats
    variances: Floats
    """Of the means."""

    @classmethod
    def of(cls, promised: Decisions, pending: Decisions) -> "_ByBin":
        bins = Bins.of(promised, len(promised))
        before = bins.place(promised)
        there = [promised.earned[before == place] for place in range(len(bins))]
        counts = np.bincount(bins.place(pending), minlength=len(bins))
        return cls(
            counts / counts.sum(),
            np.array([len(values) / len(promised) for values in there]),
            np.array([values.mean() for values in there]),
            np.array([values.var() / len(values) for values in there]),
        )

    def error(self, weights: Floats, rows: int) -> float:
        """Give the standard error of so weighted means, with the shares drawn by `rows` cases."""
        spread = float(self.shares @ (self.means - self.shares @ self.means) ** 2)
        variance = spread / rows + float(weights**2 @ self.variances)
        return float(variance**0.5)


def _words(wait: Wait) -> str:
    """Say how far the outcomes are."""
    share = f"{wait.known / max(1, wait.decisions):.0%} of {wait.decisions:,} have an outcome"
    if wait.oldest is None:
        return share
    days = (_now() - wait.oldest).total_seconds() / SECONDS_A_DAY
    return f"{share}, the oldest without one is {days:.0f} days old"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
