"""Look after a running API, and alert where it is down, slow, failing, or cannot log."""

import logging
import signal
import sys
import time
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import ClassVar

from pydantic import BaseModel, Field, ValidationError

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically
from fourhats_runtime.monitor import alerts
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.incidents import in_words
from fourhats_runtime.project import Project
from fourhats_runtime.serve.looks import LONGEST_SECONDS, Figures, Look, increase, look, quantile
from fourhats_runtime.settings import Section

logger = logging.getLogger(__name__)


class Watch(Section):
    """How often the API is looked at, over which seconds it is judged, and what is too much."""

    table: ClassVar[str] = "watch"

    every: float = Field(default=15.0, gt=0)
    failures: int = Field(default=3, ge=1)
    window: float = Field(default=300.0, gt=0)
    min_requests: int = Field(default=20, ge=1)
    max_p99_seconds: float = Field(default=0.5, gt=0)
    max_median_seconds: float = Field(default=0.25, gt=0)
    max_error_share: float = Field(default=0.01, ge=0, lt=1)
    max_refused_share: float = Field(default=0.05, ge=0, lt=1)


class Seen(BaseModel):
    """The looks at one address that still count, the oldest first."""

    url: str
    looks: list[Look] = []


def watch(project: Project, url: str) -> None:
    """Look every `watch.every` seconds until SIGTERM; a channel that is away is notified later."""
    signal.signal(signal.SIGTERM, _end)
    due = time.monotonic()
    while True:
        try:
            look_once(project, url)
        except ProjectError as error:
            logger.error("%s", error)  # noqa: TRY400 (in one line, like a command's)
        due = max(due + project.settings(Watch).every, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def look_once(project: Project, url: str) -> list[Finding]:
    """Look once, note it beside the earlier looks, and alert on what began or is over.

    Raises:
        ProjectError: an alert cannot be sent.

    """
    url = url.rstrip("/")
    limits = project.settings(Watch)
    path = project.artifacts / "incidents" / "looks.json"
    seen = _seen(path, url)
    seen.looks.append(look(url, min(LONGEST_SECONDS, limits.every)))
    begin = seen.looks[-1].at - limits.window
    # The one before the window is what its figures are compared with.
    old = sum(earlier.at <= begin for earlier in seen.looks)
    seen.looks = seen.looks[max(0, old - 1) :]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, seen.model_dump_json() + "\n")
    findings = judge(seen.looks, limits)
    alerts.update(project, findings, book="watch")
    return findings


def judge(looks: list[Look], limits: Watch) -> list[Finding]:
    """Judge the latest looks; after a failure or two nobody knows yet whether it is down."""
    grown = increase(looks)
    return [
        _down(looks, limits),
        _cannot_log(looks, grown),
        *_service_level(grown, limits),
    ]


def _down(looks: list[Look], limits: Watch) -> Finding:
    failing = list(takewhile(lambda one: one.fault and not one.cannot_log, reversed(looks)))
    if not failing:
        ready = sum(not one.fault for one in looks)
        message = f"ready at {ready} of the latest {len(looks)} looks"
        return Finding("api:down", "fine", message)
    message = f"not ready {len(failing)} times in a row ({failing[0].fault})"
    return Finding("api:down", "unknown" if len(failing) < limits.failures else "alert", message)


def _cannot_log(looks: list[Look], grown: Figures) -> Finding:
    fault = looks[-1].fault if looks[-1].cannot_log else ""
    if looks[-1].figures is None and not fault:
        return Finding("api:log", "unknown", "the API does not say whether it could log")
    message = f"{grown.not_logged:,.0f} requests could not be logged, and were not answered"
    return Finding(
        "api:log",
        state_of(fine=not fault and not grown.not_logged),
        f"{message}: {fault}" if fault else message,
    )


def _service_level(grown: Figures, limits: Watch) -> list[Finding]:
    total, span = grown.total, in_words(timedelta(seconds=limits.window))
    if total < limits.min_requests:
        message = f"{total:,.0f} requests in {span}, too few to judge by"
        names = ("api:slow", "api:errors", "api:busy")
        return [Finding(name, "unknown", message) for name in names]
    median, slowest = quantile(0.5, grown.within), quantile(0.99, grown.within)
    failed = sum(count for status, count in grown.requests.items() if status.startswith("5"))
    # What cannot be logged is reported by its own name.
    errors, refused = failed - grown.not_logged, grown.requests.get("429", 0.0)
    slow = (
        f"half of {total:,.0f} requests in {span} took up to {median:.3f} s "
        f"(allowed: {limits.max_median_seconds:g}, watch.max_median_seconds), 99 % up to "
        f"{slowest:.3f} s (allowed: {limits.max_p99_seconds:g}, watch.max_p99_seconds)"
    )
    is_fast = median <= limits.max_median_seconds and slowest <= limits.max_p99_seconds
    return [
        Finding("api:slow", state_of(fine=is_fast), slow),
        _share("api:errors", "failed", errors, total, limits.max_error_share),
        _share("api:busy", "were refused (429)", refused, total, limits.max_refused_share),
    ]


def _share(incident: str, words: str, count: float, total: float, limit: float) -> Finding:
    message = f"{count:,.0f} of {total:,.0f} requests {words} (allowed: {limit:.1%})"
    return Finding(incident, state_of(fine=count <= limit * total), message)


def _seen(path: Path, url: str) -> Seen:
    try:
        seen = Seen.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return Seen(url=url)
    return seen if seen.url == url else Seen(url=url)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
