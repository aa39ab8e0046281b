"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from .errors import ProjectError
from .model import Model
from .settings import Settings
from .sql import quote
from .warehouse import Connection, read_in, relation

BATCH_ROWS = 100_000


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
        ProjectError: there is no champion yet, or no row.

    """
    model = Model.champion(settings)
    kept = [column.name for column in model.contract.used if column.role != "target"]
    names, target = ", ".join(map(quote, kept)), quote(model.contract.target.name)
    open_rows = f"{target} IS NULL OR NOT EXISTS (SELECT 1 FROM clean WHERE {target} IS NULL)"
    query = f"SELECT _source, _row, {names} FROM clean WHERE {open_rows} ORDER BY _source, _row"
    now = datetime.now(UTC).replace(tzinfo=None)
    folder = settings.artifacts / "scores"
    path = folder / f"scored_on={now.date().isoformat()}" / "scores.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch, done = path.with_suffix(".scratch"), 0
    writer: parquet.ParquetWriter | None = None
    for rows in relation(connection, query).to_arrow_reader(BATCH_ROWS):
        scored = score_batch(model, rows, now)
        writer = writer or parquet.ParquetWriter(scratch, scored.schema)
        writer.write_batch(scored)
        done += len(rows)
        progress(done)
    if writer is None:
        raise ProjectError("the table clean has no row to score")
    writer.close()
    scratch.replace(path)
    files = str(folder / "*" / "scores.parquet")
    read_in(
        connection,
        "scores",
        lambda duck: duck.read_parquet(files, hive_partitioning=True, union_by_name=True),
    )
    return path, done


def score_batch(model: Model, rows: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """Give the rows with the model's answers, its version, and the moment (in UTC) beside them."""
    columns = {column.name: rows[column.name].to_pylist() for column in model.contract.features}
    answers = model.rule.describe(model.predict(columns))
    scored = {name: rows[name] for name in rows.schema.names}
    for name in answers[0]:
        values = [answer[name] for answer in answers]
        scored[name] = pa.array(values, pa.float64() if name == "probability" else None)
    scored["model_version"] = pa.array([model.version] * len(rows))
    scored["scored_at"] = pa.array([now] * len(rows), pa.timestamp("us"))
    return pa.record_batch(scored)
