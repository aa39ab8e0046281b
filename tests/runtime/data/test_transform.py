"""The project's own SQL says which of the valid rows are worth learning from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data.quality import valid_rows
from fourhats_runtime.data.transform import transform
from fourhats_runtime.data.warehouse import columns, connect, count, one_row
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pipeline import run_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project
    from fourhats_runtime.data.warehouse import Connection


@pytest.fixture
def extracted(fresh: Project) -> Iterator[Connection]:
    """Give the warehouse with the sample's rows."""
    run_step("extract", fresh)
    with connect(fresh) as connection:
        yield connection


def made(connection: Connection, project: Project, query: str) -> list[tuple[object, ...]]:
    """Give the rows of `clean` by the project's query."""
    transform(connection, project.contract, replace(project, transform=query))
    return connection.execute("SELECT * FROM clean ORDER BY _source, _row").fetchall()


def test_by_itself_it_takes_every_valid_row(extracted: Connection, fresh: Project) -> None:
    valid = valid_rows(extracted, fresh.contract)
    rows = extracted.execute(f"SELECT * FROM ({valid}) ORDER BY _source, _row").fetchall()
    assert made(extracted, fresh, fresh.transform) == rows
    for query in ("\nselect *\nfrom VALID ;\n", "FROM valid", "SELECT * FROM valid -- all; of it"):
        assert made(extracted, fresh, query) == rows


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM valid WHERE region = 'north'",
        "\nSELECT *\nFROM valid\nWHERE region = 'north'; -- not the Süd; nor the east\n",
        "WITH north AS (FROM valid WHERE region = 'north') SELECT * FROM north",
        """SELECT * FROM valid WHERE region IN
            (SELECT region FROM valid GROUP BY ALL HAVING region = 'north' AND count(*) > 1)""",
    ],
)
def test_rows_are_left_out_by_a_query_of_ones_own(
    query: str, extracted: Connection, fresh: Project
) -> None:
    every = made(extracted, fresh, fresh.transform)
    place = list(columns(extracted, "clean")).index("region")
    assert made(extracted, fresh, query) == [row for row in every if row[place] == "north"]


def test_values_keep_the_contracts_types(extracted: Connection, fresh: Project) -> None:
    made(extracted, fresh, fresh.transform)
    before = columns(extracted, "clean")
    query = "SELECT * REPLACE (CAST(monthly_fee AS VARCHAR) AS monthly_fee, 7::TINYINT AS "
    made(extracted, fresh, f"{query} tenure_months) FROM valid")
    assert columns(extracted, "clean") == before
    assert one_row(extracted, "SELECT DISTINCT tenure_months FROM clean") == (7,)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * EXCLUDE (region) FROM valid", "loses the column region:"),
        ("SELECT * EXCLUDE (region, _row) FROM valid", "loses the columns region, _row:"),
        ("SELECT region, count(*) FROM valid GROUP BY ALL", "_source"),
        ("DELETE FROM raw_sample", "has to be one query"),
        ("SELECT * FROM valid; SELECT * FROM valid", "has to be one query"),
        ("-- nothing", "has to be one query"),
        ("SELECT * FROM valid WHERE", "syntax error"),
        ("SELECT * FROM valid WHERE regions = 'x'", "regions"),
        ("SELECT * REPLACE (CAST(region AS BIGINT) AS tenure_months) FROM valid", "'"),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_line(
    query: str, words: str, extracted: Connection, fresh: Project
) -> None:
    made(extracted, fresh, fresh.transform)
    before = count(extracted, "clean")
    with pytest.raises(ProjectError, match=r"^transform\.py: ") as refused:
        made(extracted, fresh, query)
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert count(extracted, "clean") == before
    assert made(extracted, fresh, fresh.transform)
