"""Judge the service by the log of predictions: as many as usual, and no longer pause than ever."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.limits import Service
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.project import Project

VOLUME, PAUSE = "service:volume", "service:pause"
USUAL_WEEKS = 8
FEWEST_WEEKS = 4
FEWEST_DAYS = 30  # with predictions, before a pause can be called long


def check(connection: Connection, project: Project, today: date | None = None) -> list[Finding]:
    """Judge the last seven whole days by the weeks before, and the pause since the last one."""
    today = today or datetime.now(UTC).date()
    counts = daily_volume(connection, today - timedelta(days=7 * (USUAL_WEEKS + 1)))
    return [_volume(counts, project, today), _pause(connection, project, today)]


def daily_volume(connection: Connection, since: date, until: date = date.max) -> dict[date, int]:
    """Count the predictions of each day that has any."""
    rows = connection.execute(
        "SELECT given_on, count(*) FROM (SELECT CAST(given_at AS DATE) AS given_on "
        "FROM predictions WHERE given_at >= ? AND given_at < ?) AS given "
        "GROUP BY given_on ORDER BY given_on",
        [midnight(since), midnight(until)],
    ).fetchall()
    return dict(rows)


def _volume(counts: dict[date, int], project: Project, today: date) -> Finding:
    def week(number: int) -> int:
        days = (today - timedelta(days=7 * number + day) for day in range(1, 8))
        return sum(counts.get(day, 0) for day in days)

    first = min(counts, default=today)
    whole = [number for number in range(1, USUAL_WEEKS + 1) if _start(today, number) >= first]
    usual = median(map(week, whole)) if len(whole) >= FEWEST_WEEKS else 0
    now, share = week(0), project.settings(Service).min_week_share
    if not usual:
        words = f"{now:,} predictions in the last seven days, and too few weeks before to judge by"
        return Finding(VOLUME, "unknown", words)
    return Finding(
        VOLUME,
        state_of(fine=now >= share * usual),
        message=(
            f"{now:,} predictions in the last seven days, {now / usual:.0%} of the usual "
            f"{usual:,.0f} (at least {share:.0%}, service.min_week_share)"
        ),
        figure=float(now),
    )


def _start(today: date, number: int) -> date:
    return today - timedelta(days=7 * (number + 1))


def _pause(connection: Connection, project: Project, today: date) -> Finding:
    days = sorted(daily_volume(connection, date.min))
    if len(days) < FEWEST_DAYS:
        words = f"predictions on {len(days)} days so far, too few to judge by"
        return Finding(PAUSE, "unknown", words)
    longest = max((after - before).days for before, after in pairwise(days))
    now, times = (today - days[-1]).days, project.settings(Service).max_pause
    return Finding(
        PAUSE,
        state_of(fine=not times or now <= times * longest),
        message=(
            f"the last prediction is {now} days old, the longest pause before was {longest} days "
            f"(allowed: {times:g} times that, service.max_pause)"
        ),
        figure=float(now),
    )


def midnight(day: date) -> datetime:
    """Give the moment at which a day begins."""
    return datetime.combine(day, datetime.min.time())
