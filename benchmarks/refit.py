"""The champion's model before it became a graph, for servers that take scikit-learn.

Runs in the rendered project's folder and environment: `python refit.py FILE`.
"""

import sys

import joblib
from customer_churn.estimator import (  # type: ignore[import-not-found]  # the rendered project
    candidates,
)
from customer_churn.project import project  # type: ignore[import-not-found]
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import split


def main() -> None:
    """Fit with the champion's parameters, and write the pipeline."""
    registry = Registry(project.artifacts / "registry")
    card = registry.card(registry.require("champion"))
    with connect(project) as connection:
        train = split(connection, project).train
    chosen = {each.name: each for each in candidates(project.seed)}[card["model"]]
    model = chosen.fit(train, project.contract, card["parameters"])
    joblib.dump(model.pipeline, sys.argv[1])


if __name__ == "__main__":
    main()
