"""Spark gives what the warehouse itself would give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.data import Check
from fourhats_runtime.data.spark import exchange, reported, session
from fourhats_runtime.data.transform import transform
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pipeline import run_step

from tests.runtime.configured import configured

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

ROWS = "SELECT * FROM clean ORDER BY _source, _row"


@pytest.fixture
def by_spark(ran: Project) -> Project:
    """Give the project that has run, with steps by Spark, and a check and a filter of its own."""
    return replace(
        ran,
        engine="spark",
        checks=(Check("pays too much", "monthly_fee < 110 OR contract <> 'monthly'"),),
        transform="SELECT * FROM valid WHERE monthly_fee > 10 -- and no less\n",
    )


def test_clean_is_what_the_warehouse_makes_of_raw(by_spark: Project) -> None:
    run_step("transform", by_spark)
    with connect(by_spark) as connection:
        made = connection.execute(ROWS).fetchall()
        transform(connection, by_spark.contract, replace(by_spark, engine="local"))
        assert made == connection.execute(ROWS).fetchall()
    assert 1000 < len(made) < 2900
    assert list(by_spark.artifacts.glob("spark-*")) == []  # nothing is left of the exchange


@pytest.mark.parametrize("said", ["", "shared"])
def test_rows_are_exchanged_where_spark_reaches_them(
    fresh: Project, tmp_path: Path, said: str
) -> None:
    folder = str(tmp_path / said) if said else ""
    with exchange(configured(fresh, spark={"folder": folder})) as place:
        assert place.parent == (tmp_path / said if said else fresh.artifacts)
    assert not place.exists()


def test_what_fails_there_is_reported_in_one_line(by_spark: Project) -> None:
    with pytest.raises(ProjectError, match=r"Spark: .*nowhere") as failed, reported():
        session(by_spark).sql("SELECT * FROM nowhere").collect()
    assert len(str(failed.value).splitlines()) == 1
