"""What people read first of an alert."""

from collections.abc import Sequence

from fourhats_runtime.monitor.incidents import Event


def title(project: str, events: Sequence[Event]) -> str:
    """Say how many incidents began and how many are over; a single one by its name."""
    if len(events) == 1:
        (event,) = events
        if event.is_notice:
            return f"{project}: {event.incident}"
        return f"{project}: {event.incident} {'is over' if event.ended else 'began'}"
    notices = sum(event.is_notice for event in events)
    began = sum(event.ended is None for event in events)
    over = len(events) - began - notices
    parts = [f"{began} incident{'s' * (began > 1)} began"] * bool(began)
    parts += [f"{over} {'are' if over > 1 else 'is'} over"] * bool(over)
    parts += [f"{notices} notice{'s' * (notices > 1)}"] * bool(notices)
    return f"{project}: {', '.join(parts)}"
