"""Limits: when data, drift and money are worth an alert, and what the work is accepted by."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from fourhats_runtime.settings import Section

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Quality(Section):
    """When failing rows are worth an alert, and when they stop the run."""

    table: ClassVar[str] = "quality"

    max_invalid_share: float = Field(ge=0, le=1)
    warn_invalid_share: float = Field(default=0.03, ge=0, le=1)


class Data(Section):
    """How old and how many the rows may be."""

    table: ClassVar[str] = "data"

    max_age_days: float = Field(gt=0)
    max_row_age_days: float = Field(default=0.0, ge=0)
    volume_change: float = Field(gt=0)
    min_volume_share: float = Field(default=0.1, ge=0, le=1)


class Statistics(Section):
    """How often chance alone may raise an alert."""

    table: ClassVar[str] = "statistics"

    false_alarms: float = Field(default=0.001, gt=0, lt=0.5)


class Drift(Section):
    """When a changed distribution is worth an alert."""

    table: ClassVar[str] = "drift"

    warn_at: float = Field(default=0.2, gt=0)
    joint_warn_at: float = Field(default=0.6, ge=0.5, le=1)
    min_rows: int = Field(default=100, ge=1)
    window_rows: int = Field(default=5000, ge=1)


class Performance(Section):
    """When the realised value is too low."""

    table: ClassVar[str] = "performance"

    min_outcomes: int = Field(default=50, ge=1)
    min_value_share: float = 0.8
    outcome_days: float = Field(default=0.0, ge=0)
    max_calibration_error: float = Field(default=0.05, gt=0)


class Service(Section):
    """When too few predictions are asked for."""

    table: ClassVar[str] = "service"

    min_week_share: float = Field(default=0.2, ge=0, le=1)
    max_pause: float = Field(default=3.0, ge=0)


class Report(Section):
    """What the report looks at."""

    table: ClassVar[str] = "report"

    segments: tuple[str, ...] | None = Field(default=None, max_length=3)
    """Columns whose categories are looked at one by one; None: the first with few categories."""


class Comparing(Section):
    """How often chance alone may give the champion's place to a model that is only as good."""

    table: ClassVar[str] = "comparison"

    error_rate: float = Field(default=0.045, gt=0, lt=0.5)


class Agreed(BaseModel):
    """`[acceptance]` of config/engagement.toml; what is left out is decided by other limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value_a_month: Annotated[float, Field(ge=0)] = 0.0
    """The model has to add more than this, in the currency of business.toml."""
    latency_ms: Positive | None = None
    """Within which 99 of 100 answers of the API have to come."""
    available: Share | None = None
    """The share of requests that have to be answered."""
    rows_passed: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of rows that have to pass the contract's checks."""
    data_age_days: Positive | None = None
    """Since the last extraction, at most."""
    reproducible: bool = True
    """The champion has to come out again, trained anew on the rows that it came of."""
    explained: bool | None = None
    """Each decision has to be explained, feature by feature."""
    requests: Annotated[int, Field(ge=500, le=100_000)] = 1000
    """So many are sent to the API."""
