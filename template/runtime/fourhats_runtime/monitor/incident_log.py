"""What incidents there were: one line each time that one begins or is over."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fourhats_runtime.monitor.incidents import Event
from fourhats_runtime.project import Project


@dataclass(frozen=True)
class Incident:
    """Something that an alert was sent about: when it began, and when it was over if it is."""

    name: str
    message: str
    began: datetime
    cleared: datetime | None = None


def note(project: Project, events: Iterable[Event]) -> None:
    """Write down what began and what is over."""
    lines = [
        json.dumps(
            {
                "at": (event.ended or event.began).isoformat(timespec="seconds"),
                "status": event.status,
                "incident": event.incident,
                "message": event.message,
            }
        )
        for event in events
    ]
    path = _file(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def incidents(project: Project) -> list[Incident]:
    """Give all incidents that there ever were, in the order in which they began."""
    path = _file(project)
    if not path.exists():
        return []
    begun: dict[str, Incident] = {}
    over: list[Incident] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            name, at = entry["incident"], datetime.fromisoformat(entry["at"])
        except (ValueError, KeyError, TypeError):
            continue  # torn by a full disk
        if entry["status"] == "firing":
            begun.setdefault(name, Incident(name, entry["message"], at))
        elif name in begun:
            incident = begun.pop(name)
            over.append(Incident(name, incident.message, incident.began, at))
    return sorted([*over, *begun.values()], key=lambda incident: incident.began)


def _file(project: Project) -> Path:
    return project.artifacts / "incidents" / "history.jsonl"
