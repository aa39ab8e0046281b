"""extract + validate + transform of half a million, 5 and 50 million rows: time grows as rows do.

Each size is run once, on a new database. Nothing may be swapped out.
"""

import tempfile
from pathlib import Path

import psutil

from benchmarks import big_table
from benchmarks.data_speed import GIGABYTE, prepared, run_steps
from benchmarks.figure import Figure, show

SIZES = (500_000, 5_000_000, 50_000_000)
MOST_GROWTH = 1.25
MOST_SWAPPED = 0.0


def figures() -> list[Figure]:
    """Measure the sizes one after the other."""
    before = psutil.swap_memory().sout
    costs = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = folder / "big.parquet"
        big_table.write(table, SIZES[0])
        project = prepared(folder / "project", table)
        for rows in SIZES:
            big_table.write(table, rows)
            costs[rows] = run_steps(project)
    told = ", ".join(
        f"{rows / 1e6:g} million: {cost.wall:.1f} s, {cost.memory / GIGABYTE:.2f} GB"
        for rows, cost in costs.items()
    )
    _, middle, most = SIZES
    growth = costs[most].wall / most / (costs[middle].wall / middle)
    swapped = (psutil.swap_memory().sout - before) / GIGABYTE
    return [
        Figure(
            "50 million rows against 5 million, seconds a row", growth, MOST_GROWTH, detail=told
        ),
        Figure("the same, swapped out", swapped, MOST_SWAPPED, "GB"),
    ]


if __name__ == "__main__":
    show(figures)
