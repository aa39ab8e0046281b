"""Microsoft Teams, by the workflow that takes a channel's webhook."""

from ...settings import Settings
from ..incidents import Event
from .services import Service, send_by_apprise

TEAMS = Service(
    "TEAMS_WEBHOOK_URL",
    ("https://", "workflow://", "workflows://"),
    "https://….logic.azure.com/workflows/…",
)


def send(settings: Settings, events: list[Event]) -> None:
    """Send the events in one message.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    send_by_apprise(settings, events, TEAMS, settings.teams_webhook_url)
