"""Microsoft Teams, by the workflow that takes a channel's webhook."""

from fourhats_runtime.monitor.channels.services import Service, send_by_apprise
from fourhats_runtime.monitor.incidents import Event
from fourhats_runtime.project import Project

TEAMS = Service(
    "TEAMS_WEBHOOK_URL",
    ("https://", "workflow://", "workflows://"),
    "https://….logic.azure.com/workflows/…",
)


def send(project: Project, events: list[Event]) -> None:
    """Send the events in one message.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    send_by_apprise(project, events, TEAMS)
