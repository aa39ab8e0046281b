"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyarrow import parquet

from .errors import ProjectError
from .model import Model
from .scores import answered, file_of, open_rows, renew
from .settings import Settings
from .warehouse import Connection, relation

BATCH_ROWS = 100_000


def score(
    connection: Connection,
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[Path, int]:
    """Score the rows of `clean` that have no outcome yet, or all where every row has one.

    A day's scores are written anew when the day is run again. `progress` is told the rows done.

    Returns the partition's file and its rows.

    Raises:
        ProjectError: there is no champion yet, or no row.

    """
    model, now = Model.champion(settings), datetime.now(UTC).replace(tzinfo=None)
    path = file_of(settings, now)
    scratch, done = path.with_suffix(".scratch"), 0
    writer: parquet.ParquetWriter | None = None
    for rows in relation(connection, open_rows(model)).to_arrow_reader(BATCH_ROWS):
        scored = answered(model, rows, now)
        writer = writer or parquet.ParquetWriter(scratch, scored.schema)
        writer.write_batch(scored)
        done += len(rows)
        progress(done)
    if writer is None:
        raise ProjectError("the table clean has no row to score")
    writer.close()
    scratch.replace(path)
    renew(connection, settings)
    return path, done
