"""The table `scores`: which rows are scored, what a scored row holds, and where it is kept."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa

from .model import Model
from .settings import Settings
from .sql import quote
from .warehouse import Connection, read_in


def open_rows(model: Model) -> str:
    """Give the SQL of the rows of `clean` without an outcome yet, or of all where each has one."""
    kept = [column.name for column in model.contract.used if column.role != "target"]
    names, target = ", ".join(map(quote, kept)), quote(model.contract.target.name)
    is_open = f"{target} IS NULL OR NOT EXISTS (SELECT 1 FROM clean WHERE {target} IS NULL)"
    return f"SELECT _source, _row, {names} FROM clean WHERE {is_open} ORDER BY _source, _row"


def answered(model: Model, rows: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
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


def file_of(settings: Settings, now: datetime) -> Path:
    """Give the file of a day's scores, one partition of `artifacts/scores/`."""
    folder = settings.artifacts / "scores" / f"scored_on={now.date().isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "scores.parquet"


def renew(connection: Connection, settings: Settings) -> None:
    """Write the table `scores` anew, from all partitions."""
    files = str(settings.artifacts / "scores" / "*" / "scores.parquet")
    read_in(
        connection,
        "scores",
        lambda duck: duck.read_parquet(files, hive_partitioning=True, union_by_name=True),
    )
