"""The page for the client: all that was compared, and what was chosen; and the model card."""

from pathlib import Path
from typing import Any

from jinja2 import PackageLoader

from fourhats_runtime.business import Business
from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.contract import load as load_contract
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.comparison import MADE_UP, added
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Registry
from fourhats_runtime.monitor.lineage import Lineage
from fourhats_runtime.monitor.markdown import templates
from fourhats_runtime.monitor.page import ENVIRONMENT as PAGES
from fourhats_runtime.monitor.page import interval
from fourhats_runtime.project import Project
from fourhats_runtime.search.questions import WEAK
from fourhats_runtime.search.version import COMPARED

FIGURES = ("MRR", "recall@1", "recall@3", "recall@10", "nDCG@10", "mean rank")
DOCUMENTS = ("model_card.md", "lineage.md")
ENVIRONMENT = PAGES.overlay(loader=PackageLoader(__package__ or "", "."))


def write_report(project: Project) -> Path:
    """Write the page of the challenger, which is what was compared last; gives its path."""
    registry = Registry(project.artifacts / "registry")
    version = registry.require("challenger")
    facts = _facts(project, registry, version)
    html = ENVIRONMENT.get_template("report.html").render(
        facts,
        name=project.name,
        figures=FIGURES,
        currency=project.value.currency,
    )
    path = project.artifacts / "reports" / "report.html"
    write_atomically(path, html)
    return path


def write_documents(connection: Connection, project: Project) -> list[Path]:
    """Write docs/model_card.md and docs/lineage.md: of the champion, else of the challenger."""
    registry = Registry(project.artifacts / "registry")
    version = registry.version("champion") or registry.require("challenger")
    contract = load_contract(registry.folder(version) / CONTRACT_FILE)
    facts = _facts(project, registry, version) | {
        "contract": contract,
        "versions": registry.versions(),
        "promotion": registry.noted(version, "promotion"),
        "business": project.settings(Business),
        "lineage": Lineage.read(connection, contract, {}),
    }
    pages = templates(__package__ or "")
    pages.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    written = []
    for name in DOCUMENTS:
        path = project.folder / "docs" / name
        write_atomically(path, pages.get_template(name).render(facts))
        written.append(path)
    return written


def _facts(project: Project, registry: Registry, version: str) -> dict[str, Any]:
    evaluation = registry.noted(version, "evaluation")
    return {
        "project": project,
        "version": version,
        "card": registry.card(version),
        "compared": registry.noted(version, COMPARED),
        "evaluation": evaluation,
        "added": added(evaluation) if evaluation else "",
        "weak": WEAK,
        "made_up": MADE_UP,
        "interval": interval,
        "INTERVAL": INTERVAL,
    }
