"""The pages of a hand-over, each from what the project has."""

import platform
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fourhats_runtime.business import Business
from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.handover.accounts import accounts
from fourhats_runtime.handover.dates import calendar
from fourhats_runtime.handover.git import Sources
from fourhats_runtime.handover.inventory import kept, origins
from fourhats_runtime.handover.licences import packages
from fourhats_runtime.handover.signing import Signer
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pipeline import steps
from fourhats_runtime.project import Project

PAGES = ("START.md", "architecture.md", "data.md", "licences.md", "accounts.md", "calendar.md")
NOT_IN_A_NODE = str.maketrans({'"': "'", "<": "(", ">": ")", "\n": " "})


def write_pages(  # noqa: PLR0913, PLR0917 (what was found out on the way)
    project: Project,
    folder: Path,
    version: str,
    sources: Sources,
    signer: Signer | None,
    components: int,
) -> None:
    """Write the pages of a hand-over into a folder.

    Raises:
        ProjectError: Jinja is not installed.

    """
    with needs("monitor"):
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader(__package__ or "", "."),
        autoescape=False,  # noqa: S701 (Markdown)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["node"] = lambda text: str(text).translate(NOT_IN_A_NODE)
    installed = packages(project.name)
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
        "origin": Registry(project.artifacts / "registry").noted(version, NOTE) or {},
        "authors": _authors(project),
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
        "today": datetime.now(UTC).date(),
    }
    for name in PAGES:
        text = environment.get_template(name).render(facts)
        (folder / name).write_text(text, encoding="utf-8")


def _cell(text: object) -> str:
    """Write a text so that it stays within a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _authors(project: Project) -> str:
    """Name who wrote the project, as its pyproject.toml says it."""
    path = project.folder / "pyproject.toml"
    if not path.is_file():
        return "to be filled in"
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("authors", [])
    return ", ".join(author["name"] for author in found if "name" in author) or "to be filled in"
