"""The line, step by step. CLI, orchestrator, CI and tests call these same functions.

A step imports what it alone needs: an image that holds one hat's libraries runs that hat's steps.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

from fourhats_runtime.data.faults import plainly
from fourhats_runtime.data.warehouse import (
    Connection,
    connect,
    count,
    put_aside_if_damaged,
    require,
)
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import clear
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.sharing import shared
from fourhats_runtime.monitor.shared_incidents import book
from fourhats_runtime.monitor.steps import reported
from fourhats_runtime.preparation import Asked, Preparation, Progress, Result, monitored
from fourhats_runtime.project import Project

if TYPE_CHECKING:
    from fourhats_runtime.model.parts import Split

__all__ = ["READING", "STEPS", "Asked", "Line", "Progress", "Result", "run_step", "steps"]

logger = logging.getLogger(__name__)


def _ignore(_step: str, _done: int, _all: int) -> None:
    """Show no progress."""


@dataclass
class Line(Preparation):
    """All steps, of what is predicted."""

    def train(self) -> Result:
        """Train a challenger."""
        from fourhats_runtime.lifecycle.today import Today
        from fourhats_runtime.tasks import rule_of

        require(self.connection, "clean", "transform")
        # A typing error in business.toml is said now, and not after the training.
        _ = rule_of(self.project, self.contract, {}).stake
        if today := Today.of(self.project):
            today.on({}, self.contract)
        version = self.experiment()
        card = Registry(self.project.artifacts / "registry").card(version)
        words = "; ".join([f"{version}, {card['model']}", *card["split"]["notes"]])
        if suspects := card["leakage_suspects"]:
            words += f"; leakage? alone tells the outcome: {', '.join(suspects)}"
        return Result(count(self.connection, "clean"), card["rows"]["learned"], words)

    def evaluate(self) -> Result:
        """Judge the challenger on the holdout."""
        from fourhats_runtime.lifecycle import looks
        from fourhats_runtime.lifecycle.comparison import added
        from fourhats_runtime.lifecycle.evaluate import evaluate
        from fourhats_runtime.lifecycle.today import in_words

        parts = self._parts()
        facts = evaluate(parts, self.contract, self.project)
        words = f"adds {added(facts)}"
        if facts["today"]:
            words += f"; {in_words(facts['today'])}"
        if spent := looks.warning(facts["looks"]):
            words += f"; {spent}"
        return Result(len(parts.holdout), len(parts.holdout), words, facts)

    def promote(self) -> Result:
        """Make the challenger champion if it earns more, beyond chance; a refusal is no failure."""
        from fourhats_runtime.lifecycle import looks
        from fourhats_runtime.lifecycle.promote import promote
        from fourhats_runtime.monitor import alerts
        from fourhats_runtime.monitor.announce import announce
        from fourhats_runtime.monitor.findings import Finding, state_of

        parts = self._parts()
        verdict = promote(parts.holdout, self.contract, self.project, accepted=self.asked.accept)
        announce(self.project)
        registry = Registry(self.project.artifacts / "registry")
        challenger = registry.require("challenger")
        kept = "kept" if verdict.champion == challenger else "refused"
        words = f"{'promoted' if verdict.promoted else kept}: {verdict.reason}"
        if verdict.champion is None:
            words += (
                "; there is no champion yet: it takes more rows, better features, or other values "
                "in config/business.toml"
            )
        alerts.update(
            self.project, [Finding("promotion", state_of(fine=not verdict.undecided), words)]
        )
        if spent := looks.warning(looks.looks(registry, parts.holdout)):
            words += f"; {spent}"
        return Result(len(parts.holdout), len(parts.holdout), words, vars(verdict))

    def score(self) -> Result:
        """Score the open cases: the rows that have no outcome yet; or, as a back-test, others."""
        from fourhats_runtime.lifecycle.promote import refused
        from fourhats_runtime.score import score
        from fourhats_runtime.score.words import in_words

        require(self.connection, "clean", "transform")
        rows = count(self.connection, "clean")
        if why := refused(self.project):
            return Result(rows, 0, f"nothing is scored: {why}")
        scored = score(
            self.connection,
            self.project,
            lambda done: self.progress("score", done, rows),
            self.asked.interval,
        )
        words = in_words(scored, self.contract, back_test=self.asked.interval is not None)
        facts = vars(scored) | {"undecided": scored.undecided}
        return Result(scored.rows + scored.undecided, scored.rows, words, facts)

    def monitor(self) -> Result:
        """Look at data, drift and money; alert on what began or cleared."""
        from fourhats_runtime.monitor.watch import watch

        require(self.connection, "clean", "transform")
        findings, opened = watch(self.connection, self.project, self.contract)
        return monitored(count(self.connection, "predictions"), findings, opened)

    def rollback(self) -> Result:
        """Take the champion back if it earns less than the one before it."""
        from fourhats_runtime.lifecycle.promote import refused
        from fourhats_runtime.lifecycle.rollback import rollback, rollback_to
        from fourhats_runtime.monitor.announce import announce

        if self.asked.to is None and (why := refused(self.project)):
            return Result(0, 0, why)
        if self.asked.to is None:
            require(self.connection, "predictions", "monitor")
            verdict = rollback(self.connection, self.project, self.contract)
            rows = count(self.connection, "predictions")
        else:
            verdict, rows = rollback_to(self.asked.to, self.project), 0
        announce(self.project)
        said = f"kept {verdict.champion}"
        if verdict.promoted:
            said = f"rolled back to {verdict.champion}"
        return Result(rows, rows, f"{said}: {verdict.reason}", vars(verdict))

    def report(self) -> Result:
        """Write the reports, the model card and the lineage; or an earlier month's report alone."""
        from fourhats_runtime.monitor.monthly import monthly_reports

        require(self.connection, "predictions", "monitor")
        written = []
        if self.asked.month is None:
            from fourhats_runtime.monitor.quality_report import quality_report
            from fourhats_runtime.monitor.report import report

            written += report(self.connection, self.project, self.contract, self._parts())
            written.append(quality_report(self.connection, self.project, self.contract))
        written += monthly_reports(self.connection, self.project, self.contract, self.asked.month)
        names = [str(path.relative_to(self.project.folder)) for path in written]
        return Result(count(self.connection, "clean"), len(written), ", ".join(names))

    def _parts(self) -> Split:
        from fourhats_runtime.model.parts import split

        require(self.connection, "clean", "transform")
        return split(self.connection, self.project)


READING = {"train", "evaluate", "promote", "rollback", "report"}
"""Steps that only read the warehouse: others may read it meanwhile."""
STEPS = (
    "extract",
    "validate",
    "transform",
    "train",
    "evaluate",
    "promote",
    "score",
    "monitor",
    "rollback",
    "report",
)


def steps(project: Project) -> tuple[str, ...]:
    """Give the steps of a project, in their order: it scores in batches only if it was asked to."""
    return tuple(step for step in STEPS if step != "score" or "batch" in project.serving)


def run_step(
    step: str, project: Project, progress: Progress = _ignore, asked: Asked | None = None
) -> Result:
    """Run one step, and note it in the warehouse's table `runs`; one that fails is alerted on.

    Raises:
        ProjectError: the step cannot be done; the text says why and what to do.

    """
    started = time.perf_counter()
    asked = asked or Asked()
    clear(project.artifacts)
    with book(project), reported(step, project), plainly(project), shared(project):
        if asked.whole:
            put_aside_if_damaged(project)
        with connect(project, read_only=step in READING) as connection:
            line = _line(project)(project, project.contract, connection, progress, asked)
            result: Result = getattr(line, step)()
            result = replace(result, seconds=time.perf_counter() - started)
            if not connection.read_only:
                _note(connection, step, result)
        if connection.read_only:
            _note_afterwards(project, step, result)
    return result


def _line(project: Project) -> type[Preparation]:
    if project.task == "search":
        from fourhats_runtime.search.line import SearchLine

        return SearchLine
    return Line


def _note(connection: Connection, step: str, result: Result) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS runs "
        "(run_at TIMESTAMP, step VARCHAR, rows_in BIGINT, rows_out BIGINT, seconds DOUBLE)"
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?)",
        [now, step, result.rows_in, result.rows_out, result.seconds],
    )


def _note_afterwards(project: Project, step: str, result: Result) -> None:
    """Note a step that is done, whatever the warehouse has against it."""
    try:
        with connect(project) as connection:
            _note(connection, step, result)
    except (ProjectError, duckdb.Error) as error:
        logger.warning("%s is done, but stands in no list of runs: %s", step, error)
