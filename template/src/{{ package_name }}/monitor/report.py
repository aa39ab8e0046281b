"""The report for people: one self-contained HTML page, and the model card."""

from pathlib import Path
from typing import Any

from ..contract import Contract
from ..model import Model
from ..registry import Registry
from ..settings import Settings
from ..split import Split
from ..warehouse import Connection
from .lineage import Lineage
from .page import ENVIRONMENT, as_data, stability_figure
from .plots import holdout_plots
from .watch import drift_shifts

QUARANTINE_ROWS = 10


def report(
    connection: Connection, settings: Settings, contract: Contract, parts: Split
) -> list[Path]:
    """Write artifacts/reports/report.html, docs/model_card.md and docs/lineage.md.

    Returns their paths.

    Raises:
        ProjectError: there is no champion yet.

    """
    champion = Model.champion(settings)
    registry = Registry(settings.artifacts / "registry")
    outputs = champion.run(parts.holdout.inputs)
    drift = drift_shifts(connection, settings)
    figures = holdout_plots(outputs, parts.holdout.actual, contract, champion.rule)
    if drift:
        figures["Drift against the training data"] = stability_figure(drift)
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
        "plots": {title: as_data(figure) for title, figure in figures.items()},
    }
    page = settings.artifacts / "reports" / "report.html"
    documents = [settings.root / "docs" / name for name in ("model_card.md", "lineage.md")]
    for path in (page, *documents):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ENVIRONMENT.get_template(path.name).render(facts)
        path.write_text(text, encoding="utf-8")
    return [page, *documents]


def _quarantine(connection: Connection) -> list[tuple[int, str]]:
    query = f"SELECT _row, reasons FROM quarantine ORDER BY _row LIMIT {QUARANTINE_ROWS}"
    return connection.execute(query).fetchall()
