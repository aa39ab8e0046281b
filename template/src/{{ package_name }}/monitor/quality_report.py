"""The report on the data: one self-contained HTML page, also where a run was stopped."""

from pathlib import Path

from matplotlib.figure import Figure

from ..contract import Contract
from ..settings import Settings
from ..verdicts import Verdict, distribution_shifts, latest
from ..warehouse import Connection, table_exists
from .page import ENVIRONMENT, as_data, stability_figure

MOST_REASONS = 20
RUNS = 50


def quality_report(connection: Connection, settings: Settings, contract: Contract) -> Path:
    """Write artifacts/reports/quality.html; returns its path."""
    plots = {
        "Share of rows that fail the contract's checks": _over_the_runs(
            connection, "contract", settings.quality.max_invalid_share
        ),
        "Rows that came in": _over_the_runs(connection, "volume"),
    }
    if table_exists(connection, "clean"):
        found = distribution_shifts(connection, contract, settings)
        if found:
            plots["Features against the champion's training data"] = stability_figure(found)
    verdicts: list[Verdict] = latest(connection)
    page = settings.artifacts / "reports" / "quality.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    text = ENVIRONMENT.get_template(page.name).render(
        contract=contract,
        verdicts=verdicts,
        reasons=_reasons(connection)[:MOST_REASONS],
        plots={title: as_data(figure) for title, figure in plots.items()},
    )
    page.write_text(text, encoding="utf-8")
    return page


def _reasons(connection: Connection) -> list[tuple[str, int, int]]:
    """Give each reason with its rows and the first of them, the most frequent first."""
    figures: dict[str, tuple[int, int]] = {}
    found = connection.execute(
        "SELECT reasons, count(*), min(_row) FROM quarantine GROUP BY reasons"
    ).fetchall()
    for reasons, rows, first_row in found:
        for reason in reasons.split("; "):
            before, first = figures.get(reason, (0, first_row))
            figures[reason] = (before + rows, min(first, first_row))
    told = [(reason, *figure) for reason, figure in figures.items()]
    return sorted(told, key=lambda row: (-row[1], row[0]))


def _over_the_runs(connection: Connection, name: str, limit: float | None = None) -> Figure:
    """Plot a check's figure, the latest runs on the right."""
    rows = connection.execute(
        "SELECT figure FROM quality WHERE boundary = 'raw' AND name = ? "
        f"ORDER BY run_at DESC LIMIT {RUNS}",
        [name],
    ).fetchall()
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(rows) + 1), [value for (value,) in reversed(rows)], marker="o")
    axes.set(xlabel="run", ylim=(0, None))
    if limit is not None:
        axes.axhline(limit, linestyle="--", color="grey", label="stop")
        axes.legend()
    return figure
