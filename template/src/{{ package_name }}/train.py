"""The experiment, top to bottom: split, tune, fit, choose, refit, export, register."""

from fourhats_runtime import Project
from fourhats_runtime.data import Connection
from fourhats_runtime.lifecycle import check_classes, register
from fourhats_runtime.model import (
    Attempt,
    Progress,
    export,
    fit,
    refit,
    selected,
    simplest_of_the_best,
    split,
    tune,
)

from .estimator import candidates


def train(project: Project, connection: Connection, progress: Progress) -> str:
    """Train a challenger on the table `clean` and register it; gives its version.

    Candidates learn from the training rows, and are tuned and compared on the validation rows; few
    of these, and they are compared by cross-validation. The chosen one then learns from both. The
    holdout stays unseen: `evaluate` and `promote` judge by it.

    Raises:
        ProjectError: there are too few rows, a class is missing, or the exported graph gives other
            answers than the trained model.

    """
    contract = project.contract
    parts = split(connection, project)
    check_classes(parts, contract)

    models = []
    attempts: list[Attempt] = []
    tried = selected(candidates(project.seed), project)
    for candidate in tried:
        search = tune(candidate, parts, project, progress, among=tried)
        attempts.extend(search.attempts)
        models.append(fit(candidate, parts.train, project, search.parameters))
    chosen = simplest_of_the_best(models, parts, contract)

    unseen = chosen.predict(parts.validation, contract)
    model = refit(chosen, parts.learned, contract)
    graph, difference = export(model, parts.holdout, project)
    return register(project, parts, model, unseen, graph, difference, attempts)
