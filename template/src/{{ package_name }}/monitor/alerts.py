"""Alerts: once when an incident begins, once when it is over, grouped into one message a run."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import ToldError
from ..settings import Settings
from . import incident_log
from .channels import CHANNELS, NoAddressError, NotTakenError
from .findings import Finding
from .incidents import Event, Incidents, notice


def update(
    settings: Settings, findings: Iterable[Finding], *, book: str = "line", but: str = ""
) -> list[str]:
    """Tell every channel what began and what is over; returns the names of the open incidents.

    A channel that takes nothing keeps none of the others from being told, and is told at the next
    update. `book` names the file that it is noted in, one for each process that goes on for long;
    `but` names a channel that knows of it.

    Raises:
        ToldError: a channel does not take it.

    """
    path = _book(settings, book)
    incidents = Incidents.read(path)
    _tell(settings, path, incidents, incidents.take_in(findings), but)
    return sorted(incidents.opened)


def notify(settings: Settings, subject: str, text: str) -> None:
    """Tell what is no incident, such as a new champion; a channel without address is left out.

    Raises:
        ToldError: a channel does not take it.

    """
    path = _book(settings, "line")
    _tell(settings, path, Incidents.read(path), [notice(subject, text)])


def open_incidents(settings: Settings, book: str = "line") -> dict[str, Event]:
    """Give the open incidents by their names."""
    return Incidents.read(_book(settings, book)).opened


def _tell(
    settings: Settings, path: Path, incidents: Incidents, events: list[Event], but: str = ""
) -> None:
    for channel in CHANNELS:
        incidents.owe(channel, [] if channel == but else events)
    if events:
        _note(incidents, path)  # before it is told: whoever is killed here tells it the next time
        with suppress(OSError):
            incident_log.note(settings, [event for event in events if not event.is_notice])
    refusals = []
    for name, send in CHANNELS.items():
        unsent = incidents.unsent.get(name, [])
        if not unsent:
            continue
        try:
            send(settings, unsent)
        except NotTakenError as error:
            notices_alone = all(event.is_notice for event in unsent)
            if not (isinstance(error, NoAddressError) and notices_alone):
                refusals.append((error, unsent))
                continue
        del incidents.unsent[name]
        _note(incidents, path)
    if refusals:
        raise ToldError(_refused(events, refusals))


def _note(incidents: Incidents, path: Path) -> None:
    with suppress(OSError):  # that the disk is full is told all the same, twice if need be
        incidents.write(path)


def _refused(events: list[Event], refusals: list[tuple[NotTakenError, list[Event]]]) -> str:
    owed = {event.incident: event for _, unsent in refusals for event in (*unsent, *events)}
    *others, latest = owed.values()
    more = f" (and {len(others)} more)" if others else ""
    reasons = "; ".join(str(refusal) for refusal, _ in refusals)
    return f"{latest.incident}: {latest.message}{more} - and it could not be told: {reasons}"


def _book(settings: Settings, name: str) -> Path:
    return settings.artifacts / "incidents" / f"{name}.json"
