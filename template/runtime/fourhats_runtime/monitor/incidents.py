"""Incidents: which are open, and which channel has still to be notified of what."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ValidationError

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section


class Runbook(Section):
    """Where people read what to do about an incident: a key above all tables, or a variable."""

    table: ClassVar[str] = ""

    runbook_url: str = "docs/runbook.md"


class Event(BaseModel):
    """An incident that began or is over, as `ended` says; or a notice, which is neither."""

    incident: str
    """What it is about, such as `drift:tenure_months`: the same for as long as it is open."""
    message: str
    """What was seen, in one sentence: when it began, or by which it is over."""
    began: datetime
    """In UTC, with its time zone, as `ended` is."""
    ended: datetime | None = None
    """None while it is open."""
    is_notice: bool = False
    """Whether it is sent once and is no incident, such as a new champion."""

    @property
    def status(self) -> str:
        """Say it in the word that receivers of alerts know."""
        return "firing" if self.ended is None else "resolved"

    @property
    def lasted(self) -> str:
        """Say in words how long it went on; empty while it does."""
        return "" if self.ended is None else in_words(self.ended - self.began)


class Incidents(BaseModel):
    """The open incidents by name, and by channel what it was not notified of yet."""

    opened: dict[str, Event] = {}
    unsent: dict[str, list[Event]] = {}

    @classmethod
    def read(cls, path: Path) -> "Incidents":
        """Read what was noted.

        Raises:
            ProjectError: the file holds something else.

        """
        if not path.exists():
            return cls()
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError:
            raise ProjectError(
                f"{path} does not hold incidents: delete it, and what is open is sent again"
            ) from None

    def write(self, path: Path) -> None:
        """Note it down."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    def take_in(self, findings: Iterable[Finding]) -> list[Event]:
        """Open and close incidents; returns what began and what is over."""
        now = datetime.now(UTC).replace(microsecond=0)
        events = []
        for finding in findings:
            if finding.state == "unknown":  # nobody knows whether it is over
                continue
            known = self.opened.get(finding.incident)
            if finding.state == "fine" and known is not None:
                del self.opened[finding.incident]
                ended = {"message": finding.message, "ended": now}
                events.append(known.model_copy(update=ended))
            elif finding.state == "alert" and known is None:
                event = Event(incident=finding.incident, message=finding.message, began=now)
                self.opened[finding.incident] = event
                events.append(event)
            elif known is not None:
                self._goes_on(known.model_copy(update={"message": finding.message}))
        return events

    def _goes_on(self, event: Event) -> None:
        # Whoever was not notified yet hears what is the matter now.
        self.opened[event.incident] = event
        for channel, owed in self.unsent.items():
            if any(each.incident == event.incident for each in owed):
                others = [each for each in owed if each.incident != event.incident]
                self.unsent[channel] = [*others, event]

    def owe(self, channel: str, events: Iterable[Event]) -> None:
        """Note what a channel has to be notified of; of an incident, the latest counts."""
        owed = {event.incident: event for event in (*self.unsent.pop(channel, []), *events)}
        if owed:
            self.unsent[channel] = list(owed.values())


def notice(subject: str, message: str) -> Event:
    """Make what is sent once and is no incident, such as a new champion."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Event(incident=subject, message=message, began=now, ended=now, is_notice=True)


def runbook_link(project: Project, event: Event) -> str:
    """Give the address of the runbook's section on an incident."""
    return f"{project.settings(Runbook).runbook_url}#{kind(event.incident)}"


def kind(incident: str) -> str:
    """Give what an incident is about, which is also its section in the runbook."""
    return incident.partition(":")[0]


def in_words(time: timedelta) -> str:
    """Say how long it is, in its two largest units."""
    minutes, seconds = divmod(max(0, round(time.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    parts = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(parts[:2]) or "0 s"
