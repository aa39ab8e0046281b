"""The report for people: one self-contained HTML page, and the model card."""

import base64
import io
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib.figure import Figure

from ..contract import Contract
from ..model import Model
from ..registry import Registry
from ..settings import Settings
from ..split import Split
from .lineage import Lineage
from .plots import holdout_plots
from .watch import drift_figures

QUARANTINE_ROWS = 10

ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def report(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract, parts: Split
) -> list[Path]:
    """Write artifacts/reports/report.html, docs/model_card.md and docs/lineage.md.

    Returns their paths.

    Raises:
        ProjectError: there is no champion yet.

    """
    champion = Model.champion(settings)
    registry = Registry(settings.artifacts / "registry")
    outputs = champion.run(parts.holdout.inputs)
    drift = drift_figures(connection, settings)
    figures = holdout_plots(outputs, parts.holdout.actual, contract, champion.rule)
    if drift:
        figures["Drift against the training data"] = _stability_figure(
            drift, settings.drift.warn_at
        )
    facts: dict[str, Any] = {
        "business": settings.business,
        "value": settings.value,
        "contract": contract,
        "lineage": Lineage.read(connection, contract),
        "version": champion.version,
        "card": registry.card(champion.version),
        "evaluation": registry.noted(champion.version, "evaluation"),
        "promotion": registry.noted(champion.version, "promotion"),
        "versions": registry.versions(),
        "runs": connection.execute("SELECT * FROM runs ORDER BY run_at DESC LIMIT 20").fetchall(),
        "quarantine": _quarantine(connection),
        "plots": {title: _as_data(figure) for title, figure in figures.items()},
    }
    page = settings.artifacts / "reports" / "report.html"
    documents = [settings.root / "docs" / name for name in ("model_card.md", "lineage.md")]
    for path in (page, *documents):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ENVIRONMENT.get_template(path.name).render(facts)
        path.write_text(text, encoding="utf-8")
    return [page, *documents]


def _quarantine(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    query = "SELECT _row, reasons FROM quarantine ORDER BY _row LIMIT ?"
    return connection.execute(query, [QUARANTINE_ROWS]).fetchall()


def _as_data(figure: Figure) -> str:
    """Draw a figure into the page itself."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return base64.b64encode(buffer.getvalue()).decode()


def _stability_figure(figures: dict[str, float], limit: float) -> Figure:
    """Plot the stability index of each column, the most moved on top."""
    names = sorted(figures, key=lambda name: figures[name])
    figure = Figure(figsize=(6, 0.5 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [figures[name] for name in names])
    axes.axvline(limit, linestyle="--", color="grey", label="alert")
    axes.set(xlabel="population stability index")
    axes.legend()
    return figure
