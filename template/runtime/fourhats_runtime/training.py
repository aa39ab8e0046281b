"""How much search a model is worth: the variables `TRAINING__…`."""

from typing import ClassVar

from pydantic import Field

from fourhats_runtime.settings import Section


class Training(Section):
    """How much search the model is worth."""

    table: ClassVar[str] = "training"

    trials: int = Field(default=12, ge=1)
    tuning_rows: int = Field(default=100_000, ge=100)
    seed: int = 0
    parity_tolerance: float = Field(default=1e-4, gt=0)
    keep_rows: bool = True
    """Whether the rows that a model came of are kept, so that it can be retraced."""
