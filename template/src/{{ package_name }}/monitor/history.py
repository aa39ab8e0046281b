"""What monitoring found, by day, in the table `findings`; what became an incident, in a file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from ..settings import Settings
from ..warehouse import Connection, transaction
from .findings import Finding


class Noted(NamedTuple):
    """A finding of an earlier day: "fine" or "alert"."""

    at: datetime
    incident: str
    level: str
    figure: float | None
    message: str


def note(connection: Connection, findings: Sequence[Finding]) -> None:
    """Keep the findings as those of the day: a run that is repeated replaces the one before."""
    now = datetime.now(UTC).replace(tzinfo=None)
    _create(connection)
    with transaction(connection):
        connection.execute(
            "DELETE FROM findings WHERE run_at >= ?", [datetime.combine(now, datetime.min.time())]
        )
        connection.executemany(
            "INSERT INTO findings VALUES (?, ?, ?, ?, ?)",
            [
                (now, f.incident, "fine" if f.fine else "alert", f.figure, f.message)
                for f in findings
            ],
        )


def kept(connection: Connection, since: date, until: date = date.max) -> list[Noted]:
    """Give the findings of the days from one on and before another, the oldest first."""
    _create(connection)
    rows = connection.execute(
        "SELECT run_at, incident, level, figure, message FROM findings "
        "WHERE run_at >= ? AND run_at < ? ORDER BY run_at, incident",
        [datetime.combine(day, datetime.min.time()) for day in (since, until)],
    ).fetchall()
    return [Noted(*row) for row in rows]


def _create(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS findings (run_at TIMESTAMP, incident VARCHAR, level VARCHAR, "
        "figure DOUBLE, message VARCHAR)"
    )


@dataclass(frozen=True)
class Incident:
    """Something that was told as an alert: when it began, and when it cleared if it has."""

    name: str
    message: str
    began: datetime
    cleared: datetime | None = None


def note_incident(settings: Settings, finding: Finding) -> None:
    """Write down that an incident begins, or has cleared."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": "resolved" if finding.fine else "firing",
        "incident": finding.incident,
        "message": finding.message,
    }
    path = _incidents_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def incidents(settings: Settings) -> list[Incident]:
    """Give all incidents that there ever were, in the order in which they began."""
    path = _incidents_file(settings)
    if not path.exists():
        return []
    begun: dict[str, Incident] = {}
    over: list[Incident] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # torn by a full disk
        name, at = entry["incident"], datetime.fromisoformat(entry["at"])
        if entry["status"] == "firing":
            begun.setdefault(name, Incident(name, entry["message"], at))
        elif name in begun:
            incident = begun.pop(name)
            over.append(Incident(name, incident.message, incident.began, at))
    return sorted([*over, *begun.values()], key=lambda incident: incident.began)


def _incidents_file(settings: Settings) -> Path:
    return settings.artifacts / "incidents.jsonl"
