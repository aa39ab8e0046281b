"""Look after a running API, and alert where it is down, slow, failing, or cannot log."""

import logging
import signal
import sys
import time
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from types import FrameType

from pydantic import BaseModel, ValidationError

from ..errors import ProjectError
from ..monitor import alerts
from ..monitor.findings import Finding
from ..monitor.incidents import in_words
from ..registry import write_atomically
from ..settings import Settings, Watch
from .looks import LONGEST_SECONDS, Figures, Look, increase, look, quantile

logger = logging.getLogger(__name__)


class Seen(BaseModel):
    """The looks at one address that still count, the oldest first."""

    url: str
    looks: list[Look] = []


def watch(settings: Settings, url: str) -> None:
    """Look every `watch.every` seconds until SIGTERM; who cannot be told is told the next time."""
    signal.signal(signal.SIGTERM, _end)
    due = time.monotonic()
    while True:
        try:
            look_once(settings, url)
        except ProjectError as error:
            logger.error("%s", error)  # noqa: TRY400 (told in one line, like a command's)
        due = max(due + settings.watch.every, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def look_once(settings: Settings, url: str) -> list[Finding]:
    """Look once, note it beside the earlier looks, and alert on what began or is over.

    Raises:
        ProjectError: an alert cannot be sent.

    """
    url = url.rstrip("/")
    path = settings.artifacts / "incidents" / "looks.json"
    seen = _seen(path, url)
    seen.looks.append(look(url, min(LONGEST_SECONDS, settings.watch.every)))
    begin = seen.looks[-1].at - settings.watch.window
    # The one before the window is what its figures are compared with.
    old = sum(earlier.at <= begin for earlier in seen.looks)
    seen.looks = seen.looks[max(0, old - 1) :]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, seen.model_dump_json() + "\n")
    findings = judge(seen.looks, settings.watch)
    alerts.update(settings, findings, book="watch")
    return findings


def judge(looks: list[Look], limits: Watch) -> list[Finding]:
    """Judge the latest looks; nothing is said of `api:down` after a failure or two."""
    grown = increase(looks)
    return [
        *_down(looks, limits),
        _cannot_log(looks, grown),
        *_service_level(grown, limits),
    ]


def _down(looks: list[Look], limits: Watch) -> list[Finding]:
    failing = list(takewhile(lambda one: one.fault and not one.cannot_log, reversed(looks)))
    if not failing:
        ready = sum(not one.fault for one in looks)
        message = f"ready at {ready} of the latest {len(looks)} looks"
        return [Finding("api:down", fine=True, message=message)]
    if len(failing) < limits.failures:
        return []
    message = f"not ready {len(failing)} times in a row ({failing[0].fault})"
    return [Finding("api:down", fine=False, message=message)]


def _cannot_log(looks: list[Look], grown: Figures) -> Finding:
    fault = looks[-1].fault if looks[-1].cannot_log else ""
    message = f"{grown.not_logged:,.0f} requests could not be logged, and were not answered"
    return Finding(
        "api:log",
        fine=not fault and not grown.not_logged,
        message=f"{message}: {fault}" if fault else message,
    )


def _service_level(grown: Figures, limits: Watch) -> list[Finding]:
    total, span = grown.total, in_words(timedelta(seconds=limits.window))
    if total < limits.min_requests:
        message = f"{total:,.0f} requests in {span}, too few to judge by"
        names = ("api:slow", "api:errors", "api:busy")
        return [Finding(name, fine=True, message=message) for name in names]
    median, slowest = quantile(0.5, grown.within), quantile(0.99, grown.within)
    failed = sum(count for status, count in grown.requests.items() if status.startswith("5"))
    # What cannot be logged is told by its own name.
    errors, refused = failed - grown.not_logged, grown.requests.get("429", 0.0)
    slow = (
        f"half of {total:,.0f} requests in {span} took up to {median:.3f} s "
        f"(allowed: {limits.max_median_seconds:g}, watch.max_median_seconds), 99 % up to "
        f"{slowest:.3f} s (allowed: {limits.max_p99_seconds:g}, watch.max_p99_seconds)"
    )
    is_fast = median <= limits.max_median_seconds and slowest <= limits.max_p99_seconds
    return [
        Finding("api:slow", fine=is_fast, message=slow),
        _share("api:errors", "failed", errors, total, limits.max_error_share),
        _share("api:busy", "were refused (429)", refused, total, limits.max_refused_share),
    ]


def _share(incident: str, words: str, count: float, total: float, limit: float) -> Finding:
    message = f"{count:,.0f} of {total:,.0f} requests {words} (allowed: {limit:.1%})"
    return Finding(incident, fine=count <= limit * total, message=message)


def _seen(path: Path, url: str) -> Seen:
    try:
        seen = Seen.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return Seen(url=url)
    return seen if seen.url == url else Seen(url=url)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
