"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from .model import Model
from .settings import Settings
from .sql import quote
from .warehouse import Connection, frame, read_in

CHUNK_ROWS = 100_000


def score(
    connection: Connection,
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[Path, int]:
    """Score the rows of `clean` that have no outcome yet, or all where every row has one.

    A day's scores are one partition of `artifacts/scores/`, written anew when the day is run again;
    the table `scores` holds all partitions. `progress` is told the rows done.

    Returns the partition's file and its rows.

    Raises:
        ProjectError: there is no champion yet.

    """
    model = Model.champion(settings)
    target = quote(model.contract.target.name)
    open_rows = f"{target} IS NULL OR NOT EXISTS (SELECT 1 FROM clean WHERE {target} IS NULL)"
    rows = frame(connection, f"SELECT * FROM clean WHERE {open_rows} ORDER BY _source, _row")
    now = datetime.now(UTC).replace(tzinfo=None)
    scored: list[pl.DataFrame] = []
    for start in range(0, len(rows), CHUNK_ROWS):
        scored.append(_score(model, rows[start : start + CHUNK_ROWS]))
        progress(min(start + CHUNK_ROWS, len(rows)))
    folder = settings.artifacts / "scores"
    path = folder / f"scored_on={now.date().isoformat()}" / "scores.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".scratch")
    pl.concat(scored).with_columns(scored_at=now).write_parquet(scratch)
    scratch.replace(path)
    files = str(folder / "*" / "scores.parquet")
    read_in(
        connection,
        "scores",
        lambda duck: duck.read_parquet(files, hive_partitioning=True, union_by_name=True),
    )
    return path, len(rows)


def _score(model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    columns = {column.name: rows[column.name].to_list() for column in model.contract.features}
    answers = pl.DataFrame(
        model.rule.describe(model.predict(columns)),
        schema_overrides={"probability": pl.Float64},
    )
    kept = [column.name for column in model.contract.used if column.role != "target"]
    return rows.select("_source", "_row", *kept).with_columns(
        *answers, pl.lit(model.version).alias("model_version")
    )
