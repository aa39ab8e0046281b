"""The gate: a challenger becomes champion only if it is worth it, in money."""

from dataclasses import dataclass

from .contract import Contract
from .errors import ProjectError
from .evaluate import holdout_value
from .model import Model
from .monitor import alerts
from .registry import Registry
from .settings import Settings
from .split import Part


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger was promoted, and why, in words."""

    promoted: bool
    champion: str | None
    reason: str


def promote(holdout: Part, contract: Contract, settings: Settings) -> Verdict:
    """Compare the challenger with baselines and champion on the same holdout; promote the better.

    A version that was rolled back stays so: the holdout that spoke for it then would do so again.

    Raises:
        ProjectError: there is no challenger, it has not been evaluated yet, or an alert cannot be
            sent.

    """
    registry = Registry(settings.artifacts / "registry")
    challenger, champion = registry.require("challenger"), registry.version("champion")
    evaluation = registry.noted(challenger, "evaluation")
    if evaluation is None:
        raise ProjectError(f"{challenger} has not been evaluated: run the step `evaluate` first")
    if rolled_back := registry.noted(challenger, "rollback"):
        announce(settings)
        reason = f"{challenger} was rolled back: {rolled_back['reason']}"
        return Verdict(promoted=False, champion=champion, reason=reason)
    worth = holdout_value(Model.load(settings, challenger), holdout)
    rivals = {f"the baseline '{name}'": value for name, value in evaluation["baselines"].items()}
    against = f"the champion {champion}"
    if champion is not None and champion != challenger:
        current = Model.load(settings, champion)
        if current.contract.features == contract.features:
            rivals[against] = holdout_value(current, holdout)
    rival = max(rivals, key=lambda name: rivals[name])
    difference = worth - rivals[rival]
    promoted, compared = _judge(difference, settings.training.parity_tolerance * max(1, abs(worth)))
    by = "" if compared == "as much as" else f"{abs(difference):,.4g} {settings.value.currency} "
    reason = f"{challenger} is worth {by}{compared} {rival}, per decision"
    if against in rivals and rival != against:
        reason += f", and {worth - rivals[against]:+,.4g} {settings.value.currency} with {against}"
    verdict = Verdict(
        promoted=promoted, champion=challenger if promoted else champion, reason=reason
    )
    if verdict.promoted:
        a_month = (worth - rivals.get(against, rivals[rival])) * settings.value.monthly_volume
        gain = f"{a_month:+,.0f} {settings.value.currency} a month on the holdout"
        registry.crown(challenger, "promoted", f"{reason} ({gain})")
    registry.note(challenger, "promotion", {"promoted": verdict.promoted, "reason": verdict.reason})
    announce(settings)
    return verdict


def announce(settings: Settings) -> None:
    """Tell people of every new champion that they were not told of yet.

    Raises:
        ProjectError: the message cannot be sent; the next step that comes by here tries again.

    """
    registry = Registry(settings.artifacts / "registry")
    untold = [crowning for crowning in registry.crownings() if not crowning["told"]]
    for crowning in untold:
        after = f" after {crowning['previous']}" if crowning["previous"] else ""
        said = f"{crowning['version']} {crowning['how']}{after}: {crowning['reason']}"
        alerts.notify(settings, f"champion:{crowning['version']}", said)
    if untold:
        registry.mark_told()


def _judge(difference: float, tolerance: float) -> tuple[bool, str]:
    """Judge a difference in value; below the tolerance of the export it is none."""
    if abs(difference) <= tolerance:
        return True, "as much as"
    return difference > 0, "more than" if difference > 0 else "less than"
