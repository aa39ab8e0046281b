"""How often the rows of the holdout were looked at, to choose the better of two models.

Of many models that are judged by the same rows, the best owes part of its figures to them: the more
were judged, the larger that part (Dwork et al., The reusable holdout, Science 349, 2015). So every
model that is judged leaves a note of the rows, and what today's holdout has been through is the
number of models that an average row of it has judged. Rows that come since have judged none: as
they come, the budget grows back.
"""

from datetime import UTC, datetime

import numpy as np

from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.parts import Part
from fourhats_runtime.model.sides import Hashes

BUDGET = 10
"""So many models may be judged by the same rows before it is said."""
MOST_HASHES = 1_000
EVERY_HASH = 2**64
NOTE = "look"


def note_look(registry: Registry, version: str, holdout: Part) -> None:
    """Note beside a version that it was judged by these rows; judged again, it is one look still.

    Of the rows, the smallest hashes are kept (a bottom-k sketch; Cohen and Kaplan, Summarizing data
    using bottom-k sketches, 2007): the share that two holdouts have in common is that of those.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    smallest = _smallest(holdout.keys)
    registry.note(version, NOTE, {"at": at, "rows": len(holdout), "hashes": smallest})


def looks(registry: Registry, holdout: Part) -> float:
    """Give how many models an average row of the holdout has judged, by the notes."""
    now = _smallest(holdout.keys)
    notes = (registry.noted(version, NOTE) for version in registry.versions())
    return sum(_common(now, note["hashes"]) for note in notes if note)


def warning(found: float) -> str:
    """Say that the budget is spent; empty while it is not."""
    if round(found) <= BUDGET:
        return ""
    return (
        f"{found:.0f} models were judged by this holdout, and {BUDGET} may be: the best of them "
        "owes part of its figures to chance; rows with new outcomes judge afresh"
    )


def _smallest(keys: Hashes | None) -> list[int]:
    """Give the smallest hashes, sorted; all of them where there are few."""
    found: list[int] = [] if keys is None else np.unique(keys)[:MOST_HASHES].tolist()
    return found


def _common(now: list[int], before: list[int]) -> float:
    """Estimate which share of today's rows was there before, within 0.016 (one standard error)."""
    last = min(_last(now), _last(before))
    sampled = {value for value in now if value <= last}
    return len(sampled & set(before)) / max(1, len(sampled))


def _last(hashes: list[int]) -> int:
    """Give the hash up to which all are listed."""
    return hashes[-1] if len(hashes) == MOST_HASHES else EVERY_HASH
