"""What is read from the stream, and what becomes of it."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

Outcome = Literal["answered", "dead", "duplicate", "taken over"]

TRIAL = {None: False, b"false": False, b"true": True}
"""What a message's mark `trial` says: whether nobody decides by the answer."""
KEY = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class AwayError(Exception):
    """The broker cannot be had for now; what was read and not settled will be read again."""


class Message(NamedTuple):
    """One message: its place in the stream, and the key under which it is answered once."""

    id: str
    key: str
    record: bytes
    answered: bool = False
    """Whether this key has been answered already."""
    fault: str = ""
    """What is wrong with the message itself, whatever its record holds."""
    origin: object = None
    """What the broker knows the message by."""
    trial: bool = False
    """Whether nobody decides by the answer."""


class Reply(NamedTuple):
    """What is to become of a message: an answer, a dead letter with a reason, or nothing more."""

    message: Message
    answer: bytes = b""
    model_version: str = ""
    reason: str = ""


class Lag(NamedTuple):
    """How far behind the group is."""

    messages: int
    oldest_seconds: float
    """Since the oldest message that nobody has answered came in; 0 where there is none."""


class Broker(Protocol):
    """A stream that is read by a group of workers, each message by one of them."""

    def read(self) -> list[Message]:
        """Wait about a second for messages; first come those that were read and not settled.

        Raises:
            AwayError: the broker cannot be reached.

        """

    def settle(self, replies: Sequence[Reply]) -> list[Outcome]:
        """Send the replies and acknowledge their messages, all of it or nothing.

        Gives what became of each.

        Raises:
            AwayError: the broker cannot be reached.

        """

    def lag(self) -> Lag:
        """Tell how far behind the group is; asked by another thread.

        Raises:
            AwayError: the broker cannot be reached.

        """

    def close(self) -> None:
        """Leave the group."""


def on_trial(given: bytes | None) -> tuple[bool, str]:
    """Tell whether a message is marked as a trial, and what is wrong with the mark."""
    trial = TRIAL.get(given)
    return (False, "trial is true or false") if trial is None else (trial, "")


def keyed(given: bytes | None, place: str) -> tuple[str, str]:
    """Give the key of a message, its place where it has none, and what is wrong with the key."""
    if given is None:
        return place, ""
    try:
        key = given.decode()
    except UnicodeDecodeError:
        return place, "the key is no UTF-8"
    if not KEY.fullmatch(key):
        return place, "a key has 1 to 200 characters, none of which is a control character"
    return key, ""
