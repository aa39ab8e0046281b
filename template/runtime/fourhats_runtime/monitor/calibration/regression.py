"""Calibration: the numbers are as far off as they were on the holdout, and to no side.

Bias is the mean error by size of the prediction, in the tolerance of business.toml. Coverage is the
share of outcomes within the band around the prediction that held 80 % of the holdout's.
"""

import numpy as np

from fourhats_runtime.business import NumberValue
from fourhats_runtime.limits import Performance, Statistics
from fourhats_runtime.monitor.calibration.classification import INCIDENT
from fourhats_runtime.monitor.chance import normal_limit
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.reliability import bias
from fourhats_runtime.project import Project

MIDDLE = (0.1, 0.9)


def check(holdout: Decisions, judged: Decisions, project: Project) -> Finding:
    """Compare the errors with those of the holdout: their mean, by prediction, and their spread."""
    limit = project.settings(Performance).max_calibration_error
    level = project.settings(Statistics).false_alarms / 2  # two questions
    found = bias(holdout, judged, np.zeros(len(judged)), level)
    error = found.error / project.settings(NumberValue).tolerance
    low, high = np.quantile(holdout.surprise, MIDDLE)
    expected = MIDDLE[1] - MIDDLE[0]
    covered = float(((judged.surprise >= low) & (judged.surprise <= high)).mean())
    chance = (expected * (1 - expected) * (1 / len(holdout) + 1 / len(judged))) ** 0.5
    lost = expected - covered
    biased = error > limit and found.significant
    spread = lost > limit and lost > chance * normal_limit(level)
    return Finding(
        INCIDENT,
        state_of(fine=not (biased or spread)),
        message=(
            f"predictions are {error:.1%} of the tolerance further off than on the holdout, and "
            f"{covered:.0%} of the outcomes are in the band that should hold {expected:.0%} "
            f"(allowed: {limit:.1%}, performance.max_calibration_error, where it is no chance)"
        ),
        figure=error,
    )
