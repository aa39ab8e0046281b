"""The page of monitoring: the state of each question, the open incidents, and how all came about.

It is written by the step `monitor`, whole and self-contained: who shows it needs no library for it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from matplotlib.figure import Figure

from fourhats_runtime.business import Business
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Drift
from fourhats_runtime.monitor import alerts
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.history import kept
from fourhats_runtime.monitor.incident_log import incidents
from fourhats_runtime.monitor.months import last_months
from fourhats_runtime.monitor.page import ENVIRONMENT
from fourhats_runtime.monitor.time_plots import figures_over_time, value_figure, volume_figure
from fourhats_runtime.project import Project

DAYS_SHOWN = 365
WORST_FIRST = ("alert", "unknown", "fine")
GROUPS = {
    "Money": ("performance:", "calibration"),
    "Inputs and predictions": ("drift",),
    "Questions and answers": ("search:",),
    "Service": ("service:", "step:"),
    "Data": ("data:",),
}


def write_page(
    connection: Connection, project: Project, contract: Contract, findings: Sequence[Finding]
) -> Path:
    """Write artifacts/reports/monitor.html; returns its path."""
    now = datetime.now(UTC)
    groups = {
        title: [finding for finding in findings if finding.incident.startswith(names)]
        for title, names in GROUPS.items()
    }
    messages = {each.name: each.message for each in incidents(project)}
    text = ENVIRONMENT.get_template("monitor.html").render(
        business=project.settings(Business),
        version=Registry(project.artifacts / "registry").version("champion"),
        now=now,
        decides=not contract.fields,
        opened=[
            (name, since, messages.get(name, ""))
            for name, since in sorted(alerts.open_incidents(project).items())
        ],
        groups={
            title: sorted(rows, key=lambda f: WORST_FIRST.index(f.state))
            for title, rows in groups.items()
        },
        plots={
            title: as_data(figure)
            for title, figure in _plots(connection, project, contract, now.date()).items()
        },
    )
    page = project.artifacts / "reports" / "monitor.html"
    write_atomically(page, text)
    return page


def _plots(
    connection: Connection, project: Project, contract: Contract, today: date
) -> dict[str, Figure]:
    if contract.fields:  # answers are no decisions, of which these are
        return {}
    months = last_months(connection, project, contract, today)
    if not months:
        return {}
    notes = kept(connection, today - timedelta(days=DAYS_SHOWN))
    plots = {
        "Value of the decisions, a month": value_figure(months, project.value.currency),
        "Decisions a month": volume_figure(months, project.value.monthly_volume),
    }
    moved = {
        note.incident: [(n.at, n.figure) for n in notes if n.incident == note.incident]
        for note in notes
        if note.incident.startswith("drift:") and note.figure is not None
    }
    moved = {name: points for name, points in moved.items() if len(points) > 1}
    if moved:
        plots["How far inputs and predictions have moved"] = figures_over_time(
            {name.removeprefix("drift:"): points for name, points in moved.items()},
            "how far (population stability index)",
            project.settings(Drift).warn_at,
        )
    joint = [(note.at, note.figure) for note in notes if note.incident == "drift-joint"]
    if sum(figure is not None for _, figure in joint) > 1:
        plots["Can current rows be distinguished from training rows?"] = figures_over_time(
            {"all inputs together": joint},
            "how well (0.5: not at all, 1: always)",
            project.settings(Drift).joint_warn_at,
        )
    return plots
