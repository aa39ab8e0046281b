"""Calibration: what was said to be likely comes as often as it did on the holdout.

The expected calibration error (Naeini and others, Obtaining Well Calibrated Probabilities, AAAI
2015), but against the holdout's frequencies: how a model errs from its first day on is in its value
already.
"""

from fourhats_runtime.limits import Performance, Statistics
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.reliability import bias
from fourhats_runtime.project import Project

INCIDENT = "calibration"


def check(holdout: Decisions, judged: Decisions, project: Project) -> Finding:
    """Compare the frequencies of what came with those of the holdout, by probability."""
    limit = project.settings(Performance).max_calibration_error
    chance = judged.certainty * (1 - judged.certainty)
    found = bias(holdout, judged, chance, project.settings(Statistics).false_alarms)
    return Finding(
        INCIDENT,
        state_of(fine=found.error <= limit or not found.significant),
        message=(
            f"probabilities are {found.error:.1%} further off than on the holdout "
            f"(allowed: {limit:.1%}, performance.max_calibration_error"
            f"{'' if found.significant else '; this may be chance'})"
        ),
        figure=found.error,
    )
