"""How it stands, and how it ended: the status report and the exit report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fourhats_runtime.engagement.acceptance import Acceptance, noted
from fourhats_runtime.engagement.documents import write
from fourhats_runtime.engagement.risks import open_incidents, risks
from fourhats_runtime.engagement.spent import spent
from fourhats_runtime.engagement.terms import Terms, read_terms
from fourhats_runtime.lifecycle.comparison import MADE_UP, added
from fourhats_runtime.lifecycle.ledger import Experiment, experiments
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.findings import question
from fourhats_runtime.monitor.incident_log import incidents
from fourhats_runtime.project import Project

STATUS, EXIT = "status.md", "exit_report.md"
USUAL_DAYS = 7
"""A status report is of so many days, unless it is said otherwise."""


def write_status(
    project: Project, since: date | None, hours: Path | None, *, overwrite: bool = False
) -> list[Path]:
    """Write the status report of the days from one on, by default of the last seven.

    Raises:
        ProjectError: a file cannot be read, or a block of the document is damaged.

    """
    since = since or datetime.now(UTC).date() - timedelta(days=USUAL_DAYS)
    facts = _facts(project, hours)
    facts |= {
        "since": since,
        "done": _done(project, facts["experiments"], since),
        "next": list(_next(project, facts["acceptance"], facts["experiments"])),
        "moved": _moved(project, since),
    }
    return write(project, STATUS, facts, overwrite=overwrite)


def write_exit_report(
    project: Project, hours: Path | None, *, overwrite: bool = False
) -> list[Path]:
    """Write what was promised, and what was reached.

    Raises:
        ProjectError: a file cannot be read, or a block of the document is damaged.

    """
    facts = _facts(project, hours) | {"risks": risks(project)}
    return write(project, EXIT, facts, overwrite=overwrite)


def _facts(project: Project, hours: Path | None) -> dict[str, Any]:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    evaluation = (registry.noted(champion, "evaluation") if champion else None) or {}
    terms: Terms = read_terms(project)
    return {
        "terms": terms,
        "acceptance": noted(project, champion),
        "added": added(evaluation) if evaluation else "",
        "made_up": MADE_UP if evaluation.get("made_up") else "",
        "figures_found": _with_intervals(evaluation.get("figures", {})),
        "rows": evaluation.get("rows", 0),
        "experiments": experiments(project),
        "promotions": registry.promotions(),
        "spent": spent(project, terms, hours),
    }


def _with_intervals(figures: dict[str, Any]) -> dict[str, Any]:
    """Give each by its parts: a search notes the three of them in a row."""
    parts = ("figure", "low", "high")
    return {
        name: dict(zip(parts, found, strict=True)) if isinstance(found, list) else found
        for name, found in figures.items()
    }


def _done(project: Project, trained: list[Experiment], since: date) -> list[str]:
    """Say what was trained and who became champion, the oldest first."""
    said = []
    for each in trained:
        if each.at and datetime.fromisoformat(each.at).date() >= since:
            why = f": {each.note}" if each.note else ""
            changed = f" ({'; '.join(each.changed)})" if each.changed else ""
            said.append((each.at, f"trained {each.version}{why}{changed}"))
    said += [
        (each["at"], f"{each['version']} {each['how']}: {each['reason']}")
        for each in Registry(project.artifacts / "registry").promotions()
        if datetime.fromisoformat(each["at"]).date() >= since
    ]
    return [f"{at[:10]}: {words}" for at, words in sorted(said)]


def _next(
    project: Project, acceptance: Acceptance | None, trained: list[Experiment]
) -> Iterator[str]:
    """Say what follows from what is open."""
    for each in open_incidents(project):
        yield f"settle what monitoring found: {each.message}"
    if acceptance is None:
        yield f"measure the criteria: `uv run {project.name} accept`"
    else:
        for criterion in acceptance.open:
            what = "meet" if criterion.state == "not met" else "have measured"
            yield f"{what}: {criterion.what} ({criterion.measured})"
    if trained and trained[-1].verdict in {"trained", "evaluated"}:
        yield f"decide on {trained[-1].version}, which was {trained[-1].verdict}"


def _moved(project: Project, since: date) -> list[str]:
    """Say which incidents began or were over, the oldest first."""
    said = []
    for each in incidents(project):
        if each.began.date() >= since:
            said.append((each.began, f"began: {question(each.name)}? {each.message}"))
        if each.cleared and each.cleared.date() >= since:
            said.append((each.cleared, f"over: {question(each.name)}"))
    return [f"{at:%Y-%m-%d}: {words}" for at, words in sorted(said)]
