"""Batch scoring: the champion's predictions for whole tables, to Parquet and into the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fourhats_runtime.data.extras import needs

if TYPE_CHECKING:
    from fourhats_runtime.data.warehouse import Connection
    from fourhats_runtime.project import Project
    from fourhats_runtime.score.rows import Interval, Scored

__all__ = ["score"]


def score(
    connection: Connection,
    project: Project,
    progress: Callable[[int], None] = lambda _done: None,
    interval: Interval | None = None,
) -> Scored:
    """Score the open cases in `clean`; where there is none, the partition is empty.

    With an interval, score all the rows of a time of the past: a back-test. `progress` is given the
    rows done.

    Raises:
        ProjectError: there is no champion yet; Spark cannot be reached, or fails; the partition
            cannot be written.

    """
    if project.engine == "spark":
        with needs("spark"):
            from fourhats_runtime.score import spark  # noqa: PLC0415
        return spark.score(connection, project, progress, interval)
    with needs("data"):
        from fourhats_runtime.score import local  # noqa: PLC0415
    return local.score(connection, project, progress, interval)
