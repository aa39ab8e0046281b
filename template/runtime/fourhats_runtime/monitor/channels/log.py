"""The log: a line an event."""

import logging

from fourhats_runtime.monitor.incidents import Event, runbook_link
from fourhats_runtime.project import Project

logger = logging.getLogger(__name__)


def send(project: Project, events: list[Event]) -> None:
    """Write the events to the log."""
    for event in events:
        if event.is_notice:
            logger.warning("%s: NOTICE %s: %s", project.name, event.incident, event.message)
            continue
        logger.warning(
            "%s: ALERT %s %s: %s (%s)",
            project.name,
            event.status,
            event.incident,
            event.message,
            f"lasted {event.lasted}" if event.ended else runbook_link(project, event),
        )
