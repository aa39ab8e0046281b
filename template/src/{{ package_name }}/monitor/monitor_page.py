"""The page of monitoring: the state of each question, the open incidents, and how all came about.

It is written by the step `monitor`, whole and self-contained: who shows it needs no library for it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from matplotlib.figure import Figure

from ..contract import Contract
from ..registry import Registry, write_atomically
from ..settings import Settings
from ..warehouse import Connection
from . import alerts
from .findings import Finding
from .history import kept
from .incident_log import incidents
from .months import last_months
from .page import ENVIRONMENT, as_data
from .time_plots import figures_over_time, value_figure, volume_figure

DAYS_SHOWN = 365
GROUPS = {
    "Money": ("performance:", "calibration"),
    "Inputs and predictions": ("drift",),
    "Service": ("service:", "step:"),
    "Data": ("data:",),
}


def write_page(
    connection: Connection, settings: Settings, contract: Contract, findings: Sequence[Finding]
) -> Path:
    """Write artifacts/reports/monitor.html; returns its path."""
    now = datetime.now(UTC)
    groups = {
        title: [finding for finding in findings if finding.incident.startswith(names)]
        for title, names in GROUPS.items()
    }
    messages = {each.name: each.message for each in incidents(settings)}
    text = ENVIRONMENT.get_template("monitor.html").render(
        business=settings.business,
        version=Registry(settings.artifacts / "registry").require("champion"),
        now=now,
        opened=[
            (name, since, messages.get(name, ""))
            for name, since in sorted(alerts.open_incidents(settings).items())
        ],
        groups={title: sorted(rows, key=lambda f: f.fine) for title, rows in groups.items()},
        plots={
            title: as_data(figure)
            for title, figure in _plots(connection, settings, contract, now.date()).items()
        },
    )
    page = settings.artifacts / "reports" / "monitor.html"
    write_atomically(page, text)
    return page


def _plots(
    connection: Connection, settings: Settings, contract: Contract, today: date
) -> dict[str, Figure]:
    months = last_months(connection, settings, contract, today)
    if not months:
        return {}
    notes = kept(connection, today - timedelta(days=DAYS_SHOWN))
    plots = {
        "Value of the decisions, a month": value_figure(months, settings.value.currency),
        "Decisions a month": volume_figure(months, settings.value.monthly_volume),
    }
    moved = {
        note.incident: [(n.at, n.figure) for n in notes if n.incident == note.incident]
        for note in notes
        if note.incident.startswith("drift:") and note.figure is not None
    }
    if moved:
        plots["How far inputs and predictions have moved"] = figures_over_time(
            {name.removeprefix("drift:"): points for name, points in moved.items()},
            "population stability index",
            settings.drift.warn_at,
        )
    joint = [(note.at, note.figure) for note in notes if note.incident == "drift-joint"]
    if any(figure is not None for _, figure in joint):
        plots["Can current rows be told from training rows?"] = figures_over_time(
            {"all inputs together": joint}, "AUC (0.5: no)", settings.drift.joint_warn_at
        )
    return plots
