"""Batch scoring by Spark: the champion's predictions for whole tables, to Parquet and back."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import duckdb
import onnxruntime
import pyarrow as pa
from pyarrow import parquet

from .errors import ProjectError
from .model import Model, open_graph
from .registry import GRAPH_FILE, Registry
from .score_files import PART_ROWS, score_files
from .scores import Interval, answered, partition, rows_to_score
from .settings import Settings
from .spark import exchange, session, told
from .warehouse import Connection, relation


def score(
    connection: Connection,
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
    interval: Interval | None = None,
) -> tuple[str, int]:
    """Score the rows of `clean` that have no outcome yet, or all where every row has one.

    With an interval, score all the rows of a time of the past.

    A day's scores are written anew when the day is run again. `progress` is told the rows done.

    Returns the partition's address and its rows.

    Raises:
        ProjectError: there is no champion yet, or no row; Spark cannot be reached, or fails; the
            partition cannot be written.

    """
    model, now = Model.champion(settings), datetime.now(UTC).replace(tzinfo=None)
    graph = (
        Registry(settings.artifacts / "registry").folder(model.version) / GRAPH_FILE
    ).read_bytes()
    reopened = partial(Model, model.version, model.contract, model.rule, model.example)
    with told(), exchange(settings) as folder:
        rows, scored = str(folder / "rows.parquet"), folder / "scored"
        relation(connection, rows_to_score(model, interval)).to_parquet(rows)
        first = parquet.ParquetFile(rows).iter_batches(1)
        example = next(first, None)
        if example is None:
            raise ProjectError("the table clean has no row to score")
        spark = session(settings)
        schema = spark.createDataFrame(pa.table(answered(model, example, now))).schema
        mapped = spark.read.parquet(rows).mapInArrow(_scorer(graph, reopened, now), schema)
        mapped.write.parquet(str(scored))
        with duckdb.connect() as duck, score_files(settings, partition(now, interval)) as files:
            ordered = duck.read_parquet(str(scored / "*.parquet")).order("_source, _row")
            parts = done = 0
            for batch in ordered.to_arrow_reader(PART_ROWS):
                files.write(parts, batch, model.version)
                parts, done = parts + 1, done + len(batch)
                progress(done)
            files.complete(parts)
            files.renew(connection)
    return files.address, done


def _scorer(
    graph: bytes, reopened: Callable[[onnxruntime.InferenceSession], Model], now: datetime
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Give what each of Spark's workers does with its rows; an open graph can't be sent to it."""

    def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = reopened(open_graph(graph))
        for rows in batches:
            if len(rows):
                yield answered(model, rows, now)

    return scored
