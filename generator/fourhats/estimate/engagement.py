"""The terms of an engagement: `[estimate]` of config/engagement.toml, the user's own."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fourhats.errors import WrongInputError
from fourhats.estimate.catalogue import Three  # noqa: TC001 (pydantic reads it)

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path("config") / "engagement.toml"
PRICES = Path("deploy") / "terraform" / "README.md"
EVALUATION = "evaluation.json"


class Terms(BaseModel):
    """Who works at which rate, from when; what it is hoped to be worth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day_rate: Annotated[float, Field(gt=0)] | None = None
    """Without one, days alone are estimated."""
    currency: str = "EUR"
    start: date = Field(default_factory=lambda: datetime.now(UTC).date())
    country: str = ""
    """Whose public holidays are free, as ISO 3166 writes it: DE, FR, US; empty: none are."""
    region: str = ""
    """A part of it, such as BY."""
    people: Annotated[int, Field(ge=1, le=20)] = 1
    days_a_week: Annotated[float, Field(gt=0, le=5)] = 5
    hours_a_day: Annotated[float, Field(gt=0, le=24)] = 8
    seed: int = 0
    value_a_month: Three | None = None
    """At the least, likely, at the most; without it, what the champion adds on the holdout."""
    running_cost: Annotated[float, Field(ge=0)] | None = None
    """A month; without it, the table of the project's cloud page, which is in USD."""


@dataclass(frozen=True)
class Worth:
    """What the model adds a month, and where that is known from."""

    three: Three
    origin: str


def read_terms(project: Path) -> tuple[Terms, Mapping[str, Any]]:
    """Read the terms and the project's own packages and risks; none of the file: the defaults.

    Raises:
        WrongInputError: the file is no TOML, or a key of it is unknown or wrong.

    """
    content = read_toml(project / FILE).get("estimate", {})
    own = {name: content.pop(name) for name in ("packages", "risks") if name in content}
    try:
        return Terms.model_validate(content), own
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(("estimate", *map(str, first["loc"])))
        raise WrongInputError(f"{project / FILE}: {where}: {first['msg']}") from problem


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file of TOML; none is an empty one.

    Raises:
        WrongInputError: it cannot be read.

    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise WrongInputError(f"{path} cannot be read: {problem}") from problem


def worth(project: Path, terms: Terms) -> Worth | None:
    """Say what the model adds a month to the best policy without one: as hoped, or as measured."""
    if terms.value_a_month is not None:
        return Worth(terms.value_a_month, FILE.as_posix())
    registry = project / "artifacts" / "registry"
    try:
        version = (registry / "champion").read_text(encoding="utf-8").strip()
        found = json.loads((registry / "versions" / version / EVALUATION).read_text("utf-8"))
        volume, gain = found["monthly_volume"], found["gain"]
        low, middle, high = (max(0.0, volume * gain[name]) for name in ("low", "gain", "high"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Worth((low, middle, high), f"{version} on the holdout, with the 95% interval")


def running_cost(project: Path, terms: Terms) -> float | None:
    """Say what the cloud costs a month at the project's volume, if that is known."""
    if terms.running_cost is not None:
        return terms.running_cost
    try:
        page = (project / PRICES).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    together = re.search(r"^\| \*\*together\*\* \|.*\*\*([\d.,]+)\*\* \|$", page, re.MULTILINE)
    return float(together[1].replace(",", "")) if together else None
