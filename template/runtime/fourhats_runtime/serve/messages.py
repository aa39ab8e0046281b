"""What a handler is asked, and what it answers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
CSV = b"text/csv; charset=utf-8"
NOT_WRITTEN = "the prediction log cannot be written"

Header = tuple[bytes, bytes]


class Asked(NamedTuple):
    """A request whose body is there, whole and no longer than allowed."""

    request_id: str
    body: bytes
    deadline: float  # by the clock of the event loop
    content_type: str = ""
    trial: bool = False
    """Whether nobody decides by the answer, as the header `X-Trial: true` says."""


class Answer(NamedTuple):
    """An answer; the model's version and the number of records are for the log."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    model_version: str = ""
    records: int = 0


Handler = Callable[[Asked], Awaitable[Answer]]


def refusal(status: int, detail: object, *headers: Header) -> Answer:
    """Refuse, and say why."""
    return Answer(status, msgspec.json.encode({"detail": detail}), headers=headers)
