"""The report for people: one self-contained HTML page, and the model card."""

from pathlib import Path
from typing import Any

from fourhats_runtime.business import Business
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection, count, table_exists
from fourhats_runtime.lifecycle import looks
from fourhats_runtime.lifecycle.comparison import MADE_UP, added
from fourhats_runtime.lifecycle.origin import NOTE as ORIGIN
from fourhats_runtime.lifecycle.promote import refused
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Card, Pointer, Registry
from fourhats_runtime.lifecycle.segments import worse_off
from fourhats_runtime.lifecycle.today import in_words
from fourhats_runtime.model.parts import Split
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.influence import (
    dependence_figure,
    importance_figure,
    importances,
)
from fourhats_runtime.monitor.lineage import Lineage
from fourhats_runtime.monitor.page import ENVIRONMENT, segment_figure, stability_figure
from fourhats_runtime.monitor.watch import drift_shifts
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import holdout_plots

ROWS_SHOWN = 10


def report(
    connection: Connection, project: Project, contract: Contract, parts: Split
) -> list[Path]:
    """Write artifacts/reports/report.html, docs/model_card.md and docs/lineage.md.

    They are about the champion, or about a first challenger that was refused. Returns their paths.

    Raises:
        ProjectError: there is neither.

    """
    registry = Registry(project.artifacts / "registry")
    pointer: Pointer = "challenger" if refused(project) else "champion"
    model = Model.load(project, registry.require(pointer))
    outputs = model.run(parts.holdout.inputs)
    card = registry.card(model.version)
    derived = _derived(card)
    drift = drift_shifts(connection, project) if pointer == "champion" else {}
    evaluation = registry.noted(model.version, "evaluation") or {}
    holdout = parts.holdout
    figures = holdout_plots(outputs, holdout.actual, contract, model.rule, holdout.groups)
    segments = evaluation.get("segments", [])
    if len(segments) > 1:
        figures["What decisions earn, by group"] = segment_figure(segments, evaluation["currency"])
    strength = importances(model, holdout, project.seed)
    figures["What drives the model"] = importance_figure(strength, project.value.currency)
    dependence = dependence_figure(model, holdout, list(strength))
    if dependence is not None:
        figures["Which way the strongest work"] = dependence
    if drift:
        figures["How far inputs have moved since training"] = stability_figure(drift)
    facts: dict[str, Any] = {
        "business": project.settings(Business),
        "value": project.value,
        "contract": contract,
        "derived": derived,
        "lineage": Lineage.read(connection, contract, derived),
        "version": model.version,
        "card": card,
        "origin": registry.noted(model.version, ORIGIN),
        "evaluation": evaluation,
        "figures": evaluation.get("figures", {}),
        "segments": segments,
        "worse_off": worse_off(evaluation),
        "added": added(evaluation),
        "today": in_words(evaluation["today"]) if evaluation.get("today") else "",
        "made_up": MADE_UP if evaluation.get("made_up") else "",
        "spent": looks.warning(evaluation.get("looks", 0.0)),
        "promotion": registry.noted(model.version, "promotion"),
        "versions": registry.versions(),
        "runs": connection.execute("SELECT * FROM runs ORDER BY run_at DESC LIMIT 20").fetchall(),
        "quarantine": _quarantine(connection),
        "has_drift": bool(drift),
        "unscored": _unscored(connection),
        "plots": {title: as_data(figure) for title, figure in figures.items()},
    }
    page = project.artifacts / "reports" / "report.html"
    documents = [project.folder / "docs" / name for name in ("model_card.md", "lineage.md")]
    for path in (page, *documents):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ENVIRONMENT.get_template(path.name).render(facts)
        path.write_text(text, encoding="utf-8")
    return [page, *documents]


def _derived(card: Card) -> dict[str, str]:
    """Give the type of each feature that the project derives, by name."""
    made = card.get("derived", {}).get("features", {})
    return {
        name: "category" if any(isinstance(value, str) for value in values) else "number"
        for name, values in made.items()
    }


def _quarantine(connection: Connection) -> list[tuple[int, str]]:
    query = f"SELECT _row, reasons FROM quarantine ORDER BY _row LIMIT {ROWS_SHOWN}"
    return connection.execute(query).fetchall()


def _unscored(connection: Connection) -> tuple[int, list[tuple[int, str | None, str]]]:
    """Give how many open cases got no decision in the latest batch, and the first: row, id, why."""
    if not table_exists(connection, "unscored"):
        return 0, []
    query = f"SELECT _row, id, reason FROM unscored ORDER BY _source, _row LIMIT {ROWS_SHOWN}"
    return count(connection, "unscored"), connection.execute(query).fetchall()
