"""The table `scores`: which rows are scored, and what a scored row holds.

A case is open while its outcome is not known. Only open cases are scored: to predict what is known
decides nothing. What was known before is predicted by a back-test, which stands apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.model.features import Columns
from fourhats_runtime.tasks import answers


@dataclass(frozen=True)
class Interval:
    """The days from `since` to before `until`, by the contract's time column."""

    since: date
    until: date

    @classmethod
    def of(cls, since: str | None, until: str | None) -> Self | None:
        """Read an interval from its days, None where none is named.

        Raises:
            ProjectError: only one is named, it is no day, or the second is not after the first.

        """
        if since is None and until is None:
            return None
        try:
            interval = cls(date.fromisoformat(since or ""), date.fromisoformat(until or ""))
        except ValueError:
            interval = cls(date.max, date.max)
        if interval.since >= interval.until:
            raise ProjectError(
                f"--since {since} --until {until}: give two days like 2026-01-31, the earlier first"
            )
        return interval


@dataclass(frozen=True)
class Scored:
    """What was written: the partition's address, and how many rows it holds."""

    address: str
    rows: int
    unknown: int
    """Of them, those with a category that the model has never seen."""
    unscored: Mapping[str, int]
    """Open cases that got no decision, by the reason, the most frequent first."""

    @property
    def undecided(self) -> int:
        """How many open cases got no decision."""
        return sum(self.unscored.values())


def rows_to_score(model: Model, interval: Interval | None) -> str:
    """Give the SQL of the open cases in `clean`: the rows without an outcome.

    With an interval, all of its rows: who had an outcome by then, no table can tell.

    Raises:
        ProjectError: the contract has no time column to go by.

    """
    kept = [column.name for column in model.contract.used if column.role != "target"]
    names, target = ", ".join(map(quote, kept)), quote(model.contract.target.name)
    wanted = f"{target} IS NULL"
    if interval is not None:
        times = (c for c in model.contract.columns if c.role == "time" and c.type == "datetime")
        time = next(times, None)
        if time is None:
            raise ProjectError(
                "scoring a time of the past needs to know when a row is from: give a column of "
                'config/contract.toml role = "time" and type = "datetime"'
            )
        start, end = (
            f"CAST('{day} 00:00:00' AS TIMESTAMP)" for day in (interval.since, interval.until)
        )
        wanted = f"{quote(time.name)} >= {start} AND {quote(time.name)} < {end}"
    return f"SELECT _source, _row, {names} FROM clean WHERE {wanted} ORDER BY _source, _row"


def partition(now: datetime, interval: Interval | None) -> str:
    """Name the folder of a day's scores, or of a back-test: nobody decided by that one.

    It gets into no table: monitoring looks at what was answered at its time.
    """
    if interval is None:
        return f"scored_on={now.date().isoformat()}"
    return f"backtests/since={interval.since}/until={interval.until}"


def batches(rows: duckdb.DuckDBPyRelation, size: int) -> Iterator[pa.RecordBatch]:
    """Give rows in batches of a size; of no row, one that is empty: a partition has its columns."""
    reader = rows.to_arrow_reader(size)
    first = next(reader, None)
    if first is None:
        yield pa.RecordBatch.from_pylist([], reader.schema)
        return
    yield first
    yield from reader


def answered(model: Model, rows: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """Give the rows with the model's answers, its version, and the moment (in UTC) beside them."""
    given = answers(model.rule, _outputs(model, rows))
    scored = {name: rows[name] for name in rows.schema.names}
    for name, values in given.items():
        scored[name] = pa.array(values, _type(name, values))
    scored["unknown_categories"] = unknown_categories(rows, model.contract)
    scored["model_version"] = pa.repeat(model.version, len(rows))
    scored["scored_at"] = pa.repeat(pa.scalar(now, pa.timestamp("us")), len(rows))
    return pa.record_batch(scored)


def unknown_categories(rows: pa.RecordBatch, contract: Contract) -> pa.Array:
    """Name the columns whose category the contract does not know, None for rows without any."""
    named = np.full(len(rows), None, dtype=object)
    for column in contract.features:
        if not column.categories:
            continue
        values = rows[column.name]
        known = pc.is_in(values, pa.array([*column.categories, None], values.type))
        for place in np.flatnonzero(~known.to_numpy(zero_copy_only=False)):
            named[place] = f"{named[place]}, {column.name}" if named[place] else column.name
    return pa.array(named, pa.string())


def columns(rows: pa.RecordBatch, contract: Contract) -> Columns:
    """Turn rows into the contract's features as columns, numbers without a Python object each."""
    made: dict[str, NDArray[Any]] = {}
    for column in contract.features:
        values = rows[column.name]
        if column.is_number:
            values = values.cast(pa.float64(), safe=False)
        elif column.is_time:
            values = values.cast(pa.timestamp("us"))
        made[column.name] = values.to_numpy(zero_copy_only=False)
    return made


def _type(name: str, values: NDArray[Any]) -> pa.DataType | None:
    """Give the type of a column of answers: the same for every number of rows, and for none."""
    if name == "probability":
        return pa.float64()
    return pa.string() if values.dtype == object else None


def _outputs(model: Model, rows: pa.RecordBatch) -> NDArray[np.float64]:
    """Give the model's outputs; of no row, such as have the shape of the others."""
    if not len(rows):
        # Neither a graph nor features.py has to know what to make of nothing.
        return model.predict({name: [value] for name, value in model.example.items()})[:0]
    return model.run(model.inputs(columns(rows, model.contract)))
