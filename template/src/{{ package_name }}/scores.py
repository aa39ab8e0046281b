"""The table `scores`: which rows are scored, and what a scored row holds."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import pyarrow as pa

from .contract import MISSING, Contract
from .errors import ProjectError
from .features import Feed
from .model import Model
from .sql import quote


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


def rows_to_score(model: Model, interval: Interval | None) -> str:
    """Give the SQL of the rows of `clean` without an outcome yet, or of all where each has one.

    With an interval, all of its rows: who had an outcome by then, no table can tell.

    Raises:
        ProjectError: the contract has no time column to go by.

    """
    kept = [column.name for column in model.contract.used if column.role != "target"]
    names, target = ", ".join(map(quote, kept)), quote(model.contract.target.name)
    wanted = f"{target} IS NULL OR NOT EXISTS (SELECT 1 FROM clean WHERE {target} IS NULL)"
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
    """Name the folder of a day's scores; those of a time of the past lie apart, nobody decided by.

    They get into no table: monitoring looks at what was answered at its time.
    """
    if interval is None:
        return f"scored_on={now.date().isoformat()}"
    return f"backfills/since={interval.since}/until={interval.until}"


def answered(model: Model, rows: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """Give the rows with the model's answers, its version, and the moment (in UTC) beside them."""
    answers = model.rule.answers(model.run(feed(rows, model.contract)))
    scored = {name: rows[name] for name in rows.schema.names}
    for name, values in answers.items():
        scored[name] = pa.array(values, pa.float64() if name == "probability" else None)
    scored["model_version"] = pa.repeat(model.version, len(rows))
    scored["scored_at"] = pa.repeat(pa.scalar(now, pa.timestamp("us")), len(rows))
    return pa.record_batch(scored)


def feed(rows: pa.RecordBatch, contract: Contract) -> Feed:
    """Turn rows into the model's inputs, as `features.feed` does, without a Python object each."""
    inputs: Feed = {}
    for column in contract.features:
        values = rows[column.name]
        if column.is_number:
            numbers = values.cast(pa.float32(), safe=False)
            inputs[column.name] = numbers.to_numpy(zero_copy_only=False).reshape(-1, 1)
        else:
            texts = values.fill_null(MISSING).to_numpy(zero_copy_only=False)
            inputs[column.name] = texts.reshape(-1, 1)
    return inputs
