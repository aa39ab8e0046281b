"""All questions of monitoring, asked in one go."""

from fourhats_runtime.chance import are_few, numbered
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection, values
from fourhats_runtime.lifecycle.distribution import baselines_of, prediction_column
from fourhats_runtime.lifecycle.promote import refused
from fourhats_runtime.lifecycle.reference import Sample, training_rows
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Drift, Statistics
from fourhats_runtime.model.features import lasting
from fourhats_runtime.monitor import alerts, data, history, performance, service
from fourhats_runtime.monitor.drift import Shift, shifts
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.joint import tell_apart
from fourhats_runtime.monitor.monitor_page import write_page
from fourhats_runtime.monitor.predictions import collect
from fourhats_runtime.project import Project
from fourhats_runtime.training import Training

FEWEST_TOGETHER = 2
JOINT = "drift-joint"  # no column can have that name


def watch(
    connection: Connection, project: Project, contract: Contract
) -> tuple[list[Finding], list[str]]:
    """Ask every question, note and show the answers, and alert on what began or cleared.

    Returns the findings and the names of the open incidents.

    Raises:
        ProjectError: there is no champion yet, and no challenger that was refused; or an alert
            cannot be sent.

    """
    collect(connection, project, contract)
    findings = [
        *data.check(connection, project, contract),
        *service.check(connection, project),
    ]
    if not refused(project):
        findings += drift(connection, project)
        findings += performance.check(connection, project, contract)
    history.note(connection, findings)
    # A line that has come this far has no failing step.
    repaired = [
        Finding(incident, "fine", "the line runs again")
        for incident in alerts.open_incidents(project)
        if incident.startswith("step:")
    ]
    try:
        return findings, alerts.update(project, [*findings, *repaired])
    finally:  # people can look, whether they could be notified or not
        write_page(connection, project, contract, findings)


def drift(connection: Connection, project: Project) -> list[Finding]:
    """Judge the latest cases: each input, the predictions, and how inputs are related."""
    champion = Model.champion(project)
    cases = _latest(connection, project, champion)
    if cases is None:
        words = "too few predictions to judge by (drift.min_rows)"
        if champion.contract.entity is not None:
            words += f", or of too few {champion.contract.entity.name}"
        return [Finding(name, "unknown", words) for name in ("drift", JOINT)]
    found = _shifts(project, champion, cases)
    moved = {name for name, shift in found.items() if shift.moved}
    columns = [
        Finding(
            f"drift:{name}",
            state_of(fine=not shift.moved),
            message=(
                f"{name} has moved by {shift.index:.2f} from the training data "
                f"(allowed: {shift.limit:.2g})"
            ),
            figure=shift.index,
        )
        for name, shift in found.items()
    ]
    return [*columns, _joint(project, champion, cases, moved)]


def drift_shifts(connection: Connection, project: Project) -> dict[str, Shift]:
    """Give how far each input and the prediction have moved, over the latest cases.

    The furthest first; empty while there are too few predictions.
    """
    champion = Model.champion(project)
    cases = _latest(connection, project, champion)
    return {} if cases is None else _shifts(project, champion, cases)


def _latest(connection: Connection, project: Project, champion: Model) -> Sample | None:
    """Give the latest cases that anything was predicted for, each once; None where they are few.

    Or where they are of few entities, by which nobody can tell what others are like.
    """
    limits = project.settings(Drift)
    rows = values(
        connection,
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY coalesce(id, prediction_id) "
        "ORDER BY given_at DESC, prediction_id) AS nth FROM predictions "
        "WHERE given_at IS NOT NULL) AS numbered "
        f"WHERE nth = 1 ORDER BY given_at DESC, prediction_id LIMIT {limits.window_rows}",
    )
    groups = numbered(rows["_entity"])
    if len(groups) < limits.min_rows or are_few(groups):
        return None
    return Sample(champion.feed(rows), groups)


def _shifts(project: Project, champion: Model, cases: Sample) -> dict[str, Shift]:
    card = Registry(project.artifacts / "registry").card(champion.version)
    watched = lasting(cases.inputs, champion.contract)
    return shifts(
        {**watched, "prediction": prediction_column(champion.run(cases.inputs))},
        baselines_of(card),
        warn_at=project.settings(Drift).warn_at,
        false_alarms=project.settings(Statistics).false_alarms,
        groups=cases.groups,
    )


def _joint(project: Project, champion: Model, cases: Sample, moved: set[str]) -> Finding:
    """Judge the columns that have not moved by themselves: the others are reported already."""
    folder = Registry(project.artifacts / "registry").folder(champion.version)
    together = {
        name: values
        for name, values in lasting(cases.inputs, champion.contract).items()
        if name not in moved
    }
    if len(together) < FEWEST_TOGETHER:
        return Finding(JOINT, "unknown", "no two columns are left to compare")
    learnt, groups = training_rows(folder)
    if groups is not None and are_few(groups):
        return Finding(JOINT, "unknown", "the model learnt from too few entities to compare with")
    before = {name: values for name, values in learnt.items() if name in together}
    found = tell_apart(
        before,
        together,
        groups=(groups, cases.groups),
        false_alarms=project.settings(Statistics).false_alarms,
        seed=project.settings(Training).seed,
    )
    limit = max(project.settings(Drift).joint_warn_at, found.by_chance)
    return Finding(
        JOINT,
        state_of(fine=found.auc < limit),
        message=(
            f"of 100 pairs of a current row and one of training, {100 * found.auc:.0f} can be "
            f"told apart (allowed: {100 * limit:.0f}; by chance: 50), by columns of which none "
            "has moved by itself"
        ),
        figure=found.auc,
    )
