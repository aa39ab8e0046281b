"""All questions of monitoring, asked in one go."""

from ..contract import Contract
from ..features import Feed, feed
from ..frames import columns_of
from ..model import Model
from ..registry import Registry
from ..settings import Settings
from ..warehouse import Connection, frame
from . import alerts, data, history, performance, service
from .drift import Shift, baselines_of, prediction_column, shifts
from .findings import Finding
from .joint import tell_apart
from .monitor_page import write_page
from .predictions import collect
from .reference import training_rows

FEWEST_TOGETHER = 2
JOINT = "drift-joint"  # no column can have that name


def watch(
    connection: Connection, settings: Settings, contract: Contract
) -> tuple[list[Finding], list[str]]:
    """Ask every question, note and show the answers, and alert on what began or cleared.

    Returns the findings and the names of the open incidents.

    Raises:
        ProjectError: there is no champion yet, or an alert cannot be sent.

    """
    collect(connection, settings, contract)
    findings = [
        *data.check(connection, settings, contract),
        *service.check(connection, settings),
        *drift(connection, settings),
        *performance.check(connection, settings, contract),
    ]
    history.note(connection, findings)
    # A line that has come this far has no failing step.
    repaired = [
        Finding(incident, fine=True, message="the line runs again")
        for incident in alerts.open_incidents(settings)
        if incident.startswith("step:")
    ]
    try:
        return findings, alerts.update(settings, [*findings, *repaired])
    finally:  # people can look, whether they could be told or not
        write_page(connection, settings, contract, findings)


def drift(connection: Connection, settings: Settings) -> list[Finding]:
    """Judge the latest cases: each feature, the predictions, and whether columns go together."""
    champion = Model.champion(settings)
    inputs = _latest(connection, settings, champion)
    if inputs is None:
        return [Finding("drift", fine=True, message="too few predictions to judge by")]
    found = _shifts(settings, champion, inputs)
    moved = {name for name, shift in found.items() if shift.moved}
    columns = [
        Finding(
            f"drift:{name}",
            fine=not shift.moved,
            message=(
                f"{name} has a stability index of {shift.index:.2f} (allowed: {shift.limit:.2g})"
            ),
            figure=shift.index,
        )
        for name, shift in found.items()
    ]
    return [*columns, _joint(settings, champion, inputs, moved)]


def drift_shifts(connection: Connection, settings: Settings) -> dict[str, Shift]:
    """Give how far each feature and the prediction have moved, over the latest cases.

    The furthest first; empty while there are too few predictions.
    """
    champion = Model.champion(settings)
    inputs = _latest(connection, settings, champion)
    return {} if inputs is None else _shifts(settings, champion, inputs)


def _latest(connection: Connection, settings: Settings, champion: Model) -> Feed | None:
    """Give the latest cases that anything was predicted for, each once; None where they are few."""
    rows = frame(
        connection,
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY coalesce(id, prediction_id) "
        "ORDER BY given_at DESC, prediction_id) AS nth FROM predictions "
        "WHERE given_at IS NOT NULL) AS numbered "
        f"WHERE nth = 1 ORDER BY given_at DESC, prediction_id LIMIT {settings.drift.window_rows}",
    )
    if len(rows) < settings.drift.min_rows:
        return None
    return feed(columns_of(rows), champion.contract)


def _shifts(settings: Settings, champion: Model, inputs: Feed) -> dict[str, Shift]:
    card = Registry(settings.artifacts / "registry").card(champion.version)
    lasting = _lasting(champion, inputs)
    return shifts(
        {**lasting, "prediction": prediction_column(champion.run(inputs))},
        baselines_of(card),
        warn_at=settings.drift.warn_at,
        false_alarms=settings.statistics.false_alarms,
    )


def _joint(settings: Settings, champion: Model, inputs: Feed, moved: set[str]) -> Finding:
    """Judge the columns that have not moved by themselves: the others are told of already."""
    folder = Registry(settings.artifacts / "registry").folder(champion.version)
    together = {
        name: values for name, values in _lasting(champion, inputs).items() if name not in moved
    }
    if len(together) < FEWEST_TOGETHER:
        return Finding(JOINT, fine=True, message="no two columns are left to compare")
    before = {name: values for name, values in training_rows(folder).items() if name in together}
    found = tell_apart(
        before,
        together,
        false_alarms=settings.statistics.false_alarms,
        seed=settings.training.seed,
    )
    limit = max(settings.drift.joint_warn_at, found.by_chance)
    return Finding(
        JOINT,
        fine=found.auc < limit,
        message=(
            f"a model tells current rows from training rows with an AUC of {found.auc:.2f} "
            f"(allowed: {limit:.2g}; by columns that lie as before, one by one)"
        ),
        figure=found.auc,
    )


def _lasting(champion: Model, inputs: Feed) -> Feed:
    """Leave out what tells the time, which moves on by itself."""
    return {name: v for name, v in inputs.items() if name not in champion.contract.time_parts}
