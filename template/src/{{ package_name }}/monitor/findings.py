"""What monitoring found: one finding a question, fine or not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The answer to one question; `incident` names it in alerts."""

    incident: str
    fine: bool
    message: str
