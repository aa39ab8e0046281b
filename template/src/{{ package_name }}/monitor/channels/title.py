"""What people read first of an alert."""

from collections.abc import Sequence

from ... import PROJECT
from ..incidents import Event


def title(events: Sequence[Event]) -> str:
    """Say how many incidents began and how many are over; a single one by its name."""
    if len(events) == 1:
        (event,) = events
        return f"{PROJECT}: {event.incident} {'is over' if event.ended else 'began'}"
    began = sum(event.ended is None for event in events)
    over = len(events) - began
    parts = [f"{began} incident{'s' * (began > 1)} began"] * bool(began)
    parts += [f"{over} {'are' if over > 1 else 'is'} over"] * bool(over)
    return f"{PROJECT}: {', '.join(parts)}"
