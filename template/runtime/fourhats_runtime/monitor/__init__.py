"""Watch whether data, world and money are still what they were when the model was trained.

Where alerts go is the project's to say, as a function a channel:

    from fourhats_runtime.monitor import Channel, Event, NotTakenError, log, slack

    CHANNELS: dict[str, Channel] = {"log": log, "slack": slack, "pager": page_us}

One of the project's own is given the project and the events of one message (see `Event`), and
raises `NotTakenError` where they were not taken: it is given them again at the next update.
"""

from fourhats_runtime.monitor.channels import (
    Channel,
    NoAddressError,
    NotTakenError,
    email,
    log,
    slack,
    teams,
    webhook,
)
from fourhats_runtime.monitor.incidents import Event

__all__ = [
    "Channel",
    "Event",
    "NoAddressError",
    "NotTakenError",
    "email",
    "log",
    "slack",
    "teams",
    "webhook",
]
