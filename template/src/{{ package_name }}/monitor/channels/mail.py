"""E-mail, by any server that speaks SMTP."""

from ...settings import Settings
from ..incidents import Event
from .services import Service, send_by_apprise

MAIL = Service(
    "ALERT_EMAIL_URL",
    ("mailto://", "mailtos://"),
    "mailtos://user:password@smtp.example.com:587?from=…&to=…",
)


def send(settings: Settings, events: list[Event]) -> None:
    """Send the events in one message.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    send_by_apprise(settings, events, MAIL, settings.alert_email_url)
