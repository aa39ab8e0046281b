"""Judge the data: fresh, and as the latest verdicts say."""

from datetime import UTC, datetime

from ..contract import Contract
from ..settings import Settings
from ..sql import quote
from ..verdicts import Verdict, latest
from ..warehouse import Connection, one_row
from .findings import Finding

SECONDS_A_DAY = 86_400


def check(connection: Connection, settings: Settings, contract: Contract) -> list[Finding]:
    """Judge freshness by the latest extraction and the newest row, the rest by the latest run."""
    extractions = connection.execute(
        "SELECT run_at FROM runs WHERE step = 'extract' ORDER BY run_at DESC LIMIT 1"
    ).fetchall()
    if not extractions:
        return [Finding("data:freshness", fine=False, message="nothing was ever extracted")]
    ((extracted_at,),) = extractions
    return [
        _freshness(extracted_at, settings),
        *_newest_row(connection, settings, contract),
        *map(as_finding, latest(connection)),
    ]


def as_finding(verdict: Verdict) -> Finding:
    """Make of a verdict what alerts are sent for."""
    return Finding(f"data:{verdict.name}", fine=verdict.level == "fine", message=verdict.message)


def _freshness(extracted_at: datetime, settings: Settings) -> Finding:
    age = _days_since(extracted_at)
    return Finding(
        "data:freshness",
        fine=age <= settings.data.max_age_days,
        message=f"extracted {age:.1f} days ago (allowed: {settings.data.max_age_days:g})",
    )


def _newest_row(connection: Connection, settings: Settings, contract: Contract) -> list[Finding]:
    """Judge by the contract's time column: a source can answer every day with last year's rows."""
    limit = settings.data.max_row_age_days
    time = next((c for c in contract.columns if c.role == "time" and c.type == "datetime"), None)
    if time is None:
        return []
    (newest,) = one_row(connection, f"SELECT max({quote(time.name)}) FROM clean")
    if newest is None:
        return []
    age = _days_since(newest)
    words = f"the newest row is {age:.1f} days old ({time.name})"
    if limit:
        words = f"{words}, allowed: {limit:g} (data.max_row_age_days)"
    return [Finding("data:newest", fine=not limit or age <= limit, message=words)]


def _days_since(moment: datetime) -> float:
    return (datetime.now(UTC).replace(tzinfo=None) - moment).total_seconds() / SECONDS_A_DAY
