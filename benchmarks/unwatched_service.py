"""The service without its prediction log and its metrics: what watching costs.

Runs in the rendered project's folder and environment: `python unwatched_service.py PORT`.
"""

import sys

from customer_churn import settings  # type: ignore[import-not-found]  # the rendered project
from customer_churn.serve import app, journal, server  # type: ignore[import-not-found]


class Nothing:
    """Takes what a figure of Prometheus takes, and notes nothing."""

    def observe(self, *_: object) -> None:
        """Note nothing."""

    def inc(self, *_: object) -> None:
        """Note nothing."""


class NoMetrics(app.Metrics):  # type: ignore[misc]
    """Notes nothing of requests."""

    def __init__(self) -> None:
        """Put nothing in the place of the figures."""
        super().__init__()
        self.requests_by = self.records_by = lambda *_: Nothing()
        self.seconds = Nothing()


def main() -> None:
    """Serve until SIGTERM."""
    journal.Journal.append = lambda *_, **__: None
    app.Metrics = NoMetrics
    server.run(settings.load(), "127.0.0.1", int(sys.argv[1]), to_everybody=False)


if __name__ == "__main__":
    main()
