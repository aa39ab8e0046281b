"""Where alerts go: a module a channel, each given the events of one message."""

from collections.abc import Callable

from fourhats_runtime.monitor.channels.log import send as log
from fourhats_runtime.monitor.channels.mail import MAIL
from fourhats_runtime.monitor.channels.mail import send as email
from fourhats_runtime.monitor.channels.refusals import NoAddressError, NotTakenError
from fourhats_runtime.monitor.channels.slack import SLACK
from fourhats_runtime.monitor.channels.slack import send as slack
from fourhats_runtime.monitor.channels.teams import TEAMS
from fourhats_runtime.monitor.channels.teams import send as teams
from fourhats_runtime.monitor.channels.webhook import VARIABLE
from fourhats_runtime.monitor.channels.webhook import send as webhook
from fourhats_runtime.monitor.incidents import Event
from fourhats_runtime.project import Project

Channel = Callable[[Project, list[Event]], None]
"""Sends the events, or raises `NotTakenError`."""

ADDRESSES: dict[Channel, str] = {
    email: MAIL.variable,
    slack: SLACK.variable,
    teams: TEAMS.variable,
    webhook: VARIABLE,
}
"""The variables that hold the addresses."""

__all__ = [
    "ADDRESSES",
    "Channel",
    "NoAddressError",
    "NotTakenError",
    "email",
    "log",
    "slack",
    "teams",
    "webhook",
]
