"""Calibration: what was said to be likely comes as often as it did on the holdout.

The expected calibration error (Naeini and others, Obtaining Well Calibrated Probabilities, AAAI
2015), but against the holdout's frequencies: how a model errs from its first day on is in its value
already.
"""

from ..settings import Settings
from .decisions import Decisions
from .findings import Finding
from .reliability import bias

INCIDENT = "calibration"


def check(holdout: Decisions, judged: Decisions, settings: Settings) -> Finding:
    """Compare the frequencies of what came with those of the holdout, by probability."""
    limit = settings.performance.max_calibration_error
    chance = judged.certainty * (1 - judged.certainty)
    found = bias(holdout, judged, chance, settings.statistics.false_alarms)
    return Finding(
        INCIDENT,
        fine=found.error <= limit or not found.significant,
        message=(
            f"probabilities are {found.error:.1%} further off than on the holdout "
            f"(allowed: {limit:.1%}, performance.max_calibration_error"
            f"{'' if found.significant else '; this may be chance'})"
        ),
        figure=found.error,
    )
