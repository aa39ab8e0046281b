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
PRICES = "deploy/terraform/*/README.md"  # a folder a cloud
OF_PRICES = "USD"
AMOUNT = r"[\d,]+(\.\d+)?"
EVALUATION = "evaluation.json"


class Terms(BaseModel):
    """Who works at which rate, from when; what it is hoped to be worth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day_rate: Annotated[float, Field(gt=0)] | None = None
    """Without one, days alone are estimated."""
    currency: str = ""
    """Of the day rate, and of all that is given here; empty: what the project's values are in."""
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
    """A month; without it, the table of the project's cloud page, in its own currency."""


@dataclass(frozen=True)
class Worth:
    """What the model adds a month, and where that is known from."""

    three: Three
    origin: str


@dataclass(frozen=True)
class Running:
    """What the cloud costs a month, and where that is known from."""

    amount: float
    currency: str
    origin: str


def read_terms(project: Path, currency: str) -> tuple[Terms, Mapping[str, Any]]:
    """Read the terms and the project's own packages and risks; none of the file: the defaults.

    `currency` is what the project's values are in.

    Raises:
        WrongInputError: the file is no TOML, or a key of it is unknown or wrong.

    """
    content = read_toml(project / FILE).get("estimate", {})
    own = {name: content.pop(name) for name in ("packages", "risks") if name in content}
    try:
        return Terms.model_validate({"currency": currency} | content), own
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
    """Say what the model adds a month to the best policy without one: as hoped, or as measured.

    What was measured on a made-up sample, or in another currency, is nothing to reckon with.
    """
    if terms.value_a_month is not None:
        return Worth(terms.value_a_month, FILE.as_posix())
    registry = project / "artifacts" / "registry"
    try:
        version = (registry / "champion").read_text(encoding="utf-8").strip()
        found = json.loads((registry / "versions" / version / EVALUATION).read_text("utf-8"))
        if found["made_up"] or found["currency"] != terms.currency:
            return None
        volume, gain = found["monthly_volume"], found["gain"]
        low, middle, high = (max(0.0, volume * gain[name]) for name in ("low", "gain", "high"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Worth((low, middle, high), f"{version} on the holdout, with the 95% interval")


def running_cost(project: Path, terms: Terms) -> Running | None:
    """Say what the cloud costs a month, if that is known: the last sum of the cloud's page."""
    if terms.running_cost is not None:
        return Running(terms.running_cost, terms.currency, FILE.as_posix())
    page = next(project.glob(PRICES), None)
    try:
        lines = page.read_text(encoding="utf-8").splitlines() if page else []
    except (OSError, ValueError):
        return None
    heads = [_cells(line) for line in lines if line.startswith("| what |")]
    sums = [_cells(line) for line in lines if line.startswith("| **")]
    if page is None or not heads or not sums or not re.fullmatch(AMOUNT, sums[-1][-1]):
        return None
    origin = f"{page.relative_to(project).as_posix()}: {sums[-1][0]}, {heads[-1][-1]}"
    return Running(float(sums[-1][-1].replace(",", "")), OF_PRICES, origin)


def _cells(row: str) -> list[str]:
    """Give the cells of a row of a table, without what sets them in bold."""
    return [cell.strip(" *") for cell in row.strip("|").split("|")]
