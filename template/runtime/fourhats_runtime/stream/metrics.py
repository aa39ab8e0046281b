"""What operations watch, in Prometheus' terms, and whether the worker works."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.stream.messages import AwayError, Lag, Outcome, Reply

LONGEST_STEP = 60.0
"""Seconds after which a step of the worker's loop is taken for stuck."""

Start = Callable[[str, list[tuple[str, str]]], Any]


class Metrics:
    """The figures of one worker."""

    def __init__(self, lag: Callable[[], Lag]) -> None:
        """Register the figures; how far behind the group is, is asked when they are."""
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "stream_messages", "Messages settled.", ["outcome"], registry=self.registry
        )
        self.predictions = Counter(
            "stream_predictions", "Answers sent.", ["model_version"], registry=self.registry
        )
        self.seconds = Histogram(
            "stream_batch_seconds", "Seconds to settle a batch.", registry=self.registry
        )
        self.waiting = Gauge(
            "stream_waiting", "1 while the worker waits for a fault to end.", registry=self.registry
        )
        self.champion = Info("stream_champion", "Who answers.", registry=self.registry)
        self.registry.register(_LagCollector(lag))
        self.fault = ""
        """What the worker waits for, empty while all is well."""
        self._last_step = time.monotonic()

    def settled(
        self, replies: Sequence[Reply], outcomes: Sequence[Outcome], seconds: float
    ) -> None:
        """Count a batch."""
        self.seconds.observe(seconds)
        for reply, outcome in zip(replies, outcomes, strict=True):
            self.messages.labels(outcome).inc()
            if outcome == "answered":
                self.predictions.labels(reply.model_version).inc()

    def step(self, fault: str = "") -> None:
        """Note that the loop has come round, and what it waits for."""
        self.fault = fault
        self.waiting.set(bool(fault))
        self._last_step = time.monotonic()

    @property
    def state(self) -> str:
        """Why the worker is not ready, empty where it is."""
        return self.fault or self.stuck

    @property
    def stuck(self) -> str:
        """For how long its loop has not come round, empty where it does."""
        seconds = time.monotonic() - self._last_step
        return f"stuck for {seconds:.0f} s" if seconds > LONGEST_STEP else ""


class _LagCollector(Collector):
    def __init__(self, lag: Callable[[], Lag]) -> None:
        self._lag = lag

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            lag = self._lag()
        except AwayError:  # no figure is truer than the last one
            return
        yield GaugeMetricFamily(
            "stream_messages_behind", "Messages that the group has not settled.", lag.messages
        )
        yield GaugeMetricFamily(
            "stream_oldest_seconds", "Age of the oldest of them.", lag.oldest_seconds
        )


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Tell `/metrics`, `/health` and `/ready` over HTTP; gives the port, a free one where it is 0.

    Raises:
        ProjectError: the port is taken, or the address none of this machine's.

    """
    figures = make_wsgi_app(metrics.registry)

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            found: Iterable[bytes] = figures(environ, start)
            return found
        if environ["PATH_INFO"] == "/health":
            fault, fine = metrics.stuck, "alive"
        elif environ["PATH_INFO"] == "/ready":
            fault, fine = metrics.state, "ready"
        else:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there are /metrics, /health and /ready\n"]
        status = "503 Service Unavailable" if fault else "200 OK"
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{fault or fine}\n".encode()]

    try:
        server = make_server(host, port, answer, _Server, _Quiet)
    except OSError as error:
        raise ProjectError(
            f"{host}:{port} cannot be listened on: {error.strerror} (stream.metrics_port)"
        ) from None
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: a figure that was asked for is no news."""
