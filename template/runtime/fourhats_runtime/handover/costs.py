"""What running it costs a month: as the project's own pages and terms say, and nothing invented."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from fourhats_runtime.engagement.terms import FILE, read_terms
from fourhats_runtime.project import Project

PAGES = "deploy/terraform/*/README.md"  # a folder a cloud
SECTION = re.compile(r"^## What it costs\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PAID_BY_USE = {"bigquery": "BigQuery", "snowflake": "Snowflake"}
"""Warehouses that bill what they are asked."""


class Cost(NamedTuple):
    """What one part of it costs, in Markdown, and where that stands."""

    words: str
    source: str


def costs(project: Project) -> Iterator[Cost]:
    """Say what running it costs: as agreed on, what the cloud asks, what is billed elsewhere."""
    terms = read_terms(project)
    if terms.running_cost is not None:
        currency = terms.currency or project.value.currency
        words = f"{terms.running_cost:,.2f} {currency} a month, as was agreed on."
        yield Cost(words, f"estimate.running_cost in {FILE}")
    pages = sorted(project.folder.glob(PAGES))
    for path in pages:
        if found := SECTION.search(path.read_text(encoding="utf-8")):
            yield Cost(found[1].strip(), path.relative_to(project.folder).as_posix())
    if not pages:
        yield Cost(
            "No cloud: none. The project rents nothing; what the machine, its power and whoever "
            "looks after it cost: to be filled in.",
            "there is no deploy/terraform/",
        )
    elsewhere = [PAID_BY_USE[project.warehouse]] if project.warehouse in PAID_BY_USE else []
    elsewhere += [source.name for source in project.sources if source.configured(project)]
    if elsewhere:
        yield Cost(
            f"What others bill for being asked is in none of this ({', '.join(elsewhere)}): to be "
            "filled in.",
            "the wiring, src/",
        )
