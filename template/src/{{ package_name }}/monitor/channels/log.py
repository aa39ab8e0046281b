"""The log: a line an event."""

import logging

from ... import PROJECT
from ...settings import Settings
from ..incidents import Event, runbook_link

logger = logging.getLogger(__name__)


def send(settings: Settings, events: list[Event]) -> None:
    """Write the events to the log."""
    for event in events:
        if event.is_notice:
            logger.warning("%s: NOTICE %s: %s", PROJECT, event.incident, event.message)
            continue
        logger.warning(
            "%s: ALERT %s %s: %s (%s)",
            PROJECT,
            event.status,
            event.incident,
            event.message,
            f"lasted {event.lasted}" if event.ended else runbook_link(settings, event),
        )
