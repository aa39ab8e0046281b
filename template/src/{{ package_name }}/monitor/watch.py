"""All questions of monitoring, asked in one go."""

from ..contract import Contract
from ..features import feed
from ..frames import columns_of
from ..model import Model
from ..registry import Registry
from ..settings import Settings
from ..warehouse import Connection, frame
from . import alerts, data, performance
from .drift import Distribution, prediction_column, stability_index
from .findings import Finding
from .predictions import collect


def watch(
    connection: Connection, settings: Settings, contract: Contract
) -> tuple[list[Finding], list[str]]:
    """Ask every question, and alert on what began or cleared.

    Returns the findings and the names of the open incidents.

    Raises:
        ProjectError: there is no champion yet, or an alert cannot be sent.

    """
    collect(connection, settings, contract)
    findings = [
        *data.check(connection, settings, contract),
        *_drift(connection, settings),
        *performance.check(connection, settings, contract),
    ]
    # A line that has come this far has no failing step.
    repaired = [
        Finding(incident, fine=True, message="the line runs again")
        for incident in alerts.open_incidents(settings)
        if incident.startswith("step:")
    ]
    return findings, alerts.update(settings, [*findings, *repaired])


def drift_figures(connection: Connection, settings: Settings) -> dict[str, float]:
    """Give the stability index of each feature and of the prediction, over the latest ones.

    Empty while there are too few predictions.
    """
    champion = Model.champion(settings)
    rows = frame(
        connection,
        "SELECT * FROM predictions WHERE given_at IS NOT NULL "
        f"ORDER BY given_at DESC LIMIT {settings.drift.window_rows}",
    )
    if len(rows) < settings.drift.min_rows:
        return {}
    inputs = feed(columns_of(rows), champion.contract)
    card = Registry(settings.artifacts / "registry").card(champion.version)
    current = {**inputs, "prediction": prediction_column(champion.run(inputs))}
    return {
        name: stability_index(values, Distribution.model_validate(card["drift_baseline"][name]))
        for name, values in current.items()
        if name not in champion.contract.time_parts  # time moves on by itself
    }


def _drift(connection: Connection, settings: Settings) -> list[Finding]:
    figures = drift_figures(connection, settings)
    if not figures:
        return [Finding("drift", fine=True, message="too few predictions to judge by")]
    limit = settings.drift.warn_at
    return [
        Finding(
            f"drift:{name}",
            fine=figure < limit,
            message=f"{name} has a stability index of {figure:.2f} (allowed: {limit:g})",
        )
        for name, figure in figures.items()
    ]
