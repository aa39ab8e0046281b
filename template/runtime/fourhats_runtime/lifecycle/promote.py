"""The gate: a challenger becomes champion only if it earns more, beyond chance."""

from dataclasses import dataclass

from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.comparison import beyond_chance, compare
from fourhats_runtime.lifecycle.registered import FeaturesError, Model
from fourhats_runtime.lifecycle.registry import Card, Registry
from fourhats_runtime.lifecycle.replay import NotComparableError, replay
from fourhats_runtime.lifecycle.today import Today
from fourhats_runtime.limits import Comparing
from fourhats_runtime.model.parts import Part
from fourhats_runtime.project import Project
from fourhats_runtime.tasks.rule import Policy
from fourhats_runtime.training import Training
from fourhats_runtime.wording import number

ACCEPT = "to have it decide all the same, type `promote --accept`"


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger was promoted, and why, in words."""

    promoted: bool
    champion: str | None
    reason: str
    undecided: bool = False
    """Whether a person has to decide: no row tells which is better, or there is no champion yet."""


def promote(
    holdout: Part, contract: Contract, project: Project, *, accepted: bool = False
) -> Verdict:
    """Promote the challenger if it earns more than the champion on the same rows, beyond chance.

    A tie keeps the champion. Without one, the challenger has to earn more than the best policy
    without a model, beyond chance as well. It never decides where it is worth less than that, less
    than nothing, or, beyond chance, less than a baseline. With `accepted` a person takes the place
    of the comparison. A version that was rolled back stays so: the holdout that spoke for it then
    would do so again.

    Raises:
        ProjectError: there is no challenger, or it has not been evaluated yet, by the present rule
            of today.

    """
    registry = Registry(project.artifacts / "registry")
    challenger, champion = registry.require("challenger"), registry.version("champion")
    evaluation = registry.evaluation(challenger)
    if challenger == champion:
        return _kept(champion, f"{challenger} is the champion already")
    if Today.has_changed(evaluation, project):
        raise ProjectError(
            f"today's rule is another than when {challenger} was evaluated: run the step `evaluate`"
            " first"
        )
    if rolled_back := registry.noted(challenger, "rollback"):
        return _kept(champion, f"{challenger} was rolled back: {rolled_back['reason']}")
    short = _shortfall(challenger, evaluation, project)
    if short:
        verdict = _kept(champion, short)
    elif accepted:
        Model.load(project, challenger)  # one that cannot be served decides nothing
        instead = f"in place of {champion}" if champion else "as the first champion"
        verdict = _promoted(challenger, f"a person accepted it {instead}")
    elif champion is None:
        verdict = _as_first(challenger, holdout, evaluation, contract, project)
    else:
        verdict = _against(champion, challenger, holdout, contract, project)
    registry.note(challenger, "promotion", {"promoted": verdict.promoted, "reason": verdict.reason})
    if verdict.promoted:
        registry.make_champion(challenger, "promoted", verdict.reason)
    return verdict


def refused(project: Project) -> str:
    """Say why there is no champion though a challenger was judged; empty where this is not so."""
    registry = Registry(project.artifacts / "registry")
    challenger = registry.version("challenger")
    if challenger is None or registry.version("champion") is not None:
        return ""
    promotion = registry.noted(challenger, "promotion")
    return f"there is no champion yet: {promotion['reason']}" if promotion else ""


def _as_first(
    challenger: str, holdout: Part, evaluation: Card, contract: Contract, project: Project
) -> Verdict:
    """Hold what it earns on the holdout against the policy that would have earned the most there.

    Where nothing can be told apart, chance alone puts about half of the models above any policy.
    """
    model = Model.load(project, challenger)
    policies = [Policy(**facts) for facts in evaluation["no_model"]]
    if today := Today.of(project):
        policies.append(today.on(holdout.rows, contract))
    earned_by = {policy.name: model.rule.by_policy(policy, holdout.actual) for policy in policies}
    best = max(earned_by, key=lambda name: float(earned_by[name].mean()))
    found = compare(
        model.rule.realised(model.run(holdout.inputs), holdout.actual),
        earned_by[best],
        stake=model.rule.stake,
        error_rate=project.settings(Comparing).error_rate,
        groups=holdout.groups,
    )
    gain = found.words(project.value.currency, project.value.monthly_volume)
    reason = (
        f"{challenger} adds {gain} a month to the best policy without a model, to {best}, "
        f"on {found.rows:,} rows of the holdout"
    )
    if found.is_better:
        return _promoted(challenger, f"{reason}: {_sure(project)}")
    return _kept(None, f"{reason}: chance alone may do as much; {ACCEPT}")


def _against(
    champion: str, challenger: str, holdout: Part, contract: Contract, project: Project
) -> Verdict:
    """Have both decide on the holdout, which neither has learnt from."""
    try:
        found = replay(
            Model.load(project, challenger),
            Model.load(project, champion),
            holdout.rows,
            holdout.actual,
            contract,
            error_rate=project.settings(Comparing).error_rate,
            groups=holdout.groups,
        )
    except (FeaturesError, NotComparableError) as error:
        reason = f"{challenger} cannot be compared with the champion {champion}: {error}; {ACCEPT}"
        return _kept(champion, reason, undecided=True)
    currency, volume = project.value.currency, project.value.monthly_volume
    better = "not worth more than"
    if found.is_better:
        better = "worth more than"
    elif found.high < 0:
        better = "worth less than"
    reason = (
        f"{challenger} is {better} the champion {champion}: {found.words(currency)} a decision, "
        f"{found.words(currency, volume)} a month, on the same {found.rows:,} rows of the holdout"
    )
    if found.is_better:
        return _promoted(challenger, f"{reason}: {_sure(project)}")
    return _kept(champion, reason)


def _sure(project: Project) -> str:
    return beyond_chance(project.settings(Comparing).error_rate)


def _shortfall(challenger: str, evaluation: Card, project: Project) -> str:
    """Say what a challenger is worth less than the best that is to be had without it.

    What is less than the tolerance of the export is no difference.
    """
    value, floors = evaluation["value"], _floors(evaluation)
    floor = max(floors, key=lambda name: floors[name])
    short = floors[floor] - value
    if short <= project.settings(Training).parity_tolerance * max(1, abs(value)):
        return ""
    return (
        f"{challenger} is worth {number(short)} {project.value.currency} less than {floor}, per"
        f" decision, on {evaluation['rows']:,} rows of the holdout"
    )


def _floors(evaluation: Card) -> dict[str, float]:
    """Give what is to be had without the challenger, in the currency a decision.

    Of baselines, those that earn more beyond chance: of two models that are as good, each is ahead
    on half of the holdouts, and none of them would ever be the first.
    """
    policies = {f"the policy to {name}": worth for name, worth in evaluation["policies"].items()}
    baselines = {
        f"the baseline {name!r}": evaluation["baselines"][name] for name in evaluation["ahead"]
    }
    return {"no decision at all": 0.0} | policies | baselines


def _promoted(challenger: str, reason: str) -> Verdict:
    return Verdict(promoted=True, champion=challenger, reason=reason)


def _kept(champion: str | None, reason: str, *, undecided: bool = False) -> Verdict:
    undecided = undecided or champion is None
    return Verdict(promoted=False, champion=champion, reason=reason, undecided=undecided)
