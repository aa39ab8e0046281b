"""What monitoring found, by day, in the table `findings`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from fourhats_runtime.data.warehouse import Connection, table_exists, transaction
from fourhats_runtime.monitor.findings import Finding


class Noted(NamedTuple):
    """A finding of an earlier day; `level` is its state."""

    at: datetime
    incident: str
    level: str
    figure: float | None
    message: str


def note(connection: Connection, findings: Sequence[Finding]) -> None:
    """Keep the findings as those of the day: a run that is repeated replaces the one before."""
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS findings (run_at TIMESTAMP, incident VARCHAR, level VARCHAR, "
        "figure DOUBLE, message VARCHAR)"
    )
    with transaction(connection):
        connection.execute(
            "DELETE FROM findings WHERE run_at >= ?", [datetime.combine(now, datetime.min.time())]
        )
        connection.executemany(
            "INSERT INTO findings VALUES (?, ?, ?, ?, ?)",
            [(now, f.incident, f.state, f.figure, f.message) for f in findings],
        )


def kept(connection: Connection, since: date, until: date = date.max) -> list[Noted]:
    """Give the findings of the days from one on and before another, the oldest first."""
    if not table_exists(connection, "findings"):
        return []
    rows = connection.execute(
        "SELECT run_at, incident, level, figure, message FROM findings "
        "WHERE run_at >= ? AND run_at < ? ORDER BY run_at, incident",
        [datetime.combine(day, datetime.min.time()) for day in (since, until)],
    ).fetchall()
    return [Noted(*row) for row in rows]
