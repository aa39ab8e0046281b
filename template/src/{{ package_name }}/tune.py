"""The search for parameters: Optuna maximises money on the validation rows."""

from collections.abc import Callable

import optuna

from .contract import Contract
from .estimator import Parameters, build, suggest
from .export import predict
from .settings import Settings
from .split import Part, Split
from .value import Rule


def tune(
    parts: Split,
    contract: Contract,
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
) -> Parameters:
    """Find the parameters that earn the most on the validation rows; the holdout stays unseen.

    `progress` is told the number of trials done.
    """
    train = _sample(parts.train, settings)

    def earned(trial: optuna.Trial) -> float:
        parameters = suggest(trial)
        model = build(contract, parameters, settings.training.seed)
        model.fit(train.frame, train.labels(contract))
        outputs = predict(model, parts.validation, contract)
        actual = parts.validation.actual
        rule = Rule.fit(outputs, actual, contract, settings.value)
        return float(rule.realised(outputs, actual).mean())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=settings.training.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(
        earned,
        n_trials=settings.training.trials,
        callbacks=[lambda _study, trial: progress(trial.number + 1)],
    )
    return study.best_params


def _sample(part: Part, settings: Settings) -> Part:
    """Take every n-th row where there are more than tuning needs."""
    step = -(-len(part) // settings.training.tuning_rows)
    return Part({name: values[::step] for name, values in part.inputs.items()}, part.actual[::step])
