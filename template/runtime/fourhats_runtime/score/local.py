"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa

from fourhats_runtime.data.warehouse import Connection, relation
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.project import Project
from fourhats_runtime.score.files import PART_ROWS, score_files, stamp_of
from fourhats_runtime.score.rows import (
    Interval,
    Scored,
    answered,
    batches,
    partition,
    rows_to_score,
    unknown_categories,
)
from fourhats_runtime.score.unscored import list_unscored


def score(
    connection: Connection,
    project: Project,
    progress: Callable[[int], None] = lambda _done: None,
    interval: Interval | None = None,
) -> Scored:
    """Score the open cases in `clean`; where there is none, the partition is empty.

    With an interval, score all the rows of a time of the past: a back-test.

    A core scores one part at a time. Parts of the day's partition that are there of the same rows
    and the same model are kept: a run that was killed goes on where it was. `progress` is given the
    rows done.

    Raises:
        ProjectError: there is no champion yet; the partition cannot be written.

    """
    model, now = Model.champion(project), datetime.now(UTC).replace(tzinfo=None)
    cores = os.cpu_count() or 1
    parts = done = unknown = 0
    unscored, listed = ({}, None) if interval else list_unscored(connection, project)
    with (
        score_files(project, partition(now, interval)) as files,
        ThreadPoolExecutor(cores) as threads,
    ):

        def write(part: int, rows: pa.RecordBatch) -> tuple[int, int]:
            stamp = stamp_of(model, project, rows)
            if not files.has(part, stamp):
                files.write(part, answered(model, rows, now), stamp)
            named = unknown_categories(rows, model.contract)
            return len(rows), len(rows) - named.null_count

        begun: deque[Future[tuple[int, int]]] = deque()

        def settle() -> None:
            nonlocal done, unknown
            rows, strange = begun.popleft().result()
            done, unknown = done + rows, unknown + strange
            progress(done)

        for rows in batches(relation(connection, rows_to_score(model, interval)), PART_ROWS):
            begun.append(threads.submit(write, parts, rows))
            parts += 1
            if len(begun) > cores:
                settle()
        while begun:
            settle()
        files.complete(parts, listed)
        files.renew(connection)
    return Scored(files.address, done, unknown, unscored)
