"""What a service asks of what answers, whether it predicts or searches."""

from typing import Protocol

from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.serve.messages import Handler


class Answering(Protocol):
    """Who answers while a service runs."""

    fault: str
    """Why the champion itself does not answer; empty while it does."""
    log: Journal

    @property
    def version(self) -> str | None:
        """The version that answers; None where there is none yet."""

    def refresh(self) -> None:
        """Take over a new champion."""


class Started(Protocol):
    """What a service is handed when it starts."""

    @property
    def predictor(self) -> Answering:
        """Who answers."""

    def by_path(self) -> dict[str, Handler]:
        """Give what answers a POST in front of the routes, by path."""
