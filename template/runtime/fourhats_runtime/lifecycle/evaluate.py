"""The judgement on the holdout: in the field's figures, and in money against the baselines."""

from dataclasses import asdict
from functools import partial

from fourhats_runtime.chance import Floats
from fourhats_runtime.contract import Contract
from fourhats_runtime.lifecycle.comparison import compare
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.lifecycle.looks import looks, note_look
from fourhats_runtime.lifecycle.reference import keep_holdout
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Card, Registry
from fourhats_runtime.lifecycle.segments import Judged, segments
from fourhats_runtime.lifecycle.today import Today
from fourhats_runtime.limits import Comparing
from fourhats_runtime.model.calibration import calibrate
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.parts import Split
from fourhats_runtime.model.tuning import refit
from fourhats_runtime.project import Project, named
from fourhats_runtime.tasks import fit_rule


def evaluate(parts: Split, contract: Contract, project: Project) -> Card:
    """Judge the challenger and the baselines on the holdout, and keep the result beside it.

    `gain` is what the challenger adds to the best policy that needs no model. Probabilities are
    calibrated on the validation rows; money is in the currency of business.toml. `ahead` names the
    baselines that earn more beyond chance; `no_model` is what replays the policies on later cases,
    `today` what is to be known of today's rule, None where there is none; `looks` says how many
    models the holdout's rows have judged by now, this one included; `made_up` whether a sample
    stands in for the client's data.

    Raises:
        ProjectError: there is no challenger yet, a metric of one's own fails, or the settings name
            a column that has no categories.

    """
    registry = Registry(project.artifacts / "registry")
    version = registry.require("challenger")
    challenger = Model.load(project, version)
    outputs, actual = challenger.run(parts.holdout.inputs), parts.holdout.actual
    note_look(registry, version, parts.holdout)
    earned = challenger.rule.realised(outputs, actual)
    baselines = {
        baseline.name: _baseline_earned(baseline, parts, contract, project)
        for baseline in named(project.baselines)(project.seed)
    }
    no_model = challenger.rule.policies(parts.train.actual)
    today, noted = None, None
    if rule := Today.of(project):
        today, noted = rule.judged(parts.holdout.rows, contract)
    policies = {
        policy.name: challenger.rule.by_policy(policy, actual)
        for policy in (*no_model, *([today] if today else []))
    }
    best = max(policies, key=lambda name: float(policies[name].mean()))
    paired = partial(compare, stake=challenger.rule.stake, groups=parts.holdout.groups)
    gain = paired(earned, policies[best])
    error_rate = project.settings(Comparing).error_rate
    ahead = [
        name
        for name, amounts in baselines.items()
        if paired(amounts, earned, error_rate=error_rate).is_better
    ]
    value = float(earned.mean())
    result: Card = {
        "version": version,
        "rows": len(parts.holdout),
        "made_up": parts.made_up,
        "looks": looks(registry, parts.holdout),
        "currency": project.value.currency,
        "monthly_volume": project.value.monthly_volume,
        "value": value,
        "monthly_value": value * project.value.monthly_volume,
        "policies": {name: float(values.mean()) for name, values in policies.items()},
        "no_model": [policy._asdict() for policy in no_model],
        "today": noted,
        "baselines": {name: float(values.mean()) for name, values in baselines.items()},
        "ahead": ahead,
        "gain": {"over": best, **asdict(gain)},
        "figures": figures(
            outputs,
            actual,
            challenger.rule,
            groups=parts.holdout.groups,
            seed=project.seed,
        ),
        "segments": segments(
            Judged(parts.holdout, challenger.rule, outputs, earned, policies[best]), project
        ),
        "metrics": {
            name: float(figure)
            for name, figure in named(project.metrics)(outputs, actual, contract).items()
        },
    }
    whose = parts.holdout.entities(contract)
    keep_holdout(registry.folder(version), outputs, actual, whose, today)
    registry.note(version, "evaluation", result)
    return result


def _baseline_earned(
    baseline: Candidate, parts: Split, contract: Contract, project: Project
) -> Floats:
    model = baseline.fit(parts.train, contract, {})
    known = model.predict(parts.validation, contract)
    calibration = calibrate(known, parts.validation.actual)
    rule = fit_rule(project, contract, calibration(known), parts.validation.actual)
    final = refit(model, parts.learned, contract)
    judged_on = calibration(final.predict(parts.holdout, contract))
    return rule.realised(judged_on, parts.holdout.actual)
