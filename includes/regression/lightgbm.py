"""The candidate models, what tuning may try of each, and what they have to beat.

A candidate's `build` gives an untrained estimator, and asks the trial for what is to be tuned.
"""

from fourhats_runtime.model import AnyTrial, Candidate, for_linear, for_trees
from fourhats_runtime.model.lightgbm import LGBMRegressor
from sklearn.linear_model import Ridge

LINEAR = Candidate("linear", lambda _: Ridge(), for_linear)


def candidates(seed: int) -> list[Candidate]:
    """Give the models that training chooses from, the simplest first."""

    def trees(trial: AnyTrial) -> LGBMRegressor:
        return LGBMRegressor(
            learning_rate=trial.suggest_float("learning_rate", 0.03, 0.15, log=True),
            n_estimators=trial.suggest_int("n_estimators", 100, 300),
            num_leaves=trial.suggest_int("num_leaves", 5, 31, log=True),
            min_child_samples=trial.suggest_int("min_child_samples", 5, 40, log=True),
            reg_lambda=trial.suggest_float("reg_lambda", 1e-2, 10.0, log=True),
            random_state=seed,
            deterministic=True,
            verbose=-1,
        )

    return [LINEAR, Candidate("trees", trees, for_trees)]


def baselines(seed: int) -> list[Candidate]:
    """Give the models that another has to beat, beside what is to be had without any."""
    del seed
    return [LINEAR]
