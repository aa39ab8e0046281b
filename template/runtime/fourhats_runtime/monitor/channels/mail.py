"""E-mail, by any server that speaks SMTP."""

from fourhats_runtime.monitor.channels.services import Service, send_by_apprise
from fourhats_runtime.monitor.incidents import Event
from fourhats_runtime.project import Project

MAIL = Service(
    "ALERT_EMAIL_URL",
    ("mailto://", "mailtos://"),
    "mailtos://user:password@smtp.example.com:587?from=…&to=…",
)


def send(project: Project, events: list[Event]) -> None:
    """Send the events in one message.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    send_by_apprise(project, events, MAIL)
