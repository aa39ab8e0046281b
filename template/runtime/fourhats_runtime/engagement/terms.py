"""By what the work is accepted: `[acceptance]` of config/engagement.toml, the user's own.

A limit that nobody has set is what the project says elsewhere: what the engagement is bound to, or
the limit at which an alert is sent. Each limit goes with where it stands.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.limits import Agreed, Data, Quality
from fourhats_runtime.project import Project

FILE = "config/engagement.toml"
TABLE = "acceptance"


class Limit(NamedTuple):
    """A limit, and where it stands."""

    value: float
    source: str


class Terms(NamedTuple):
    """What was agreed on."""

    asked: Agreed
    latency_ms: Limit
    available: Limit
    rows_passed: Limit
    data_age_days: Limit
    explained: str
    """Where it is said that decisions have to be explained; empty: nowhere."""
    done: str
    """What has to be true for the work to be done, in words."""
    deadline: date | None
    budget: float | None
    running_cost: float | None
    """A month, in the currency of the terms."""
    currency: str
    """Of day rate and running cost; empty: that of business.toml."""
    day_rate: float | None
    hours_a_day: float


def read_terms(project: Project) -> Terms:
    """Read the terms; without the file, what the settings say.

    Raises:
        ProjectError: the file is no TOML, or says what is not understood; the text names it.

    """
    found = _read(project.folder / FILE)
    try:
        asked = Agreed.model_validate(found.get(TABLE, {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join((TABLE, *map(str, first["loc"])))
        raise ProjectError(f"{FILE}: {where}: {first['msg']}") from None
    engagement, estimate = _table(found, "engagement"), _table(found, "estimate")
    bound = _table(engagement, "constraints")
    explained = ""
    if asked.explained if asked.explained is not None else bound.get("explainable") is True:
        own = asked.explained is not None
        explained = f"{TABLE}.explained" if own else "engagement.constraints.explainable"
    rate = _number(estimate, "day_rate")
    deadline = engagement.get("deadline")
    return Terms(
        asked,
        _latency(project, asked, _number(bound, "latency_ms")),
        _available(project, asked),
        _limit(
            asked.rows_passed,
            "rows_passed",
            1 - project.settings(Quality).max_invalid_share,
            "quality.max_invalid_share",
        ),
        _limit(
            asked.data_age_days,
            "data_age_days",
            project.settings(Data).max_age_days,
            "data.max_age_days",
        ),
        explained,
        str(engagement.get("done", "")).strip(),
        deadline if isinstance(deadline, date) else None,
        _number(engagement, "budget"),
        _number(estimate, "running_cost"),
        str(estimate.get("currency", "")),
        rate,
        _number(estimate, "hours_a_day") or 8.0,
    )


def _limit(own: float | None, name: str, other: float, source: str) -> Limit:
    return Limit(other, source) if own is None else Limit(own, f"{TABLE}.{name}")


def _latency(project: Project, asked: Agreed, bound: float | None) -> Limit:
    """Give what was agreed on, else what the engagement is bound to, else when it is an alert."""
    if asked.latency_ms is None and bound is not None:
        return Limit(bound, "engagement.constraints.latency_ms")
    return _limit(
        asked.latency_ms, "latency_ms", _watched(project)[0] * 1000, "watch.max_p99_seconds"
    )


def _available(project: Project, asked: Agreed) -> Limit:
    return _limit(asked.available, "available", 1 - _watched(project)[1], "watch.max_error_share")


def _watched(project: Project) -> tuple[float, float]:
    """Give what `watch` alerts on; where there is no API, nobody asks."""
    if "api" not in project.serving:
        return 0.5, 0.01
    from fourhats_runtime.serve.watch import Watch  # noqa: PLC0415 (of those who have an API)

    watch = project.settings(Watch)
    return watch.max_p99_seconds, watch.max_error_share


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ProjectError(f"{FILE}: {error}") from None


def _table(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a table of which the generator's commands are the judges: here it may be anything."""
    table = found.get(name, {})
    return table if isinstance(table, dict) else {}


def _number(table: dict[str, Any], name: str) -> float | None:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
