"""What operations watch, in Prometheus' terms."""

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names, to the library, the folder by which several processes add up their figures.

The library reads it when it is imported. So it counts for the processes of one server, which
serve one application; who starts them has imported it by then.
"""
PROCESSES = Path("/proc")
"""Linux has it; elsewhere a process that was killed goes on counting as in flight."""


@contextmanager
def figures_of_all() -> Iterator[None]:
    """Have the processes that are started meanwhile add up their figures."""
    before = os.environ.get(SHARED)
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]
            if before is not None:
                os.environ[SHARED] = before


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        """Register the figures, in a registry of their own."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "predict_requests",
            "Requests for predictions or answers.",
            ["status"],
            registry=self.registry,
        )
        self.records = Counter(
            "predict_records",
            "Records or questions answered.",
            ["model_version"],
            registry=self.registry,
        )
        # Looking a child up takes longer than counting.
        self.requests_by = functools.cache(self.requests.labels)
        self.records_by = functools.cache(self.records.labels)
        self.seconds = Histogram(
            "predict_seconds", "Seconds to answer them.", registry=self.registry
        )
        self.log_failures = Counter(
            "prediction_log_failures",
            "Requests that were not answered, as the log could not be written.",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "requests_in_flight",
            "Requests that were being answered, at most a second ago.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def text(self) -> bytes:
        """Give the figures in Prometheus' format, of all processes where there are several."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        for file in Path(os.environ[SHARED]).glob("gauge_live*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if PROCESSES.exists() and not (PROCESSES / str(pid)).exists():
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)
