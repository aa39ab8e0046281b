"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa

from .errors import ProjectError
from .model import Model
from .score_files import PART_ROWS, score_files, stamp_of
from .scores import Interval, answered, partition, rows_to_score
from .settings import Settings
from .warehouse import Connection, relation


def score(
    connection: Connection,
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
    interval: Interval | None = None,
) -> tuple[str, int]:
    """Score the rows of `clean` that have no outcome yet, or all where every row has one.

    With an interval, score all the rows of a time of the past.

    A core scores one part at a time. Parts of the day's partition that are there of the same rows
    and the same model are kept: a run that was killed goes on where it was. `progress` is told the
    rows done.

    Returns the partition's address and its rows.

    Raises:
        ProjectError: there is no champion yet, or no row; the partition cannot be written.

    """
    model, now = Model.champion(settings), datetime.now(UTC).replace(tzinfo=None)
    cores = os.cpu_count() or 1
    parts = done = 0
    with (
        score_files(settings, partition(now, interval)) as files,
        ThreadPoolExecutor(cores) as threads,
    ):

        def write(part: int, rows: pa.RecordBatch) -> int:
            stamp = stamp_of(model, settings, rows)
            if not files.has(part, stamp):
                files.write(part, answered(model, rows, now), stamp)
            return len(rows)

        begun: deque[Future[int]] = deque()
        for rows in relation(connection, rows_to_score(model, interval)).to_arrow_reader(PART_ROWS):
            begun.append(threads.submit(write, parts, rows))
            parts += 1
            if len(begun) > cores:
                done += begun.popleft().result()
                progress(done)
        if not parts:
            raise ProjectError("the table clean has no row to score")
        done += sum(part.result() for part in begun)
        progress(done)
        files.complete(parts)
        files.renew(connection)
    return files.address, done
