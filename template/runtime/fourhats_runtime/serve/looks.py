"""What can be seen of a running API from outside: whether it is ready, and its figures."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from fourhats_runtime.serve.messages import NOT_WRITTEN

Key = TypeVar("Key")

LONGEST_SECONDS = 5.0
# The API is asked itself, never a proxy before it.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Figures(BaseModel):
    """The counters of /metrics; they grow from the start of the API on."""

    requests: dict[str, float] = {}
    """By status."""
    within: dict[float, float] = {}
    """Requests that took at most so many seconds."""
    not_logged: float = 0.0
    started: float = 0.0
    """When the API began to count."""

    @property
    def total(self) -> float:
        """Count the requests."""
        return sum(self.requests.values())


class Look(BaseModel):
    """One look: `fault` says what was wrong; without an answer there are no figures."""

    at: float
    fault: str = ""
    figures: Figures | None = None

    @property
    def cannot_log(self) -> bool:
        """Tell whether the API answers, but cannot write its log of predictions."""
        return self.fault.startswith(NOT_WRITTEN)


def look(url: str, timeout: float) -> Look:
    """Ask the API at `url` whether it is ready, and for its figures."""
    at = time.time()
    try:
        status, body = _get(f"{url}/ready", timeout)
        fault = "" if status == http.client.OK else _said(status, body)
        _, text = _get(f"{url}/metrics", timeout)
        return Look(at=at, fault=fault, figures=_figures(text.decode()))
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return Look(at=at, fault=f"no answer: {str(reason) or type(error).__name__}")


def increase(looks: Sequence[Look]) -> Figures:
    """Sum up what the counters grew by, through restarts of the API, which set them to nought."""
    seen = [look.figures for look in looks if look.figures is not None]
    grown = Figures()
    requests, within = Counter[str](), Counter[float]()
    for before, after in pairwise(seen):
        start = before if before.started == after.started else Figures()
        requests.update(_difference(after.requests, start.requests))
        within.update(_difference(after.within, start.within))
        grown.not_logged += after.not_logged - start.not_logged
    return grown.model_copy(update={"requests": dict(requests), "within": dict(within)})


def quantile(share: float, within: dict[float, float]) -> float:
    """Estimate, in seconds, what a share of the requests took at most.

    As Prometheus' histogram_quantile does: as if they lay evenly between two bounds.
    """
    bounds = sorted(within)
    wanted = share * within[bounds[-1]]
    low, below = 0.0, 0.0
    for bound in bounds:
        if within[bound] >= wanted:
            if bound == float("inf"):
                return low
            inside = within[bound] - below
            return low + (bound - low) * ((wanted - below) / inside if inside else 0.0)
        low, below = bound, within[bound]
    return low


def _difference(after: dict[Key, float], before: dict[Key, float]) -> dict[Key, float]:
    return {key: value - before.get(key, 0.0) for key, value in after.items()}


def _get(url: str, timeout: float) -> tuple[int, bytes]:
    try:
        with OPENER.open(url, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read()


def _said(status: int, body: bytes) -> str:
    try:
        return str(json.loads(body)["status"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {status}"


def _figures(text: str) -> Figures:
    figures = Figures()
    for name, labels, value in _samples(text):
        if name == "predict_requests_total":
            figures.requests[labels["status"]] = value
        elif name == "predict_seconds_bucket":
            figures.within[float(labels["le"])] = value
        elif name == "prediction_log_failures_total":
            figures.not_logged = value
        elif name == "predict_seconds_created":
            figures.started = value
    return figures


def _samples(text: str) -> Iterable[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, float(sample.value)
