"""The report on the data: one self-contained HTML page, also where a run was stopped."""

from pathlib import Path

import duckdb
from matplotlib.figure import Figure

from ..contract import Contract
from ..settings import Settings
from ..verdicts import Verdict, distribution_figures, latest
from ..warehouse import table_exists
from .page import ENVIRONMENT, as_data, stability_figure

QUARANTINE_ROWS = 20
RUNS = 50


def quality_report(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract
) -> Path:
    """Write artifacts/reports/quality.html; returns its path."""
    plots = {
        "Share of rows that fail the contract's checks": _over_the_runs(
            connection, "contract", settings.quality.max_invalid_share
        ),
        "Rows that came in": _over_the_runs(connection, "volume"),
    }
    if table_exists(connection, "clean"):
        figures = distribution_figures(connection, contract, settings)
        if figures:
            plots["Features against the champion's training data"] = stability_figure(
                figures, settings.drift.warn_at
            )
    verdicts: list[Verdict] = latest(connection)
    reasons = connection.execute(
        "SELECT unnest(string_split(reasons, '; ')) AS reason, count(*) AS n, min(_row) "
        "FROM quarantine GROUP BY reason ORDER BY n DESC LIMIT ?",
        [QUARANTINE_ROWS],
    ).fetchall()
    page = settings.artifacts / "reports" / "quality.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    text = ENVIRONMENT.get_template(page.name).render(
        contract=contract,
        verdicts=verdicts,
        reasons=reasons,
        plots={title: as_data(figure) for title, figure in plots.items()},
    )
    page.write_text(text, encoding="utf-8")
    return page


def _over_the_runs(
    connection: duckdb.DuckDBPyConnection, name: str, limit: float | None = None
) -> Figure:
    """Plot a check's figure, the latest runs on the right."""
    rows = connection.execute(
        "SELECT figure FROM (SELECT run_at, figure FROM quality WHERE boundary = 'raw' "
        "AND name = ? ORDER BY run_at DESC LIMIT ?) ORDER BY run_at",
        [name, RUNS],
    ).fetchall()
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(rows) + 1), [value for (value,) in rows], marker="o")
    axes.set(xlabel="run", ylim=(0, None))
    if limit is not None:
        axes.axhline(limit, linestyle="--", color="grey", label="stop")
        axes.legend()
    return figure
