"""Files of Stata, SPSS and SAS become rows: labels in place of codes, whole numbers as such."""

from __future__ import annotations

import gzip
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyreadstat
import pytest
from fourhats_runtime.data.extras import MissingLibraryError
from fourhats_runtime.data.files.statistics import PROGRAMS, program
from fourhats_runtime.data.table_file import (
    Reading,
    TableFileError,
    open_file,
    opened_files,
)

if TYPE_CHECKING:
    from pathlib import Path

ROWS = pd.DataFrame(
    {
        "sex": [1.0, 2.0, 1.0],
        "score": [1.0, 9.0, None],
        "weight": [70.5, None, 81.25],
        "seen": [date(2024, 1, 31), date(2024, 2, 1), None],
        "word": ["a, b", 'say "c"', ""],
    }
)
LABELS: dict[str, dict[int | float, str]] = {"sex": {1: "woman", 2: "man"}, "score": {9: "refused"}}


def _written(path: Path) -> Path:
    match path.suffix:
        case ".dta":
            pyreadstat.write_dta(ROWS, str(path), variable_value_labels=LABELS)
        case ".sav":
            pyreadstat.write_sav(ROWS, str(path), variable_value_labels=LABELS)
        case _:
            pyreadstat.write_xport(ROWS, str(path))
    return path


def _opened(path: Path) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    with duckdb.connect() as connection, opened_files(connection, [path]) as table:
        assert [name.lower() for name in table.relation.columns] == list(ROWS)
        return table.relation.fetchall(), table.notes


@pytest.mark.parametrize("end", [".dta", ".sav", ".xpt"])
def test_a_file_becomes_rows(end: str, tmp_path: Path) -> None:
    rows, notes = _opened(_written(tmp_path / f"panel{end}"))
    sexes = [1, 2, 1] if end == ".xpt" else ["woman", "man", "woman"]
    assert [row[0] for row in rows] == sexes
    assert [row[1] for row in rows] == [1, 9, None]
    assert isinstance(rows[0][1], int)
    assert [row[2] for row in rows] == [70.5, None, 81.25]
    assert [row[3] for row in rows] == ["2024-01-31", "2024-02-01", None]
    assert [row[4] or "" for row in rows] == list(ROWS["word"])
    said = () if end == ".xpt" else (f"panel{end}: labels stand for the codes of sex",)
    assert notes == said


def test_one_that_is_packed_is_read_and_its_name_says_whose_it_is(tmp_path: Path) -> None:
    packed = tmp_path / "panel.dta.gz"
    packed.write_bytes(gzip.compress(_written(tmp_path / "panel.dta").read_bytes()))
    assert _opened(packed)[0] == _opened(tmp_path / "panel.dta")[0]
    assert [program(tmp_path / f"X{end.upper()}") for end in PROGRAMS] == [
        *("Stata", "SPSS", "SPSS", "SPSS", "SAS", "SAS")
    ]
    for other in ("dta.csv", "panel.dta.csv", "panel.dta.csv.gz", "panel.dta.old", "dta"):
        assert not program(tmp_path / other)


def test_what_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.dta"
    broken.write_bytes(b"<stata_dta> and nothing else")
    with duckdb.connect() as connection, pytest.raises(TableFileError, match=r"broken\.dta: can't"):
        open_file(connection, str(broken))
    good = _written(tmp_path / "panel.sav")
    with (
        duckdb.connect() as connection,
        pytest.raises(TableFileError, match="SPSS names its columns itself"),
        opened_files(connection, [good], reading=Reading(header=False)),
    ):
        pass
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    wanted = "pyreadstat is not installed: name the extra 'statistics'"
    with duckdb.connect() as connection, pytest.raises(MissingLibraryError, match=wanted):
        open_file(connection, str(good))
