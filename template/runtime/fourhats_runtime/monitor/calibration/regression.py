"""Calibration: the numbers are as far off as they were on the holdout, and to no side.

Bias is the mean error by size of the prediction, in the tolerance of business.toml. Coverage is the
share of outcomes within the band around the prediction that held 95 % of the holdout's.
"""

import numpy as np

from fourhats_runtime.business import NumberValue
from fourhats_runtime.chance import CONFIDENCE, TAIL, Floats, independent_rows, limit
from fourhats_runtime.limits import Performance, Statistics
from fourhats_runtime.monitor.calibration.classification import INCIDENT
from fourhats_runtime.monitor.decisions import Decisions
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.reliability import bias
from fourhats_runtime.project import Project

MIDDLE = (TAIL, 1 - TAIL)


def check(holdout: Decisions, judged: Decisions, project: Project) -> Finding:
    """Compare the errors with those of the holdout: their mean, by prediction, and their spread."""
    allowed = project.settings(Performance).max_calibration_error
    level = project.settings(Statistics).false_alarms / 2  # two questions
    found = bias(holdout, judged, np.zeros(len(judged)), level)
    error = found.error / project.settings(NumberValue).tolerance
    low, high = np.quantile(holdout.surprise, MIDDLE)

    def inside(decisions: Decisions) -> Floats:
        return np.asarray((decisions.surprise >= low) & (decisions.surprise <= high), np.float64)

    covered = float(inside(judged).mean())
    # By the greater of the variances: of few rows, hardly one is expected outside.
    variance = max(CONFIDENCE * TAIL * 2, covered * (1 - covered))
    rows = (independent_rows(inside(each), each.entity) for each in (holdout, judged))
    chance = (variance * sum(1 / each for each in rows)) ** 0.5
    lost = CONFIDENCE - covered
    biased = error > allowed and found.significant
    spread = lost > allowed and lost > chance * limit(level, holdout.entity, judged.entity)
    return Finding(
        INCIDENT,
        state_of(fine=not (biased or spread)),
        message=(
            f"predictions are {error:.1%} of the tolerance further off than on the holdout, and "
            f"{covered:.0%} of the outcomes are in the band that should hold {CONFIDENCE:.0%} "
            f"(allowed: {allowed:.1%}, performance.max_calibration_error, where it is no chance)"
        ),
        figure=error,
    )
