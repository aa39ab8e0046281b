"""What monitoring finds of decisions that are made up: no warehouse, no registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor import performance
from fourhats_runtime.monitor.decisions import Decisions, Wait

if TYPE_CHECKING:
    import pytest
    from fourhats_runtime import Project
    from fourhats_runtime.monitor.findings import Finding


def judged(
    monkeypatch: pytest.MonkeyPatch, project: Project, promised: Decisions, known: Decisions
) -> dict[str, Finding]:
    """Judge decisions against the holdout's; as many others like them wait for their outcome."""
    waiting = replace(known, earned=np.full(len(known), np.nan))
    given = {True: known, False: waiting}
    monkeypatch.setattr(Registry, "require", lambda *_: "v1")
    monkeypatch.setattr(performance, "on_holdout", lambda *_: promised)
    monkeypatch.setattr(performance, "taken", lambda *_, known, **__: given[known])
    monkeypatch.setattr(performance, "waiting", lambda *_: Wait(2 * len(known), len(known), None))
    none: object = None
    found = performance.check(none, project, project.contract)  # type: ignore[arg-type]
    return {finding.incident: finding for finding in found}
