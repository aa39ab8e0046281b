"""The limits of config/monitoring.toml: when data, drift and money are worth an alert."""

from typing import ClassVar

from pydantic import Field

from fourhats_runtime.settings import Section


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

    warn_at: float = Field(gt=0)
    joint_warn_at: float = Field(default=0.6, ge=0.5, le=1)
    min_rows: int = Field(ge=1)
    window_rows: int = Field(ge=1)


class Performance(Section):
    """When the realised value is too low."""

    table: ClassVar[str] = "performance"

    min_outcomes: int = Field(ge=1)
    min_value_share: float
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
