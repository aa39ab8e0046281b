"""Alerts: once when an incident begins, once when it is over, grouped into one message a run."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fourhats_runtime.errors import ReportedError
from fourhats_runtime.monitor import incident_log
from fourhats_runtime.monitor.channels import (
    ADDRESSES,
    Channel,
    NoAddressError,
    NotTakenError,
    log,
)
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.incidents import Event, Incidents, notice
from fourhats_runtime.project import Project

logger = logging.getLogger(__name__)


def update(
    project: Project, findings: Iterable[Finding], *, book: str = "line", but: str = ""
) -> list[str]:
    """Notify every channel of what began and what is over; returns the names of open incidents.

    A channel that takes nothing keeps none of the others from being notified, and is notified at
    the next update; so is one that has no address yet, which is warned of and ends nothing. `book`
    names the file that it is noted in, one for each process that goes on for long; `but` names a
    channel that knows of it.

    Raises:
        ReportedError: a channel does not take it.

    """
    path = _book(project, book)
    incidents = Incidents.read(path)
    _send(project, path, incidents, incidents.take_in(findings), but)
    return sorted(incidents.opened)


def notify(project: Project, subject: str, text: str) -> None:
    """Send what is no incident, such as a new champion; a channel without address is left out.

    Raises:
        ReportedError: a channel does not take it.

    """
    path = _book(project, "line")
    _send(project, path, Incidents.read(path), [notice(subject, text)])


def open_incidents(project: Project, book: str = "line") -> dict[str, Event]:
    """Give the open incidents by their names."""
    return Incidents.read(_book(project, book)).opened


def without_address(project: Project) -> dict[str, str]:
    """Name the channels whose address is missing, each with the variable that sets it."""
    return {
        name: ADDRESSES[channel]
        for name, channel in _channels(project).items()
        if channel in ADDRESSES and project.settings.secret(ADDRESSES[channel]) is None
    }


def untold(project: Project) -> dict[str, list[str]]:
    """Give the incidents that channels without an address were not told of, by channel."""
    unsent = Incidents.read(_book(project, "line")).unsent
    return {
        name: [event.incident for event in unsent[name]]
        for name in without_address(project)
        if unsent.get(name)
    }


def _send(
    project: Project, path: Path, incidents: Incidents, events: list[Event], but: str = ""
) -> None:
    channels = _channels(project)
    for name in channels:
        incidents.owe(name, [] if name == but else events)
    if events:
        _note(incidents, path)  # before it is sent: whoever is killed here sends it the next time
        with suppress(OSError):
            incident_log.note(project, [event for event in events if not event.is_notice])
    refusals, addressless = [], []
    for name, channel in channels.items():
        unsent = incidents.unsent.get(name, [])
        if not unsent:
            continue
        try:
            _send_by(name, channel, project, unsent)
        except NoAddressError as error:
            incidents.unsent[name] = [event for event in unsent if not event.is_notice]
            addressless.append(f"{name} ({error})")
            if incidents.unsent[name]:
                continue
        except NotTakenError as error:
            refusals.append((error, unsent))
            continue
        del incidents.unsent[name]
        _note(incidents, path)
    news = [event.incident for event in events if not event.is_notice]
    if news and addressless:
        logger.warning("%s: not sent to %s", ", ".join(news), "; ".join(addressless))
    if refusals:
        raise ReportedError(_refused(events, refusals))


def _channels(project: Project) -> Mapping[str, Channel]:
    return {"log": log} if project.channels is None else project.channels


def _send_by(name: str, channel: Channel, project: Project, events: list[Event]) -> None:
    """Send by a channel; one of the project's own that fails keeps none of the others from it."""
    try:
        channel(project, events)
    except NotTakenError:
        raise
    except Exception as error:
        # What a library says may hold a password: it is for the operator's own log.
        logger.exception("the channel %s failed", name)
        reason = f"the channel {name} failed with {type(error).__name__}: the log says more"
        raise NotTakenError(reason) from None


def _note(incidents: Incidents, path: Path) -> None:
    with suppress(OSError):  # that the disk is full is sent all the same, twice if need be
        incidents.write(path)


def _refused(events: list[Event], refusals: list[tuple[NotTakenError, list[Event]]]) -> str:
    owed = {event.incident: event for _, unsent in refusals for event in (*unsent, *events)}
    *others, latest = owed.values()
    more = f" (and {len(others)} more)" if others else ""
    reasons = "; ".join(str(refusal) for refusal, _ in refusals)
    return f"{latest.incident}: {latest.message}{more} - and it could not be sent: {reasons}"


def _book(project: Project, name: str) -> Path:
    return project.artifacts / "incidents" / f"{name}.json"
