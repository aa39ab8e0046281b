"""The service without its prediction log and its metrics: what watching costs.

Runs in the rendered project's folder and environment: `python unwatched_service.py PORT`.
"""

import sys
from functools import cache
from typing import Any

from customer_churn.project import project  # type: ignore[import-not-found]  # the rendered one
from fourhats_runtime.answer import journal
from fourhats_runtime.serve import app, metrics, server


class Nothing:
    """Takes what a figure of Prometheus takes, and notes nothing."""

    def observe(self, *_: object) -> None:
        """Note nothing."""

    def inc(self, *_: object) -> None:
        """Note nothing."""


class NoMetrics(metrics.Metrics):
    """Notes nothing of requests."""

    def __init__(self) -> None:
        """Put nothing in the place of the figures."""
        super().__init__()
        nothing: Any = Nothing()
        self.requests_by = self.records_by = cache(lambda *_: nothing)
        self.seconds = nothing


def main() -> None:
    """Serve until SIGTERM."""
    journal.Journal.append = lambda *_, **__: None  # type: ignore[method-assign]
    app.Metrics = NoMetrics  # type: ignore[attr-defined]
    server.run(project, "127.0.0.1", int(sys.argv[1]), to_everybody=False)


if __name__ == "__main__":
    main()
