"""Go, go for a first stage, or no go: the rules of docs/decisions/0071, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fourhats.diagnose.money import written

if TYPE_CHECKING:
    from fourhats_runtime.business import Value

    from fourhats.diagnose.first_point import Point
    from fourhats.diagnose.money import Cost, Limits

Answer = Literal["go", "first stage", "no go"]
By = Literal["money", "signal", "data", "cost"]
TITLES: dict[Answer, str] = {
    "go": "Go",
    "first stage": "Go for a first stage only",
    "no go": "No go",
}

COIN = 0.5
"""How often the right one of two cases is put first by chance."""


@dataclass(frozen=True)
class Verdict:
    """What is recommended, what decided it, and why."""

    answer: Answer
    by: By
    reason: str


def judge(  # noqa: PLR0911 (a return a rule, in their order)
    limits: Limits, cost: Cost, point: Point | None, value: Value, thin: str = ""
) -> Verdict:
    """Recommend by the first rule that applies; `thin` says why the data is too thin to judge."""
    volume, currency = value.monthly_volume, value.currency
    headroom, horizon = limits.headroom, cost.horizon
    most = f"{headroom:,.0f} {currency} a month"
    if headroom <= cost.running:
        return Verdict(
            "no go",
            "money",
            f"Even a model that is never wrong would add {most} to what can be had without one"
            + (f", and {cost.running:,.0f} a month go into running it." if cost.running else "."),
        )
    months, median = cost.pays_back(50, headroom), cost.amount(50)
    if median is not None and months is not None and months > horizon:
        return Verdict(
            "no go",
            "money",
            f"Even a model that is never wrong would add {most}, which pays the likely cost of "
            f"{median:,.0f} {currency} back in {months:,.0f} months: longer than the {horizon} "
            "that it may take.",
        )
    if point is None or thin:
        return Verdict(
            "first stage",
            "data",
            f"There is money in it, up to {most}, but how much of it a model would find is not "
            f"known: {thin}.",
        )
    low, high = volume * point.gain.low, volume * point.gain.high
    adds = (
        f"A first plain model {adds_or_loses(volume * point.gain.gain, currency)} what is best "
        f"without one; it may truly be from {written(low)} to {written(high)}"
    )
    needed = cost.needed(80)
    safe = low > 0 and low >= needed
    if not safe and (short := _too_weak(point, high, cost)):
        return Verdict("no go", "signal", f"{adds}. {short}.")
    if not safe:
        short = (
            "it may add nothing"
            if low <= 0
            else f"the least of that is below the {needed:,.0f} a month that it takes to be safe "
            f"to pay back within {horizon} months"
        )
        return Verdict(
            "first stage",
            "signal",
            f"{adds}: {short}. Find out with a small part of the work before the rest is paid for.",
        )
    if cost.day_rate is None:
        return Verdict(
            "first stage",
            "cost",
            f"{adds}. What it costs is not said: the least of that pays back within {horizon} "
            f"months as long as a day of work costs less than {cost.bearable_rate(low):,.0f} "
            f"{currency}.",
        )
    return Verdict(
        "go",
        "money",
        f"{adds}: even the least of that pays a cost of {cost.amount(80):,.0f} {currency} "
        f"(enough in four cases of five) back in {cost.pays_back(80, low):,.1f} months.",
    )


def adds_or_loses(gain: float, currency: str) -> str:
    """Say what a month differs by, before what it is compared with."""
    amount = f"{written(abs(gain))} {currency} a month"
    return f"loses {amount} against" if round(gain) < 0 else f"adds {amount} to"


def _too_weak(point: Point, high: float, cost: Cost) -> str:
    """Say why there is not enough in the data; empty: there may be."""
    if high <= 0:
        return "Even at the best of that, nothing is gained"
    if high < cost.needed(50):
        return (
            f"Even the best of that is less than the {cost.needed(50):,.0f} a month that it takes "
            f"to pay back within {cost.horizon} months"
        )
    if not point.ranking.low > COIN:
        return (
            "What is in these columns does not tell cases apart better than a coin would: another "
            "try takes other data, or much more of it"
        )
    return ""
