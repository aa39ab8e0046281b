"""How much search a model is worth, and among what: the variables `TRAINING__…`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from fourhats_runtime.settings import Section


class Training(Section):
    """How much search the model is worth."""

    table: ClassVar[str] = "training"

    trials: int = Field(default=12, ge=1)
    """Of each candidate that asks to be tuned."""
    minutes: float = Field(default=0, ge=0)
    """Of search, shared evenly by them, in place of a number of trials; 0: trials are counted."""
    tried: Mapping[str, int] = Field(default_factory=dict)
    """How many trials of a candidate, by its name, whatever else is said: of a version that is
    retraced, as many as there were."""
    candidates: tuple[str, ...] = ()
    """Those of estimator.py that are tried, by name; all, if none is named."""
    tuning_rows: int = Field(default=100_000, ge=100)
    seed: int = 0
    parity_tolerance: float = Field(default=1e-4, gt=0)
    keep_rows: bool = True
    """Whether the rows that a model came of are kept, so that it can be retraced."""
