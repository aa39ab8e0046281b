"""The page for the client: all that was compared, and what was chosen."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.comparison import MADE_UP, added
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.page import ENVIRONMENT as PAGES
from fourhats_runtime.monitor.page import amount, interval
from fourhats_runtime.project import Project
from fourhats_runtime.search.questions import WEAK
from fourhats_runtime.search.version import COMPARED

FIGURES = ("MRR", "recall@1", "recall@3", "recall@10", "nDCG@10", "mean rank")
ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_report(project: Project) -> Path:
    """Write the page of the challenger, which is what was compared last; gives its path."""
    registry = Registry(project.artifacts / "registry")
    version = registry.require("challenger")
    evaluation = registry.noted(version, "evaluation")
    html = ENVIRONMENT.get_template("report.html").render(
        name=project.name,
        version=version,
        card=registry.card(version),
        facts=registry.noted(version, COMPARED),
        evaluation=evaluation,
        added=added(evaluation) if evaluation else "",
        figures=FIGURES,
        currency=project.value.currency,
        weak=WEAK,
        made_up=MADE_UP,
        amount=amount,
        interval=interval,
        INTERVAL=INTERVAL,
        style=PAGES.globals["style"],
    )
    path = project.artifacts / "reports" / "report.html"
    write_atomically(path, html)
    return path
