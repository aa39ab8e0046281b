"""What operations watch, in Prometheus' terms."""

import functools

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        """Register the figures."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "predict_requests", "Requests to /predict.", ["status"], registry=self.registry
        )
        self.records = Counter(
            "predict_records", "Records answered.", ["model_version"], registry=self.registry
        )
        # Looking a child up takes longer than counting.
        self.requests_by = functools.cache(self.requests.labels)
        self.records_by = functools.cache(self.records.labels)
        self.seconds = Histogram(
            "predict_seconds", "Seconds to answer /predict.", registry=self.registry
        )
        self.log_failures = Counter(
            "prediction_log_failures",
            "Requests that were not answered, as the log could not be written.",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "requests_in_flight", "Requests that are being answered.", registry=self.registry
        )
