"""How good the data is as a whole: a verdict a check, kept run by run in the table `quality`.

At the boundary `raw` the rows that came in are judged, at `clean` those that the model learns from.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime
from statistics import median
from typing import Literal

from .contract import Contract
from .features import feed
from .frames import columns_of
from .monitor.drift import Shift, baselines_of, shifts
from .quality import broken
from .registry import Registry
from .settings import Settings
from .sql import quote
from .warehouse import Connection, frame, one_row, table_exists

USUAL_RUNS = 12
"""What is usual is the median of so many earlier runs."""

Level = Literal["fine", "warn", "stop"]


@dataclass(frozen=True)
class Verdict:
    """The answer to one question about the rows at a boundary."""

    boundary: str
    name: str
    level: Level
    figure: float
    message: str


def judge_raw(connection: Connection, settings: Settings, rows: int, failing: int) -> list[Verdict]:
    """Judge the share of failing rows, and the number of rows by earlier runs."""
    share, limits = failing / max(rows, 1), settings.quality
    level: Level = "fine"
    if share > limits.max_invalid_share:
        level = "stop"
    elif share > limits.warn_invalid_share:
        level = "warn"
    words = (
        f"{failing:,} of {rows:,} rows fail the contract's checks "
        f"(allowed: {limits.max_invalid_share:.0%}, quality.max_invalid_share)"
    )
    return [Verdict("raw", "contract", level, share, words), _volume(connection, settings, rows)]


def judge_clean(connection: Connection, contract: Contract, settings: Settings) -> list[Verdict]:
    """Judge what `transform` made: the contract once more, the keys, the distributions."""
    verdicts = []
    rows, failing, names = broken(connection, contract)
    words = f"{rows:,} rows"
    if failing:
        words = f"{failing:,} values of {', '.join(names)} are not as the contract says"
    level: Level = "fine" if rows and not failing else "stop"
    verdicts.append(Verdict("clean", "features", level, rows, words))
    if contract.id is not None:
        key = quote(contract.id.name)
        (twice,) = one_row(connection, f"SELECT count({key}) - count(DISTINCT {key}) FROM clean")
        words = f"{twice:,} rows have an id ({contract.id.name}) that another row has"
        verdicts.append(Verdict("clean", "keys", "stop" if twice else "fine", twice, words))
    found = distribution_shifts(connection, contract, settings)
    if found:
        moved = [
            f"{name} ({shift.index:.2f}, allowed: {shift.limit:.2g})"
            for name, shift in found.items()
            if shift.moved
        ]
        words = "the features lie as in the champion's training data"
        if moved:
            words = (
                f"moved away from the champion's training data: {', '.join(moved)} "
                "(stability index, drift.warn_at)"
            )
        worst = max(shift.index for shift in found.values())
        verdicts.append(Verdict("clean", "distribution", "warn" if moved else "fine", worst, words))
    return verdicts


def distribution_shifts(
    connection: Connection, contract: Contract, settings: Settings
) -> dict[str, Shift]:
    """Give how far each feature in `clean` has moved from the champion's training rows.

    The furthest moved first; empty while there is no champion, or there are too few rows.
    """
    registry = Registry(settings.artifacts / "registry")
    version = registry.version("champion")
    if version is None:
        return {}
    # By a hash: every tenth row might be the same hour of the day.
    drawn = "md5(concat_ws('-', _source, CAST(_row AS VARCHAR)))"
    rows = frame(
        connection, f"SELECT * FROM clean ORDER BY {drawn} LIMIT {settings.drift.window_rows}"
    )
    if len(rows) < settings.drift.min_rows:
        return {}
    baselines = baselines_of(registry.card(version))
    columns = {
        name: values
        for name, values in feed(columns_of(rows), contract).items()
        if name in baselines and name not in contract.time_parts  # time moves on by itself
    }
    return shifts(
        columns,
        baselines,
        warn_at=settings.drift.warn_at,
        false_alarms=settings.statistics.false_alarms,
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


def _volume(connection: Connection, settings: Settings, rows: int) -> Verdict:
    usual = rows
    if table_exists(connection, "quality"):
        earlier = connection.execute(
            "SELECT figure FROM quality WHERE boundary = 'raw' AND name = 'volume' "
            f"ORDER BY run_at DESC LIMIT {USUAL_RUNS}"
        ).fetchall()
        usual = round(median(figure for (figure,) in earlier)) if earlier else rows
    change, limits = (rows - usual) / max(usual, 1), settings.data
    level: Level = "fine"
    if rows < limits.min_volume_share * usual:
        level = "stop"
    elif abs(change) > limits.volume_change:
        level = "warn"
    words = f"{rows:,} rows, {change:+.0%} of the usual {usual:,} (data.volume_change)"
    return Verdict("raw", "volume", level, rows, words)
