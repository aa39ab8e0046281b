"""Judge the data: fresh, and as the latest verdicts say."""

from datetime import UTC, datetime

import duckdb

from ..settings import Settings
from ..verdicts import Verdict, latest
from .findings import Finding

SECONDS_A_DAY = 86_400


def check(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Finding]:
    """Judge freshness by the latest extraction, the rest by what the latest run found."""
    extractions = connection.execute(
        "SELECT max(run_at) FROM runs WHERE step = 'extract' HAVING count(*) > 0"
    ).fetchall()
    if not extractions:
        return [Finding("data:freshness", fine=False, message="nothing was ever extracted")]
    ((extracted_at,),) = extractions
    return [_freshness(extracted_at, settings), *map(as_finding, latest(connection))]


def as_finding(verdict: Verdict) -> Finding:
    """Make of a verdict what alerts are sent for."""
    return Finding(f"data:{verdict.name}", fine=verdict.level == "fine", message=verdict.message)


def _freshness(extracted_at: datetime, settings: Settings) -> Finding:
    age = (datetime.now(UTC).replace(tzinfo=None) - extracted_at).total_seconds() / SECONDS_A_DAY
    return Finding(
        "data:freshness",
        fine=age <= settings.data.max_age_days,
        message=f"extracted {age:.1f} days ago (allowed: {settings.data.max_age_days:g})",
    )
