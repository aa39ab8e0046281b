"""A month's page as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats_runtime.business import Business
from fourhats_runtime.monitor.findings import question
from fourhats_runtime.monitor.pdf import LARGE, QUIET, SIZE, SMALL, TITLE, Pages

if TYPE_CHECKING:
    from fourhats_runtime.monitor.monthly import Facts


def write(facts: Facts, notes: Sequence[str], path: Path) -> None:
    """Write the page."""
    business, currency = facts.project.settings(Business), facts.project.value.currency
    page = Pages(f"{facts.name}: {business.decision}", business.owner)
    page.text(f"{facts.name}: {business.decision}", TITLE, bold=True)
    page.text(business.problem, SIZE, color=QUIET)
    page.text(facts.headline, LARGE, bold=True)
    for sentence in facts.beneath:
        page.text(sentence)
    page.heading(f"Value, in {currency}")
    page.rows(("", "as promised", facts.name), facts.rows, (50, 22, 28), numbers=(1, 2))
    for title, figure in facts.figures.items():
        page.figure(title, figure)
    page.heading("Incidents")
    page.rows(
        ("What should have been so", "Began (UTC)", "Cleared (UTC)", "What was seen"),
        [
            (
                question(each.name),
                f"{each.began:%Y-%m-%d %H:%M}",
                f"{each.cleared:%Y-%m-%d %H:%M}" if each.cleared else "still open",
                each.message,
            )
            for each in facts.incidents
        ],
        (27, 16, 16, 41),
        nothing="None.",
    )
    page.heading("What changed")
    page.points(facts.changes, nothing="Nothing: the same model decides by the same columns.")
    page.heading("Quality")
    page.rows(
        ("What should be so", "Judged", "Not so", "Not judged", "What was seen last"),
        [
            (c.question, str(c.judged), str(c.troubles), str(c.unknown), c.words)
            for c in facts.checks
        ],
        (32, 9, 9, 12, 38),
        numbers=(1, 2, 3),
        nothing="Nobody looked in this month.",
    )
    page.heading("How to read this")
    page.points(notes)
    page.text(
        f"Decided by {business.owner}. Written on {facts.now:%Y-%m-%d %H:%M} (UTC).",
        SMALL,
        color=QUIET,
    )
    page.output(path)
