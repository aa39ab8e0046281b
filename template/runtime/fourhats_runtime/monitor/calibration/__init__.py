"""Calibration: whether what a model says is as true as it was on the holdout, by the task."""

from fourhats_runtime.contract import Contract
from fourhats_runtime.monitor.calibration import classification, regression
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.project import Project

INCIDENT = classification.INCIDENT


def check(holdout: Decisions, judged: Decisions, contract: Contract, project: Project) -> Finding:
    """Compare the surprises of decisions with those of the holdout."""
    if contract.classes:
        return classification.check(holdout, judged, project)
    return regression.check(holdout, judged, project)
