"""The report on the data: one self-contained HTML page, also where a run was stopped."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection, table_exists
from fourhats_runtime.limits import Quality
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.page import ENVIRONMENT, stability_figure
from fourhats_runtime.monitor.verdicts import Verdict, distribution_shifts, latest
from fourhats_runtime.project import Project

MOST_REASONS = 20
RUNS = 50


def quality_report(connection: Connection, project: Project, contract: Contract) -> Path:
    """Write artifacts/reports/quality.html; returns its path."""
    over_time = {
        "Share of rows that fail the contract's checks": _over_the_runs(
            connection, "contract", project.settings(Quality).max_invalid_share
        ),
        "Rows that came in": _over_the_runs(connection, "volume"),
    }
    plots = {title: figure for title, figure in over_time.items() if figure is not None}
    if table_exists(connection, "clean"):
        found = distribution_shifts(connection, contract, project)
        if found:
            plots["Features against the champion's training data"] = stability_figure(found)
    verdicts: list[Verdict] = latest(connection)
    page = project.artifacts / "reports" / "quality.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    text = ENVIRONMENT.get_template(page.name).render(
        contract=contract,
        verdicts=verdicts,
        reasons=reasons(connection)[:MOST_REASONS],
        plots={title: as_data(figure) for title, figure in plots.items()},
    )
    page.write_text(text, encoding="utf-8")
    return page


def reasons(connection: Connection) -> list[tuple[str, int, int]]:
    """Give each reason with its rows and the first of them, the most frequent first."""
    figures: dict[str, tuple[int, int]] = {}
    found = connection.execute(
        "SELECT reasons, count(*), min(_row) FROM quarantine GROUP BY reasons"
    ).fetchall()
    for named, rows, first_row in found:
        for reason in named.split("; "):
            before, first = figures.get(reason, (0, first_row))
            figures[reason] = (before + rows, min(first, first_row))
    listed = [(reason, *figure) for reason, figure in figures.items()]
    return sorted(listed, key=lambda row: (-row[1], row[0]))


def _over_the_runs(connection: Connection, name: str, limit: float | None = None) -> Figure | None:
    """Plot a check's figure, the latest runs on the right; None before there are two runs."""
    rows = connection.execute(
        "SELECT figure FROM quality WHERE boundary = 'raw' AND name = ? "
        f"ORDER BY run_at DESC LIMIT {RUNS}",
        [name],
    ).fetchall()
    found = [float(value) for (value,) in reversed(rows) if value is not None]
    if len(found) < 2:  # noqa: PLR2004 (a point is no line)
        return None
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(found) + 1), found, marker="o")
    if limit is not None:
        axes.axhline(limit, linestyle="--", color="grey", label="stop")
        axes.legend()
    axes.set(xlabel="run", ylim=(0, 1.1 * max([*found, limit or 0.0]) or 1.0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
