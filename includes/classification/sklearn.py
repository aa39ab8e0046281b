"""The candidate models, what tuning may try of each, and what they have to beat.

A candidate's `build` gives an untrained estimator, and asks the trial for what is to be tuned.
"""

from fourhats_runtime.model import AnyTrial, Candidate, for_linear, for_trees
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

LINEAR = Candidate("linear", lambda _: LogisticRegression(max_iter=500), for_linear)


def candidates(seed: int) -> list[Candidate]:
    """Give the models that training chooses from, the simplest first."""

    def trees(trial: AnyTrial) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            learning_rate=trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
            max_iter=trial.suggest_int("max_iter", 100, 300),
            max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 5, 31, log=True),
            min_samples_leaf=trial.suggest_int("min_samples_leaf", 5, 40, log=True),
            l2_regularization=trial.suggest_float("l2_regularization", 1e-2, 10.0, log=True),
            early_stopping=False,  # which draws rows one by one: of one entity, on both sides
            random_state=seed,
        )

    return [LINEAR, Candidate("trees", trees, for_trees)]


def baselines(seed: int) -> list[Candidate]:
    """Give the models that another has to beat, beside what is to be had without any."""
    del seed
    return [LINEAR]
