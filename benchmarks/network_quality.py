"""What networks find in public tables, beside trees: of the same rows, by the same search.

Each is the step `train` of a project that chose all of them, with the one candidate.
Of some tables alone: `python -m benchmarks.network_quality ames concrete`.
"""

import os
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.figure import Figure, show
from benchmarks.model_quality import MOST_ROWS, TABLES, by_flaml, ours_of

NAMES = tuple(name for name in TABLES if name not in ("credit_data", "diamonds"))
FAMILIES = ("sklearn", "pytorch", "tensorflow")
NETWORKS = FAMILIES[1:]
SPLITS, LEAST, WORST = 2, 0.95, 0.9


def figures(names: tuple[str, ...] = NAMES, tables: Path | None = None) -> list[Figure]:
    """Have each learn from each table in turn, `tables` being where they are already."""
    ratios: dict[str, dict[str, float]] = {network: {} for network in NETWORKS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if tables is None:
            by_flaml(["tables", folder, MOST_ROWS, *(f"{TABLES[n].package}/{n}" for n in names)])
        for name in names:
            table = pd.read_parquet((tables or folder) / f"{name}.parquet")
            scores = {who: of_table(name, who, table, folder) for who in (*NETWORKS, "trees")}
            said = ", ".join(f"{who} {score:.4f} ({s:.0f} s)" for who, (score, s) in scores.items())
            print(f"  {name}: {said}", flush=True)
            for network, found in ratios.items():
                found[name] = scores[network][0] / scores["trees"][0]
    return [each for network, found in ratios.items() for each in _figures(network, found)]


def _figures(network: str, ratios: dict[str, float]) -> list[Figure]:
    mean, worst = float(np.mean(list(ratios.values()))), min(ratios, key=lambda name: ratios[name])
    of = f"AUC or R² on public tables, {network} against trees"
    return [
        Figure(of, mean, LEAST, side="at least", detail=f"{len(ratios)} tables", digits=4),
        Figure(f"{of}, worst", ratios[worst], WORST, side="at least", detail=worst, digits=4),
    ]


def of_table(name: str, candidate: str, table: pd.DataFrame, folder: Path) -> tuple[float, float]:
    """Give the mean score, and the mean seconds of learning, of a candidate alone."""
    with patch.dict(os.environ, TRAINING__CANDIDATES=f'["{candidate}"]'):
        learnt = [
            ours_of(table, TABLES[name], folder / candidate / f"{name}-{n}", FAMILIES)
            for n in range(SPLITS)
        ]
    return float(np.mean([e.score for e in learnt])), float(np.mean([e.seconds for e in learnt]))


if __name__ == "__main__":
    show(lambda: figures(tuple(sys.argv[1:]) or NAMES))
