"""The search for parameters, and the choice between candidates, by what they lose on unseen rows.

Of classes that is the log-loss, once probabilities are calibrated: money hangs on the few cases
near the threshold, and is all chance among models that are nearly as good. Of numbers it is how far
off they are, which is what the payoff falls with.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.calibration import calibrate
from fourhats_runtime.model.candidates import (
    Candidate,
    Fitted,
    Parameters,
    Standing,
    learnt,
    predict,
)
from fourhats_runtime.model.monotone import keeps
from fourhats_runtime.model.parts import Part, Split
from fourhats_runtime.project import Project
from fourhats_runtime.tasks.rule import Floats
from fourhats_runtime.training import Training

AT_RANDOM = 6
"""So many trials are drawn before what they lost says where to go on."""
AT_ONCE_SECONDS = 1
"""Within so many, a second Ctrl-C is the first one, which came by two ways."""
MANY_ROWS = 50_000
FEW_ROWS, QUARTERS = 300, 4
"""With fewer validation rows, candidates are compared by quarters of all that is learnt from."""
LEAST = 1e-6
"""No outcome is held to be less likely: one row alone must not decide."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""


class Attempt(TypedDict):
    """What was tried: a candidate with parameters, and what it lost."""

    candidate: str
    parameters: Parameters
    loss: float
    """The mean of `losses` of the validation rows."""


@dataclass(frozen=True)
class Search:
    """What tuning found, and all that it tried."""

    parameters: Parameters
    attempts: tuple[Attempt, ...] = ()


def selected(candidates: Sequence[Candidate], project: Project) -> list[Candidate]:
    """Give the candidates that `training.candidates` names, or all of them.

    Raises:
        ProjectError: there is none of such a name.

    """
    wanted, known = project.settings(Training).candidates, [each.name for each in candidates]
    if unknown := [name for name in wanted if name not in known]:
        raise ProjectError(
            f"setting training.candidates: estimator.py has no candidate {unknown[0]!r} "
            f"(it has: {', '.join(known)})"
        )
    return [each for each in candidates if each.name in wanted or not wanted]


def tune(
    candidate: Candidate,
    parts: Split,
    project: Project,
    progress: Progress = lambda _done, _all: None,
    among: Sequence[Candidate] = (),
) -> Search:
    """Find the parameters that lose the least on the validation rows; the holdout stays unseen.

    They are of what the candidate asks to be tuned: none where it asks for nothing. A search under
    way ends at Ctrl-C, with the best that it has found; at a second one, training stops. A budget
    in minutes is shared evenly with those of `among` that are tuned as well.
    """
    contract, training = project.contract, project.settings(Training)
    budget = _Budget.of(training, candidate.name, sum(each.is_tuned for each in among))
    train = _sample(parts.train, training.tuning_rows)

    def lost(trial: optuna.Trial) -> float:
        model = candidate.pipeline(trial, train.kinds)
        if not trial.params:
            study.stop()
            return 0.0
        outputs = predict(learnt(model, train, contract), parts.validation, contract)
        actual = parts.validation.actual
        return float(losses(outputs, actual).mean())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=AT_RANDOM, seed=training.seed)
    study = optuna.create_study(sampler=sampler)
    with few_threads(parts.train), _until_ctrl_c(candidate) as is_to_end:

        def after(_study: optuna.Study, trial: FrozenTrial) -> None:
            progress(*budget.used(trial.number + 1))
            if is_to_end():
                study.stop()

        study.optimize(lost, n_trials=budget.trials, timeout=budget.seconds, callbacks=[after])
    attempts = tuple(
        Attempt(candidate=candidate.name, parameters=dict(trial.params), loss=trial.values[0])
        for trial in study.trials
        if trial.params and trial.values
    )
    return Search(dict(study.best_params), attempts)


@dataclass(frozen=True)
class _Budget:
    """What a search may take: so many trials, or so many seconds from `began` on."""

    trials: int | None
    seconds: float | None
    began: float

    @classmethod
    def of(cls, training: Training, name: str, shares: int) -> "_Budget":
        trials = training.tried.get(name, None if training.minutes else training.trials)
        seconds = None if trials else 60 * training.minutes / max(shares, 1)
        return cls(trials, seconds, time.monotonic())

    def used(self, trials: int) -> tuple[int, int]:
        """Give how much of it is used up after so many trials, and how much there is."""
        if self.seconds is None:
            return trials, self.trials or trials
        return round(min(time.monotonic() - self.began, self.seconds)), round(self.seconds)


@contextmanager
def _until_ctrl_c(candidate: Candidate) -> Iterator[Callable[[], bool]]:
    """Give whether a search is to end, as Ctrl-C asks for; once more, and it is interrupted.

    It ends between two trials: in the middle of one, libraries take an interruption for a fault.
    """
    asked: list[float] = []

    def end(_number: int, _frame: object) -> None:
        if not asked:
            asked.append(time.monotonic())
            logger.warning(
                "the search of %s ends after this trial, and training goes on with the best so "
                "far; Ctrl-C once more stops it",
                candidate.name,
            )
        elif time.monotonic() - asked[0] > AT_ONCE_SECONDS:
            raise KeyboardInterrupt

    # Whoever handles it in another way, or runs this in a thread, keeps to that.
    of_a_person = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not of_a_person or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def fit(candidate: Candidate, part: Part, project: Project, parameters: Parameters) -> Fitted:
    """Fit a candidate to rows, with the parameters that tuning found."""
    with few_threads(part):
        return candidate.fit(part, project.contract, parameters)


def refit(model: Fitted, part: Part, contract: Contract) -> Fitted:
    """Fit a model anew, with the same parameters, to other rows: those that it was chosen on, too.

    What is known of the model before holds of the new one, which has learnt from more.
    """
    with few_threads(part):
        return replace(model, pipeline=learnt(clone(model.pipeline), part, contract))


def simplest_of_the_best(models: Sequence[Fitted], parts: Split, contract: Contract) -> Fitted:
    """Choose the first, which is the simplest, that loses as little as the best within chance.

    Where the contract says which way a number tells (monotone), only what keeps to it is chosen.
    By the rule of one standard error (Breiman et al., Classification and Regression Trees, 1984):
    of two models that are equally good as far as one can tell, take the simpler. Rows of one
    entity are one draw.

    Raises:
        ProjectError: no model can keep to what the contract says.

    """
    models = [model for model in models if keeps(model.pipeline, contract)]
    if not models:
        raise ProjectError(
            f"no candidate in estimator.py can keep to monotone, which config/contract.toml says of"
            f" {', '.join(contract.directions)}: add trees of scikit-learn or LightGBM, or take it"
            " away"
        )
    judged, said = _unseen(models, parts, contract)
    lost = [losses(outputs, judged.actual) for outputs in said]
    best = min(lost, key=lambda amounts: float(amounts.mean()))
    leaderboard = tuple(
        Standing(
            candidate=model.name,
            loss=float(amounts.mean()),
            behind=float((amounts - best).mean()),
            chance=judged.standard_error(amounts - best),
        )
        for model, amounts in zip(models, lost, strict=True)
    )
    chosen = next(place for place, each in enumerate(leaderboard) if each.behind <= each.chance)
    return replace(models[chosen], leaderboard=leaderboard)


def _unseen(
    models: Sequence[Fitted], parts: Split, contract: Contract
) -> tuple[Part, list[Floats]]:
    """Give rows, and what each model predicts for them, of which it has not seen the outcomes.

    They are the validation rows. Few of those tell little: then it is each quarter of all that is
    learnt from, in turn, predicted by the models as fitted to the other three.
    """
    learned = parts.learned
    few = len(parts.validation) < FEW_ROWS
    quarters = _quarters(learned, contract) if few else []
    if not quarters:
        return parts.validation, [model.predict(parts.validation, contract) for model in models]
    said = []
    for model in models:
        predicted = [
            refit(model, learned.where(~out), contract).predict(learned.where(out), contract)
            for out in quarters
        ]
        outputs = np.empty((len(learned), *predicted[0].shape[1:]))
        for out, each in zip(quarters, predicted, strict=True):
            outputs[out] = each
        said.append(outputs)
    return learned, said


def _quarters(learned: Part, contract: Contract) -> list[NDArray[np.bool_]]:
    """Give which rows are in each quarter, those of one entity together; none where it is no use.

    So it is with time, where the past would be judged by the future, and with a class that three
    quarters may lack.
    """
    if contract.time_order or learned.groups is None:
        return []
    quarters = [learned.groups % QUARTERS == number for number in range(QUARTERS)]
    known = len(np.unique(learned.actual))
    if contract.classes and any(len(np.unique(learned.actual[~out])) < known for out in quarters):
        return []
    return quarters if all(out.any() for out in quarters) else []


@contextmanager
def few_threads(part: Part) -> Iterator[None]:
    """Have one thread work on few rows: handing them out takes longer than the work itself."""
    with threadpool_limits(1 if len(part) < MANY_ROWS else None):
        yield


def losses(outputs: Floats, actual: Floats) -> Floats:
    """Give what each row loses, shape (rows,), the less, the better.

    Of probabilities, in nats, once they are calibrated; of numbers, in the target's unit.
    """
    if outputs.ndim == 1:
        return np.abs(outputs - actual)
    calibrated = calibrate(outputs, actual)(outputs)
    came = calibrated[np.arange(len(actual)), actual.astype(np.intp)]
    return -np.log(np.maximum(came, LEAST))


def _sample(part: Part, most: int) -> Part:
    """Take every n-th row where there are more than tuning needs."""
    return part.where(slice(None, None, -(-len(part) // most)))
