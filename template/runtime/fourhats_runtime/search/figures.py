"""How well documents are found: the field's figures, each with its interval.

As usual in the field (Voorhees and Harman, TREC, 2005): of questions that some document answers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import TAIL, Floats
from fourhats_runtime.lifecycle.figures import Figure
from fourhats_runtime.search.documents import Documents
from fourhats_runtime.search.questions import Question
from fourhats_runtime.search.rankers import DEPTH, Found

DRAWS = 1000
"""Of the bootstrap."""
CUTS = (1, 3, 10)


def hits(
    found: Sequence[Found], questions: Sequence[Question], documents: Documents
) -> NDArray[np.bool_]:
    """Tell which of the found documents answer, of shape (questions, DEPTH)."""
    right = np.zeros((len(questions), DEPTH), dtype=bool)
    for row, (each, question) in enumerate(zip(found, questions, strict=True)):
        wanted = question.right_of(documents)
        for rank, place in enumerate(each.places[:DEPTH]):
            right[row, rank] = documents.all[place].id in wanted
    return right


def ranks(right: NDArray[np.bool_]) -> Floats:
    """Give the rank of the first right answer, infinite where there is none."""
    return np.where(right.any(axis=1), 1 + right.argmax(axis=1), np.inf)


def by_question(
    right: NDArray[np.bool_], questions: Sequence[Question], documents: Documents
) -> dict[str, Floats]:
    """Give each question's figures, of shape (questions,): those of the answerable alone."""
    wanted = np.array([len(each.right_of(documents)) for each in questions], dtype=np.float64)
    right, there_are = right[wanted > 0], wanted[wanted > 0]
    first = ranks(right)
    discounts = 1 / np.log2(2 + np.arange(10))
    ideal = np.cumsum(discounts)[np.minimum(there_are, 10).astype(int) - 1]
    recalls = {f"recall@{cut}": right[:, :cut].sum(axis=1) / there_are for cut in CUTS}
    return {
        "MRR": 1 / first,
        **recalls,
        "nDCG@10": (right[:, :10] @ discounts) / ideal,
        "mean rank": np.minimum(first, DEPTH + 1),
    }


def with_intervals(values: Mapping[str, Floats], seed: int) -> dict[str, Figure]:
    """Give means and their intervals, by the bootstrap over questions: the same draws for all."""
    number = len(next(iter(values.values())))
    if not number:
        return {}
    drawn = np.random.default_rng(seed).integers(number, size=(DRAWS, number))
    found = {}
    for name, each in values.items():
        low, high = np.quantile(each[drawn].mean(axis=1), [TAIL, 1 - TAIL])
        found[name] = Figure(figure=float(each.mean()), low=float(low), high=float(high))
    return found
