"""How columns become numbers inside the model, so that the served graph holds it too."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

Kind = Literal["number", "season", "category", "text", "vector", "nothing"]
Kinds = Mapping[str, Kind]
"""The inputs by name, in order. A season is a number that begins anew after its last: a month, a
weekday, an hour; a vector is one of its dimensions. Where a number has no value yet, there is
nothing to learn."""

MOST_TERMS = 5_000
BEST_TERMS = 100
BEST_DIMENSIONS = 32
LOWEST = -3e38
"""Below any number that single precision holds, and not far from its end."""
TERM = "[^ ]+"  # as the feed writes them
SPLIT = {"lowercase": False, "token_pattern": TERM, "max_features": MOST_TERMS}


def for_trees(kinds: Kinds) -> ColumnTransformer:
    """Encode categories as numbers, an unknown one as -1; let numbers pass, gaps included.

    Of texts, trees are given which of the hundred terms that say the most are there: whole numbers,
    which are the same in the graph; of their vectors, the 32 dimensions that say the most.
    """
    return _of_trees(kinds, "passthrough")


def for_forests(kinds: Kinds) -> ColumnTransformer:
    """Encode as for trees, a missing number below all others: in ONNX, forests know no gaps."""
    below_all = SimpleImputer(strategy="constant", fill_value=LOWEST, keep_empty_features=True)
    return _of_trees(kinds, below_all)


def for_linear(kinds: Kinds) -> ColumnTransformer:
    """Give each category, season and term a column of its own; fill and scale the numbers.

    For estimators that add up. Trees would compare numbers that scaling has rounded, and their
    graph decide otherwise than the trained model.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore")
    scaled = Pipeline(
        [("fill", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())]
    )
    # A gap is a season of its own: the graph finds no NaN among the seasons.
    season = Pipeline(
        [("fill", SimpleImputer(strategy="constant", fill_value=-1.0)), ("own", clone(one_hot))]
    )
    # Vectors are of length 1, and a penalty weighs them by that, as it does the terms.
    own = {"category": one_hot, "number": scaled, "season": season, "vector": _no_vector()}
    return _transformer(kinds, own, TfidfVectorizer(**SPLIT), sparse_threshold=0.3)


def term_counters(encoder: ColumnTransformer) -> list[CountVectorizer]:
    """Give what cuts texts into terms: a graph has to be told how."""
    steps = encoder.named_transformers_.values()
    first = [step[0] if isinstance(step, Pipeline) else step for step in steps]
    return [step for step in first if isinstance(step, CountVectorizer)]


def _of_trees(kinds: Kinds, numbers: object) -> ColumnTransformer:
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    terms = Pipeline(
        [
            ("count", CountVectorizer(binary=True, **SPLIT)),
            ("best", SelectKBest(_tells, k=BEST_TERMS)),
        ]
    )
    best = Pipeline([("fill", _no_vector()), ("best", SelectKBest(_separates, k=BEST_DIMENSIONS))])
    own = {"category": ordinal, "number": numbers, "season": numbers, "vector": best}
    return _transformer(kinds, own, terms, sparse_threshold=0.0)


def _transformer(
    kinds: Kinds, own: Mapping[str, object], terms: object, sparse_threshold: float
) -> ColumnTransformer:
    def named(wanted: str) -> list[str]:
        return [name for name, kind in kinds.items() if kind == wanted]

    steps: list[tuple[str, object, Any]] = [
        *((kind, encoder, named(kind)) for kind, encoder in own.items()),
        *((f"terms of {name}", clone(terms), name) for name in named("text")),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=sparse_threshold)


def _no_vector() -> SimpleImputer:
    """Have the vector of no text be zero, which is as far from each as from any other."""
    return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)


def _tells(
    counts: Any,  # noqa: ANN401 (sparse)
    labels: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Say how much each term tells of the outcome: of classes by chi-squared, of numbers by F."""
    score = chi2 if labels.dtype.kind == "i" else f_regression
    scores, chances = score(counts, labels)
    return np.nan_to_num(scores), np.nan_to_num(chances, nan=1.0)  # of one that is in each text


def _separates(
    values: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Say how much each dimension tells of the outcome, by F: of classes, or of numbers."""
    score = f_classif if labels.dtype.kind == "i" else f_regression
    with np.errstate(divide="ignore", invalid="ignore"):
        scores, chances = score(values, labels)
    return np.nan_to_num(scores), np.nan_to_num(chances, nan=1.0)
