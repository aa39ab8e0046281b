"""The pages of a hand-over, each from what the project has."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fourhats_runtime.business import Business
from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.engagement.parties import contacts, maker
from fourhats_runtime.handover.accounts import accounts
from fourhats_runtime.handover.costs import costs
from fourhats_runtime.handover.dates import calendar
from fourhats_runtime.handover.git import Sources
from fourhats_runtime.handover.inventory import kept, origins
from fourhats_runtime.handover.licences import packages
from fourhats_runtime.handover.risks import open_risks
from fourhats_runtime.handover.signing import Signer
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pipeline import steps
from fourhats_runtime.project import Project

PAGES = (
    "START.md",
    "architecture.md",
    "data.md",
    "licences.md",
    "accounts.md",
    "calendar.md",
    "costs.md",
    "risks.md",
)
NOT_IN_A_NODE = str.maketrans({'"': "'", "<": "(", ">": ")", "\n": " "})


def write_pages(  # noqa: PLR0913, PLR0917 (what was found out on the way)
    project: Project,
    folder: Path,
    version: str,
    sources: Sources,
    signer: Signer | None,
    components: int,
    documents: Sequence[str],
) -> None:
    """Write the pages of a hand-over into a folder that has the `documents` already.

    Raises:
        ProjectError: Jinja is not installed.

    """
    with needs("monitor"):
        from fourhats_runtime.monitor.markdown import templates  # noqa: PLC0415

    registry = Registry(project.artifacts / "registry")
    environment = templates(__package__ or "")
    environment.filters["cell"] = _cell
    environment.filters["node"] = lambda text: str(text).translate(NOT_IN_A_NODE)
    installed = packages(project.name)
    today = datetime.now(UTC).date()
    facts: dict[str, Any] = {
        "project": project,
        "business": project.settings(Business),
        "contract": project.contract,
        "origins": origins(project),
        "kept": list(kept(project)),
        "steps": steps(project),
        "channels": list(project.channels or {}),
        "bucket": project.settings(Storage).url,
        "version": version,
        "origin": registry.noted(version, NOTE) or {},
        "models": registry.card(version).get("models", {}),
        "authors": maker(project),
        "contacts": contacts(project),
        "sources": sources,
        "signer": signer,
        "components": components,
        "packages": installed,
        "to_know": [package for package in installed if package.to_know],
        "accounts": {
            name: (places, project.settings.secret(name) is not None)
            for name, places in sorted(accounts(project).items())
        },
        "calendar": calendar(project),
        "python": platform.python_version(),
        "today": today,
        "costs": list(costs(project)),
        "risks": open_risks(project, sources, installed, today, is_signed=signer is not None),
        "documents": documents,
    }
    for name in PAGES:
        text = environment.get_template(name).render(facts)
        (folder / name).write_text(text, encoding="utf-8")


def _cell(text: object) -> str:
    """Write a text so that it stays within a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")
