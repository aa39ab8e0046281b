"""The champion's model before it became a graph, for servers that take scikit-learn.

Runs in the rendered project's folder and environment: `python refit.py FILE`.
"""

import sys
from pathlib import Path

import joblib  # type: ignore[import-not-found]  # these come with the rendered project
from customer_churn import contract as contract_file  # type: ignore[import-not-found]
from customer_churn import settings as settings_file
from customer_churn.baseline import baselines  # type: ignore[import-not-found]
from customer_churn.estimator import build  # type: ignore[import-not-found]
from customer_churn.registry import Registry  # type: ignore[import-not-found]
from customer_churn.split import split  # type: ignore[import-not-found]
from customer_churn.warehouse import connect  # type: ignore[import-not-found]


def main() -> None:
    """Fit with the champion's parameters, and write the pipeline."""
    settings = settings_file.load(Path.cwd())
    contract = contract_file.load(settings.contract_file)
    registry = Registry(settings.artifacts / "registry")
    card = registry.card(registry.require("champion"))
    with connect(settings) as connection:
        train = split(connection, contract).train
    trees = build(contract, card["parameters"], settings.training.seed)
    model = trees if card["model"] == "trees" else baselines(contract)[card["model"]]
    model.fit(train.frame, train.labels(contract))
    joblib.dump(model, sys.argv[1])


if __name__ == "__main__":
    main()
