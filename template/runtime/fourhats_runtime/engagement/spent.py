"""Money and days: what was spent, against the estimate that `fourhats estimate` left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.engagement.terms import Terms
from fourhats_runtime.files import read_json
from fourhats_runtime.hours import by_package, read_hours
from fourhats_runtime.project import Project

ESTIMATE = "docs/estimate/estimate.json"
NEEDED = ("effort_days", "end", "packages")


@dataclass(frozen=True)
class Package:
    """A package of work, in days."""

    title: Phrase
    expected: float
    spent: float


@dataclass(frozen=True)
class Spent:
    """What was spent, and what was expected; None where nobody has said."""

    days: float | None
    """All hours of the file, whatever they were for."""
    other: float
    """Days of tasks that are no package of the estimate."""
    packages: tuple[Package, ...]
    p50: float | None
    p80: float | None
    """Days of the whole, as estimated: half, and four of five, of the draws take less."""
    ends: str
    """The day on which it is done in four of five draws, by ISO 8601; empty: nobody has said."""
    day_rate: float | None
    currency: str
    budget: float | None


def spent(project: Project, terms: Terms, file: Path | None) -> Spent:
    """Set hours of a time tracker's file beside the estimate; either may be missing.

    Raises:
        ProjectError: a file cannot be read; the text names it.

    """
    hours = None if file is None else read_hours(file)
    estimate: dict[str, Any] = {}
    if (project.folder / ESTIMATE).is_file():
        way_back = "`fourhats estimate` writes it anew"
        estimate = read_json(project.folder / ESTIMATE, dict, way_back, NEEDED)
    packages = {each["name"]: each for each in estimate.get("packages", ())}
    titles = {name: str(each["title"]) for name, each in packages.items()}
    days, other = by_package(hours or {}, titles, terms.hours_a_day)
    effort = estimate.get("effort_days", {})
    return Spent(
        days=None if hours is None else sum(hours.values()) / terms.hours_a_day,
        other=sum(other.values()) if packages else 0.0,
        packages=tuple(
            Package(_title(packages[name]), packages[name]["mean_days"], amount)
            for name, amount in days.items()
        ),
        p50=effort.get("p50"),
        p80=effort.get("p80"),
        ends=str(estimate.get("end", {}).get("p80", "")),
        day_rate=terms.day_rate,
        currency=terms.currency or project.value.currency,
        budget=terms.budget,
    )


def _title(package: Mapping[str, Any]) -> Phrase:
    """Give the title of a package, whose pattern the catalogues of texts know."""
    title = str(package["title"])
    pattern = str(package.get("pattern", title))
    before, brace, after = pattern.partition("{}")
    answer = title.removeprefix(before).removesuffix(after) if brace else ""
    return Phrase(pattern, answer=answer)
