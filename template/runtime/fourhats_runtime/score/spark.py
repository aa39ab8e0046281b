"""Batch scoring by Spark: the champion's predictions for whole tables, to Parquet and back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial

import duckdb
import pyarrow as pa

from fourhats_runtime.data.spark import exchange, reported, session
from fourhats_runtime.data.warehouse import Connection, relation
from fourhats_runtime.lifecycle.registered import Model, open_graph
from fourhats_runtime.lifecycle.registry import GRAPH_FILE, Registry
from fourhats_runtime.project import Project
from fourhats_runtime.score.files import PART_ROWS, score_files
from fourhats_runtime.score.rows import (
    Interval,
    Scored,
    answered,
    batches,
    partition,
    rows_to_score,
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

    A day's scores are written anew when the day is run again. `progress` is given the rows done.


    Raises:
        ProjectError: there is no champion yet; Spark cannot be reached, or fails; the partition
            cannot be written.

    """
    model, now = Model.champion(project), datetime.now(UTC).replace(tzinfo=None)
    graph = (
        Registry(project.artifacts / "registry").folder(model.version) / GRAPH_FILE
    ).read_bytes()
    # An open graph can't be sent to Spark's workers; all else of the model can.
    kept = {each.name: getattr(model, each.name) for each in fields(model)}
    del kept["session"]
    reopened = partial(Model, **kept)
    unscored, listed = ({}, None) if interval else list_unscored(connection, project)
    with reported(), exchange(project) as folder, duckdb.connect() as duck:
        rows, scored = str(folder / "rows.parquet"), folder / "scored"
        relation(connection, rows_to_score(model, interval)).to_parquet(rows)
        spark = session(project)
        example = answered(model, next(batches(duck.read_parquet(rows), 1)), now)
        schema = spark.createDataFrame(pa.table(example)).schema
        mapped = spark.read.parquet(rows).mapInArrow(_scorer(graph, reopened, now), schema)
        mapped.write.parquet(str(scored))
        with score_files(project, partition(now, interval)) as files:
            ordered = duck.read_parquet(str(scored / "*.parquet")).order("_source, _row")
            parts = done = unknown = 0
            for batch in batches(ordered, PART_ROWS):
                files.write(parts, batch, model.version)
                parts, done = parts + 1, done + len(batch)
                unknown += len(batch) - batch["unknown_categories"].null_count
                progress(done)
            files.complete(parts, listed)
            files.renew(connection)
    return Scored(files.address, done, unknown, unscored)


def _scorer(
    graph: bytes, reopened: Callable[..., Model], now: datetime
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Give what each of Spark's workers does with its rows."""

    def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = reopened(session=open_graph(graph))
        for rows in batches:
            if len(rows):
                yield answered(model, rows, now)

    return scored
