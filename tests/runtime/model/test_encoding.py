"""Categories become numbers by which an unknown one is no known one's neighbour."""

import numpy as np
import polars as pl
import pytest
from fourhats_runtime.model.encoding import Kinds, for_linear, for_trees
from sklearn.linear_model import LogisticRegression

KINDS: Kinds = {"size": "number", "colour": "category"}
ROWS = pl.DataFrame({"size": [1.0, np.nan, 3.0], "colour": ["blue", "green", "red"]})
STRANGE = pl.DataFrame({"size": [2.0], "colour": ["never seen"]})


def test_trees_are_given_a_number_a_category_and_minus_one_for_an_unknown_one() -> None:
    encoder = for_trees(KINDS).fit(ROWS)
    assert encoder.transform(ROWS)[:, 0].tolist() == [0, 1, 2]
    assert np.isnan(encoder.transform(ROWS)[1, 1])
    assert encoder.transform(STRANGE).tolist() == [[-1.0, 2.0]]


def test_a_linear_model_is_given_a_column_a_category_and_no_gaps() -> None:
    encoder = for_linear(KINDS).fit(ROWS)
    made = encoder.transform(ROWS)
    assert made[:, :3].tolist() == np.eye(3).tolist()
    assert made[:, 3].mean() == pytest.approx(0)
    assert made[1, 3] == pytest.approx(0)  # the gap takes the mean
    assert encoder.transform(STRANGE)[0, :3].tolist() == [0, 0, 0]


def test_without_categories_nothing_stands_for_them() -> None:
    assert [name for name, _, _ in for_trees({"size": "number"}).transformers] == ["number"]


def test_a_season_in_the_middle_counts_for_a_linear_model() -> None:
    hours = np.arange(480) % 24
    busy = ((hours >= 7) & (hours <= 9)) | (hours == 13)
    rows = pl.DataFrame({"hour": hours.astype(np.float64)}).with_columns(
        pl.when(pl.int_range(480) % 50 == 0).then(np.nan).otherwise("hour").alias("hour")
    )
    scores = {
        kind: LogisticRegression(max_iter=500)
        .fit(made := for_linear({"hour": kind}).fit_transform(rows), busy)
        .score(made, busy)
        for kind in ("number", "season")
    }
    assert scores["season"] > 0.95 > scores["number"]
    assert [name for name, _, _ in for_trees({"hour": "season"}).transformers] == ["season"]
