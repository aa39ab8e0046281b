"""How good the data is as a whole: a verdict a check, kept run by run in the table `quality`.

At the boundary `raw` the rows that came in are judged, at `clean` those that the model learns from.
As in `findings`, what has nothing to be judged by is `unknown`, never fine.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime
from statistics import median
from typing import Literal

from fourhats_runtime.chance import are_few, numbered
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.quality import broken
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, count, one_row, table_exists, values
from fourhats_runtime.lifecycle.distribution import baselines_of
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Data, Drift, Quality, Statistics
from fourhats_runtime.model.features import columns, feed
from fourhats_runtime.monitor.drift import Shift, shifts
from fourhats_runtime.project import Project

USUAL_RUNS = 12
"""What is usual is the median of so many earlier runs."""

Level = Literal["fine", "warn", "stop", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """The answer to one question about the rows at a boundary."""

    boundary: str
    name: str
    level: Level
    figure: float | None
    message: str


def judge_raw(connection: Connection, project: Project, rows: int, failing: int) -> list[Verdict]:
    """Judge the share of failing rows, and the number of rows by earlier runs."""
    share, limits = failing / max(rows, 1), project.settings(Quality)
    level: Level = "fine" if rows else "unknown"
    if share > limits.max_invalid_share:
        level = "stop"
    elif share > limits.warn_invalid_share:
        level = "warn"
    words = (
        f"{failing:,} of {rows:,} rows fail the contract's checks "
        f"(allowed: {limits.max_invalid_share:.0%}, quality.max_invalid_share)"
    )
    return [Verdict("raw", "contract", level, share, words), _volume(connection, project, rows)]


def judge_clean(connection: Connection, contract: Contract, project: Project) -> list[Verdict]:
    """Judge what `transform` made: the contract once more, the keys, the distributions."""
    verdicts = []
    rows, failing, names = broken(connection, contract)
    words = f"{rows:,} rows"
    if failing:
        words = f"{failing:,} values of {', '.join(names)} do not meet the contract"
    level: Level = "fine" if rows and not failing else "stop"
    verdicts.append(Verdict("clean", "features", level, rows, words))
    if contract.key:
        key = [column.name for column in contract.key]
        listed = ", ".join(map(quote, key))
        known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in key)
        keys = f"SELECT {listed}, count(*) AS _times FROM clean WHERE {known} GROUP BY {listed}"
        query = f"SELECT coalesce(sum(_times - 1), 0) FROM ({keys}) AS keys"
        twice = int(one_row(connection, query)[0])
        words = f"{twice:,} rows have a key ({' and '.join(key)}) that another row has"
        unique: Level = "fine" if rows else "unknown"
        verdicts.append(Verdict("clean", "keys", "stop" if twice else unique, twice, words))
    if contract.fields:  # texts of documents have no distribution to compare
        return verdicts
    return [*verdicts, _distribution(connection, contract, project)]


def distribution_shifts(
    connection: Connection, contract: Contract, project: Project
) -> dict[str, Shift]:
    """Give how far each input of the model in `clean` has moved from the champion's training rows.

    The furthest moved first; empty while there is no champion, or there are too few rows.
    """
    registry = Registry(project.artifacts / "registry")
    version = registry.version("champion")
    if version is None:
        return {}
    # By a hash: every tenth row might be the same hour of the day.
    drawn = "md5(concat_ws('-', _source, CAST(_row AS VARCHAR)))"
    limits = project.settings(Drift)
    if count(connection, "clean") < limits.min_rows:
        return {}
    rows = values(connection, f"SELECT * FROM clean ORDER BY {drawn} LIMIT {limits.window_rows}")
    groups = None if contract.entity is None else numbered(rows[contract.entity.name])
    if groups is not None and are_few(groups):
        return {}
    baselines = baselines_of(registry.card(version))
    inputs = feed(columns(rows, contract), contract, project.features)
    lasting = {
        name: column
        for name, column in inputs.items()
        if name in baselines and name not in contract.time_parts  # time moves on by itself
    }
    return shifts(
        lasting,
        baselines,
        warn_at=limits.warn_at,
        false_alarms=project.settings(Statistics).false_alarms,
        groups=groups,
    )


def note(connection: Connection, verdicts: Iterable[Verdict]) -> None:
    """Add verdicts to the history."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS quality (run_at TIMESTAMP, boundary VARCHAR, name VARCHAR, "
        "level VARCHAR, figure DOUBLE, message VARCHAR)"
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = [(now, *astuple(verdict)) for verdict in verdicts]
    connection.executemany("INSERT INTO quality VALUES (?, ?, ?, ?, ?, ?)", rows)


def latest(connection: Connection) -> list[Verdict]:
    """Give the newest verdict of each check."""
    if not table_exists(connection, "quality"):
        return []
    found = connection.execute(
        "SELECT boundary, name, level, figure, message FROM (SELECT *, row_number() "
        "OVER (PARTITION BY boundary, name ORDER BY run_at DESC) AS nth FROM quality) AS numbered "
        "WHERE nth = 1 ORDER BY boundary DESC, name"
    ).fetchall()
    return [Verdict(*row) for row in found]


def between(connection: Connection, since: date, until: date) -> list[Verdict]:
    """Give the verdicts of the days from one on and before another, the oldest first."""
    if not table_exists(connection, "quality"):
        return []
    found = connection.execute(
        "SELECT boundary, name, level, figure, message FROM quality "
        "WHERE run_at >= ? AND run_at < ? ORDER BY run_at, boundary DESC, name",
        [datetime.combine(day, datetime.min.time()) for day in (since, until)],
    ).fetchall()
    return [Verdict(*row) for row in found]


def _distribution(connection: Connection, contract: Contract, project: Project) -> Verdict:
    found = distribution_shifts(connection, contract, project)
    if not found:
        words = (
            "there is no champion yet, or too few rows (drift.min_rows), to compare the features by"
        )
        return Verdict("clean", "distribution", "unknown", None, words)
    moved = [
        f"{name} ({shift.index:.2f}, allowed: {shift.limit:.2g})"
        for name, shift in found.items()
        if shift.moved
    ]
    words = "the features are distributed as in the champion's training data"
    if moved:
        words = (
            f"moved away from the champion's training data: {', '.join(moved)} "
            "(stability index, drift.warn_at)"
        )
    worst = max(shift.index for shift in found.values())
    return Verdict("clean", "distribution", "warn" if moved else "fine", worst, words)


def _volume(connection: Connection, project: Project, rows: int) -> Verdict:
    earlier: list[tuple[float]] = []
    if table_exists(connection, "quality"):
        earlier = connection.execute(
            "SELECT figure FROM quality WHERE boundary = 'raw' AND name = 'volume' "
            f"ORDER BY run_at DESC LIMIT {USUAL_RUNS}"
        ).fetchall()
    if not earlier:
        words = f"{rows:,} rows, and no earlier run to compare with"
        return Verdict("raw", "volume", "unknown", rows, words)
    usual = round(median(figure for (figure,) in earlier))
    change, limits = (rows - usual) / max(usual, 1), project.settings(Data)
    level: Level = "fine"
    if rows < limits.min_volume_share * usual:
        level = "stop"
    elif abs(change) > limits.volume_change:
        level = "warn"
    words = f"{rows:,} rows, {change:+.0%} of the usual {usual:,} (data.volume_change)"
    return Verdict("raw", "volume", level, rows, words)
