"""What packages really took: from time trackers, kept over engagements, and learned from."""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats_runtime import hours
from fourhats_runtime.errors import ProjectError

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourhats.estimate.catalogue import Package

BETWEEN, WITHIN = 0.3, 0.5
"""Standard deviations of the logarithm of actual by estimated days: of people's factors for a kind
of package around 1, and of one engagement around the own factor. An estimate of ours."""
TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Record:
    """A package that was done: what was expected, what P80 was, and what it took, in days."""

    project: str
    kind: str
    expected: float
    p80: float
    actual: float


@dataclass(frozen=True)
class Factor:
    """By how much a kind of package takes longer than the catalogue says; with 95 % interval."""

    factor: float
    low: float
    high: float
    records: int


def home() -> Path:
    """Return the folder of the user's own catalogue and records."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "fourhats"


def read_hours(path: Path) -> dict[str, float]:
    """Read hours by task from a CSV as time trackers export it.

    Raises:
        WrongInputError: it cannot be read, or lacks a column of tasks or of hours.

    """
    try:
        return hours.read_hours(path)
    except ProjectError as problem:
        raise WrongInputError(str(problem)) from problem


def by_package(
    spent: Mapping[str, float], packages: Sequence[Package], hours_a_day: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Give days by package, and those of tasks that are no package: named by name or title."""
    return hours.by_package(spent, {each.name: each.title for each in packages}, hours_a_day)


def read_records(path: Path) -> list[Record]:
    """Read what was recorded before; no file, no records.

    Raises:
        WrongInputError: it cannot be read.

    """
    try:
        return [Record(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as problem:
        raise WrongInputError(f"{path} cannot be read: {problem}") from problem


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write all records, in place of those before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps([asdict(each) for each in records], indent=1) + "\n", "utf-8")
    beside.replace(path)


def factors(records: Iterable[Record]) -> dict[str, Factor]:
    """Learn one's own factor for each kind of package.

    Logarithms of actual by estimated days are normal around one's own, which is normal around 0:
    few records move it little. Kinds without records have none.
    """
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    for each in records:
        if each.actual > 0 and each.expected > 0:
            ratios[each.kind].append(math.log(each.actual / each.expected))
    return {kind: _factor(logarithms) for kind, logarithms in ratios.items()}


def held(records: Sequence[Record]) -> int:
    """Count the records that stayed within their P80."""
    return sum(each.actual <= each.p80 for each in records)


def _factor(logarithms: Sequence[float]) -> Factor:
    precision = 1 / BETWEEN**2 + len(logarithms) / WITHIN**2
    middle = sum(logarithms) / WITHIN**2 / precision
    off = TWO_SIDED_95 / math.sqrt(precision)
    low, mid, high = (math.exp(each) for each in (middle - off, middle, middle + off))
    return Factor(mid, low, high, len(logarithms))
