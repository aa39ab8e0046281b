"""The judgement on the holdout: in the field's figures, and in money against the baselines."""

from .baseline import baselines
from .contract import Contract
from .export import predict
from .metrics import metrics
from .model import Model
from .monitor.reference import keep_holdout
from .registry import Card, Registry
from .settings import Settings
from .split import Part, Split
from .value import Rule


def evaluate(parts: Split, contract: Contract, settings: Settings) -> Card:
    """Judge the challenger and the baselines on the holdout, and keep the result beside it.

    Every rule is fitted on the validation rows; money is in the currency of business.toml.

    Raises:
        ProjectError: there is no challenger yet.

    """
    registry = Registry(settings.artifacts / "registry")
    version = registry.require("challenger")
    challenger = Model.load(settings, version)
    outputs = challenger.run(parts.holdout.inputs)
    value = holdout_value(challenger, parts.holdout)
    result: Card = {
        "version": version,
        "rows": len(parts.holdout),
        "currency": settings.value.currency,
        "monthly_volume": settings.value.monthly_volume,
        "value": value,
        "monthly_value": value * settings.value.monthly_volume,
        "baselines": {
            name: _baseline_value(name, parts, contract, settings) for name in baselines(contract)
        },
        "metrics": metrics(outputs, parts.holdout.actual, contract),
    }
    registry.note(version, "evaluation", result)
    keep_holdout(registry.folder(version), outputs, parts.holdout.actual)
    return result


def holdout_value(model: Model, holdout: Part) -> float:
    """Give the mean value of the model's decisions on the holdout, in the currency."""
    return float(model.rule.realised(model.run(holdout.inputs), holdout.actual).mean())


def _baseline_value(name: str, parts: Split, contract: Contract, settings: Settings) -> float:
    model = baselines(contract)[name].fit(parts.train.frame, parts.train.labels(contract))
    chosen_on = predict(model, parts.validation, contract)
    rule = Rule.fit(chosen_on, parts.validation.actual, contract, settings.value)
    judged_on = predict(model, parts.holdout, contract)
    return float(rule.realised(judged_on, parts.holdout.actual).mean())
