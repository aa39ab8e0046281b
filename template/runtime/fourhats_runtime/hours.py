"""Hours by task, as time trackers export them: Toggl, Clockify, Harvest."""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from fourhats_runtime.errors import ProjectError

TASKS = ("package", "task", "description", "notes")
HOURS = ("duration (decimal)", "hours", "duration (h)", "duration")
"""As they call their columns; of several, the first that there is."""


def read_hours(path: Path) -> dict[str, float]:
    """Read hours by task from a CSV: each row an entry.

    Raises:
        ProjectError: it cannot be read, or lacks a column of tasks or of hours.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.readline()
            file.seek(0)
            separator = max(",;\t", key=sample.count)
            rows = list(csv.DictReader(file, delimiter=separator))
    except (OSError, ValueError, csv.Error) as problem:
        raise ProjectError(f"{path} cannot be read: {problem}") from problem
    names = {(name or "").strip().casefold(): name for name in (rows[0] if rows else {})}
    tasks = [names[name] for name in TASKS if name in names]
    hours = next((names[name] for name in HOURS if name in names), None)
    if not tasks or hours is None:
        raise ProjectError(
            f"{path}: there has to be a column of tasks ({', '.join(TASKS)}) and one of hours "
            f"({', '.join(HOURS)}), and at least one row"
        )
    found: defaultdict[str, float] = defaultdict(float)
    for number, row in enumerate(rows, start=2):
        task = next((text for name in tasks if (text := (row[name] or "").strip())), "")
        found[task] += _hours(row[hours] or "", f"{path}, line {number}")
    return dict(found)


def by_package(
    hours: Mapping[str, float], titles: Mapping[str, str], hours_a_day: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Give days by package, and those of tasks that are no package.

    `titles` are those of packages, by name: a task is called by either.
    """
    known = {_plain(text): name for name, title in titles.items() for text in (name, title)}
    spent: defaultdict[str, float] = defaultdict(float)
    other: dict[str, float] = {}
    for task, amount in hours.items():
        name = known.get(_plain(task))
        if name is None:
            other[task or "without a task"] = amount / hours_a_day
        else:
            spent[name] += amount / hours_a_day
    return dict(spent), other


def _hours(text: str, where: str) -> float:
    """Read 1.5, 1,5, 1:30 or 1:30:00 as hours."""
    text = text.strip()
    if not text:
        return 0.0
    if re.fullmatch(r"\d+(:[0-5]\d){1,2}", text):
        return sum(int(part) / 60.0**place for place, part in enumerate(text.split(":")))
    if re.fullmatch(r"\d+([.,]\d+)?|[.,]\d+", text):
        return float(text.replace(",", "."))
    raise ProjectError(f"{where}: '{text}' is no duration: write hours, or h:mm:ss")


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())
