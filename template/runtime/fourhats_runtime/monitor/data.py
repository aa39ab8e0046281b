"""Judge the data: fresh, and as the latest verdicts say."""

from datetime import UTC, datetime

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, one_row, table_exists
from fourhats_runtime.limits import Data
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.verdicts import Verdict, latest
from fourhats_runtime.project import Project

SECONDS_A_DAY = 86_400


def check(connection: Connection, project: Project, contract: Contract) -> list[Finding]:
    """Judge freshness by the latest extraction and the newest row, the rest by the latest run."""
    age = days_since_extraction(connection)
    if age is None:
        return [Finding("data:freshness", "alert", "nothing was ever extracted")]
    return [
        _freshness(age, project),
        *_newest_row(connection, project, contract),
        *map(as_finding, latest(connection)),
    ]


def days_since_extraction(connection: Connection) -> float | None:
    """Give how many days ago the latest extraction was; None where there was none."""
    if not table_exists(connection, "runs"):
        return None
    extractions = connection.execute(
        "SELECT run_at FROM runs WHERE step = 'extract' ORDER BY run_at DESC LIMIT 1"
    ).fetchall()
    return _days_since(extractions[0][0]) if extractions else None


def as_finding(verdict: Verdict) -> Finding:
    """Make of a verdict what alerts are sent for."""
    if verdict.level == "unknown":
        return Finding(f"data:{verdict.name}", "unknown", verdict.message)
    return Finding(f"data:{verdict.name}", state_of(fine=verdict.level == "fine"), verdict.message)


def _freshness(age: float, project: Project) -> Finding:
    return Finding(
        "data:freshness",
        state_of(fine=age <= project.settings(Data).max_age_days),
        message=f"extracted {age:.1f} days ago (allowed: {project.settings(Data).max_age_days:g})",
    )


def _newest_row(connection: Connection, project: Project, contract: Contract) -> list[Finding]:
    """Judge by the contract's time column: a source can answer every day with last year's rows."""
    limit = project.settings(Data).max_row_age_days
    time = next((c for c in contract.columns if c.role == "time" and c.type == "datetime"), None)
    if time is None:
        return []
    (newest,) = one_row(connection, f"SELECT max({quote(time.name)}) FROM clean")
    if newest is None:
        return [Finding("data:newest", "unknown", f"no row says when it was ({time.name})")]
    age = _days_since(newest)
    words = f"the newest row is {age:.1f} days old ({time.name})"
    if limit:
        words = f"{words}, allowed: {limit:g} (data.max_row_age_days)"
    return [Finding("data:newest", state_of(fine=not limit or age <= limit), words)]


def _days_since(moment: datetime) -> float:
    return (datetime.now(UTC).replace(tzinfo=None) - moment).total_seconds() / SECONDS_A_DAY
