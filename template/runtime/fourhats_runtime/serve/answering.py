"""What a service is handed when it starts, whether it predicts or searches."""

from typing import Any, Protocol

from fourhats_runtime.answer.champion import Champion
from fourhats_runtime.serve.messages import Handler


class Started(Protocol):
    """What a service is handed when it starts."""

    @property
    def predictor(self) -> Champion[Any]:
        """Who answers."""

    def by_path(self) -> dict[str, Handler]:
        """Give what answers a POST in front of the routes, by path."""
