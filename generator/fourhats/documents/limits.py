"""The limits that the work is accepted by: as agreed on, else those at which an alert is sent.

`[acceptance]` of config/engagement.toml is the user's own, and what the project's `accept` measures
against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fourhats_runtime.limits import Agreed
from pydantic import ValidationError

from fourhats.errors import WrongInputError
from fourhats.estimate.engagement import FILE, read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats.diagnose.terms import Engagement

TABLE = "acceptance"


@dataclass(frozen=True)
class Limits:
    """What is measured against; None: nobody has said."""

    value_a_month: float
    """More than this has to be added."""
    latency_ms: float | None
    """Of 99 of 100 answers."""
    available: float | None
    """The share of requests that is answered."""
    rows_passed: float | None
    """The share of rows that meets the contract."""
    data_age_days: float | None
    """Since the last extraction."""
    reproducible: bool
    explained: bool


def read_limits(project: Path, engagement: Engagement) -> Limits:
    """Read the limits of a project.

    Raises:
        WrongInputError: a file is no TOML, or a limit is none.

    """
    try:
        agreed = Agreed.model_validate(read_toml(project / FILE).get(TABLE, {}))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join((TABLE, *map(str, first["loc"])))
        raise WrongInputError(f"{project / FILE}: {where}: {first['msg']}") from problem
    watched = read_toml(project / "config" / "monitoring.toml")
    watched |= read_toml(project / "config" / "serve.toml")
    slowest = _number(watched, "watch", "max_p99_seconds")
    failing = _number(watched, "watch", "max_error_share")
    invalid = _number(watched, "quality", "max_invalid_share")
    bound = engagement.constraints

    def first_of(*limits: float | None) -> float | None:
        return next((each for each in limits if each is not None), None)

    return Limits(
        value_a_month=agreed.value_a_month,
        latency_ms=first_of(
            agreed.latency_ms, bound.latency_ms, None if slowest is None else slowest * 1000
        ),
        available=first_of(agreed.available, None if failing is None else 1 - failing),
        rows_passed=first_of(agreed.rows_passed, None if invalid is None else 1 - invalid),
        data_age_days=first_of(agreed.data_age_days, _number(watched, "data", "max_age_days")),
        reproducible=agreed.reproducible,
        explained=bound.explainable is True if agreed.explained is None else agreed.explained,
    )


def _number(content: dict[str, Any], table: str, name: str) -> float | None:
    """Give a setting of the project's; the runtime judges what is wrong with it."""
    found = content.get(table)
    value = found.get(name) if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
