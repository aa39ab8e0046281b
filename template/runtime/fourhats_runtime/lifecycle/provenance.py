"""Where a model comes from: when, by which code, of which rows, with which libraries and settings.

It stands beside the version as `provenance.json`, which is written once: the same model that is
trained anew comes from where it came from the first time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.contract import Contract
from fourhats_runtime.lifecycle import snapshots
from fourhats_runtime.lifecycle.figures import figures
from fourhats_runtime.lifecycle.origin import code, commit, versions
from fourhats_runtime.lifecycle.registry import Card
from fourhats_runtime.limits import Performance
from fourhats_runtime.model.parts import Split
from fourhats_runtime.model.tuning import Attempt
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import Rule
from fourhats_runtime.training import Training

QUANTILES = (0, 5, 25, 50, 75, 95, 100)


def provenance(
    project: Project,
    parts: Split,
    outputs: NDArray[np.float64],
    rule: Rule,
    attempts: Sequence[Attempt],
) -> Card:
    """Say where a model comes from; the rows that it came of are kept.

    `outputs` are what it says of the validation rows; `attempts` what was tried before.
    """
    contract, training = project.contract, project.settings(Training)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": commit(project.folder),
        "code": code(project.folder),
        "versions": versions(),
        "training": training.model_dump(mode="json"),
        "outcome_days": project.settings(Performance).outcome_days,
        "value": project.value.model_dump(mode="json", exclude_defaults=True),
        "data": _data(project, parts, contract),
        "target": _target(parts, contract),
        "attempts": [dict(attempt) for attempt in attempts],
        "validation": figures(
            outputs,
            parts.validation.actual,
            rule,
            groups=parts.validation.groups,
            seed=training.seed,
        ),
    }


def _data(project: Project, parts: Split, contract: Contract) -> dict[str, Any]:
    """Name the rows with an outcome: their hash, how many there are, and of which time."""
    rows = parts.table
    if rows is None:  # a split that was made by hand
        return {}
    keep_rows = project.settings(Training).keep_rows
    found: dict[str, Any] = {
        "sha256": snapshots.keep(project, rows, write=keep_rows),
        "kept": keep_rows,
        "rows": rows.num_rows,
    }
    if contract.time_order:
        # They are in the order of time: the first and the last of them are its ends.
        first, last = (
            " ".join(str(rows[name][place].as_py()) for name in contract.time_order)
            for place in (0, rows.num_rows - 1)
        )
        found |= {"by": " and ".join(contract.time_order), "from": first, "to": last}
    return found


def _target(parts: Split, contract: Contract) -> dict[str, Any]:
    """Count the classes that are learnt from, or give the quantiles of the numbers."""
    actual = parts.learned.actual
    if contract.classes:
        counts = np.bincount(actual.astype(np.intp), minlength=len(contract.classes)).tolist()
        return {"classes": dict(zip(contract.classes, counts, strict=True))}
    values = np.percentile(actual, QUANTILES).tolist()
    names = ("least", *(f"{share} %" for share in QUANTILES[1:-1]), "most")
    return {"quantiles": dict(zip(names, values, strict=True))}
