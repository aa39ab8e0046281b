"""Judge the data: fresh, of the usual size, and as the contract says."""

from datetime import UTC, datetime

import duckdb

from ..settings import Settings
from ..warehouse import one_row
from .findings import Finding

SECONDS_A_DAY = 86_400


def check(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Finding]:
    """Judge freshness, volume and contract violations by the history of runs."""
    extractions = connection.execute(
        "SELECT run_at, rows_out FROM runs WHERE step = 'extract' ORDER BY run_at"
    ).fetchall()
    if not extractions:
        return [Finding("data:freshness", fine=False, message="nothing was ever extracted")]
    return [
        _freshness(extractions[-1][0], settings),
        _volume([rows for _, rows in extractions], settings),
        _violations(connection, settings),
    ]


def _freshness(latest: datetime, settings: Settings) -> Finding:
    age = (datetime.now(UTC).replace(tzinfo=None) - latest).total_seconds() / SECONDS_A_DAY
    return Finding(
        "data:freshness",
        fine=age <= settings.data.max_age_days,
        message=f"extracted {age:.1f} days ago (allowed: {settings.data.max_age_days:g})",
    )


def _volume(rows: list[int], settings: Settings) -> Finding:
    *before, now = rows
    usual = sorted(before)[len(before) // 2] if before else now
    change = (now - usual) / max(usual, 1)
    return Finding(
        "data:volume",
        fine=abs(change) <= settings.data.volume_change,
        message=f"{now:,} rows, {change:+.0%} of the usual {usual:,}",
    )


def _violations(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Finding:
    (invalid,) = one_row(
        connection,
        "SELECT coalesce(max_by(1 - rows_out / greatest(rows_in, 1), run_at), 0) FROM runs "
        "WHERE step = 'validate'",
    )
    return Finding(
        "data:contract",
        fine=invalid <= settings.quality.max_invalid_share,
        message=f"{invalid:.2%} of the rows fail the contract's checks "
        f"(allowed: {settings.quality.max_invalid_share:.2%})",
    )
