"""Slack."""

from ...settings import Settings
from ..incidents import Event
from .services import Service, send_by_apprise

SLACK = Service(
    "SLACK_WEBHOOK_URL",
    ("https://hooks.slack", "slack://"),
    "https://hooks.slack.com/services/…",
)


def send(settings: Settings, events: list[Event]) -> None:
    """Send the events in one message.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    send_by_apprise(settings, events, SLACK, settings.slack_webhook_url)
