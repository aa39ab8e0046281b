"""The gate: a challenger becomes champion only if it is worth it, in money."""

from dataclasses import dataclass

from .contract import Contract
from .errors import ProjectError
from .evaluate import holdout_value
from .model import Model
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

    Raises:
        ProjectError: there is no challenger, or it has not been evaluated yet.

    """
    registry = Registry(settings.artifacts / "registry")
    challenger, champion = registry.require("challenger"), registry.version("champion")
    evaluation = registry.noted(challenger, "evaluation")
    if evaluation is None:
        raise ProjectError(f"{challenger} has not been evaluated: run the step `evaluate` first")
    worth = holdout_value(Model.load(settings, challenger), holdout)
    rivals = {f"the baseline '{name}'": value for name, value in evaluation["baselines"].items()}
    if champion is not None and champion != challenger:
        current = Model.load(settings, champion)
        if current.contract.features == contract.features:
            rivals[f"the champion {champion}"] = holdout_value(current, holdout)
    rival = max(rivals, key=lambda name: rivals[name])
    difference = worth - rivals[rival]
    promoted, compared = _judge(difference, settings.training.parity_tolerance * max(1, abs(worth)))
    by = "" if compared == "as much as" else f"{abs(difference):,.4g} {settings.value.currency} "
    verdict = Verdict(
        promoted=promoted,
        champion=challenger if promoted else champion,
        reason=f"{challenger} is worth {by}{compared} {rival}, per decision",
    )
    if verdict.promoted:
        registry.point("champion", challenger, verdict.reason)
    registry.note(challenger, "promotion", {"promoted": verdict.promoted, "reason": verdict.reason})
    return verdict


def _judge(difference: float, tolerance: float) -> tuple[bool, str]:
    """Judge a difference in value; below the tolerance of the export it is none."""
    if abs(difference) <= tolerance:
        return True, "as much as"
    return difference > 0, "more than" if difference > 0 else "less than"
