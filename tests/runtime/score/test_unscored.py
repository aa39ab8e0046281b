"""The file of who gets no decision."""

import csv

from fourhats_runtime.score.unscored import COLUMNS, as_csv


def test_a_formula_is_text_and_a_number_stays_one() -> None:
    ids = ["=1+1", "-5", "@SUM(1)", None]
    written = as_csv(
        {"source": ["sample"] * 4, "row": [1, 2, 3, -4], "id": ids, "reason": ["-"] * 4}
    )
    header, *rows = csv.reader(written.decode().splitlines())
    assert tuple(header) == COLUMNS
    assert [row[2] for row in rows] == ["'=1+1", "-5", "'@SUM(1)", ""]
    assert [row[1] for row in rows] == ["1", "2", "3", "-4"]
