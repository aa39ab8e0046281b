"""Money and days: what was spent, against the estimate that `fourhats estimate` left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourhats_runtime.engagement.terms import Terms
from fourhats_runtime.files import read_json
from fourhats_runtime.hours import by_package, read_hours
from fourhats_runtime.project import Project

ESTIMATE = "docs/estimate/estimate.json"
UNSAID = "not known"
NEEDED = ("effort_days", "end", "packages")


@dataclass(frozen=True)
class Package:
    """A package of work, in days."""

    title: str
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
    """When it is done in four of five draws."""
    day_rate: float | None
    currency: str
    budget: float | None

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """Give the table: what, spent, expected (P50), and in four of five cases (P80)."""
        found = [("Days", _days(self.days), _days(self.p50), _days(self.p80))]
        if self.day_rate is not None:
            rate = self.day_rate
            spent, p50, p80 = (self._money(days, rate) for days in (self.days, self.p50, self.p80))
            found.append((f"At {rate:,.0f} {self.currency} a day", spent, p50, p80))
        found += [
            (each.title, _days(each.spent), f"{each.expected:,.1f}", "") for each in self.packages
        ]
        if self.other:
            found.append(("In no package of the estimate", _days(self.other), "", ""))
        return found

    @property
    def left(self) -> str:
        """Say what is left of the budget; empty where nobody knows."""
        if self.budget is None or self.day_rate is None or self.days is None:
            return ""
        left = self.budget - self.days * self.day_rate
        return f"{left:,.0f} of the budget of {self.budget:,.0f} {self.currency} is left."

    def _money(self, days: float | None, rate: float) -> str:
        return UNSAID if days is None else f"{days * rate:,.0f} {self.currency}"


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
            Package(titles[name], packages[name]["mean_days"], amount)
            for name, amount in days.items()
        ),
        p50=effort.get("p50"),
        p80=effort.get("p80"),
        ends=str(estimate.get("end", {}).get("p80", "")),
        day_rate=terms.day_rate,
        currency=terms.currency or project.value.currency,
        budget=terms.budget,
    )


def _days(days: float | None) -> str:
    return UNSAID if days is None else f"{days:,.1f}"
