"""From the sources to the table `clean`: the steps that every task begins with.

A step imports what it alone needs: an image that holds one hat's libraries runs that hat's steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fourhats_runtime.contract import Contract
from fourhats_runtime.data import extraction, quality
from fourhats_runtime.data.transform import transform as write_clean
from fourhats_runtime.data.warehouse import (
    Connection,
    count,
    one_row,
    require,
    table_exists,
)
from fourhats_runtime.errors import ReportedError
from fourhats_runtime.monitor import verdicts
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.verdicts import Verdict
from fourhats_runtime.profile.differences import differences
from fourhats_runtime.project import Project, named

if TYPE_CHECKING:
    from fourhats_runtime.score.rows import Interval

Progress = Callable[[str, int, int], None]
"""Called with the step, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Result:
    """What a step did: rows in, rows out, and facts worth showing, in words and as data."""

    rows_in: int
    rows_out: int
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person may ask of one step or another."""

    whole: bool = False
    """Extract everything anew, not only what came since the last time."""
    replay: bool = False
    """Validate the rows that were set aside once more, and take in those that pass."""
    note: str = ""
    """Why a model is trained, for the ledger of experiments."""
    month: str | None = None
    """Report on an earlier month alone, such as 2026-10."""
    to: str | None = None
    """Roll back to this version, whatever it earned; empty: to the champion before."""
    accept: bool = False
    """Promote the challenger though the champion was not found to earn less."""
    interval: Interval | None = None
    """Score the rows of a time of the past: a back-test."""


def monitored(rows: int, findings: Sequence[Finding], opened: Sequence[str]) -> Result:
    """Say what monitoring found, and which incidents are open."""
    words = f"open incidents: {', '.join(opened)}" if opened else "no open incident"
    if unknown := sum(finding.state == "unknown" for finding in findings):
        words += f"; {unknown} of {len(findings)} questions not judged yet"
    facts = {"open": opened, "findings": [vars(finding) for finding in findings]}
    return Result(rows, len(findings), words, facts)


@dataclass
class Preparation:
    """The steps on an open warehouse."""

    project: Project
    contract: Contract
    connection: Connection
    progress: Progress
    asked: Asked

    def extract(self) -> Result:
        """Bring the rows of every source into the warehouse, as they come."""
        names, said = extraction.extract(
            self.connection, self.contract, self.project, whole=self.asked.whole
        )
        rows = count(self.connection, "raw")
        words = "a sample stands in: see config/sources.toml"
        if names:
            words = f"from {', '.join(names)}"
        return Result(rows, rows, "; ".join([words, *said]))

    def validate(self) -> Result:
        """Check every row against the contract; stop where too many fail, or too few came."""
        require(self.connection, "raw", "extract")
        if self.asked.replay:
            require(self.connection, "quarantine", "validate")
            self.connection.execute(
                "CREATE OR REPLACE TEMP TABLE replayed AS SELECT _source, _row FROM quarantine"
            )
        violations = quality.validate(self.connection, self.contract, self.project.checks)
        rows, failing = count(self.connection, "raw"), count(self.connection, "quarantine")
        # `clean` still holds the rows of the run before.
        broken = {violation.column for violation in violations}
        changed = differences(self.connection, self.contract, self.connection, broken)
        worst = "; ".join(map(str, [*violations[:3], *changed]))
        self._judge(verdicts.judge_raw(self.connection, self.project, rows, failing), worst)
        words = self._replayed() if self.asked.replay else worst
        return Result(rows, rows - failing, words, {"violations": [vars(v) for v in violations]})

    def transform(self) -> Result:
        """Write the table the model learns from, and check it once more."""
        require(self.connection, "raw", "extract")
        self._write_clean()
        self._judge(verdicts.judge_clean(self.connection, self.contract, self.project), "")
        return Result(count(self.connection, "raw"), count(self.connection, "clean"))

    def experiment(self) -> str:
        """Have the project's experiment register a version, and note it in the ledger; gives it."""
        from fourhats_runtime.lifecycle.ledger import note_training
        from fourhats_runtime.lifecycle.tracking import track

        began = time.perf_counter()
        version: str = named(self.project.train)(
            self.project,
            self.connection,
            lambda done, there_are: self.progress("train", done, there_are),
        )
        note_training(self.project, version, self.asked.note, time.perf_counter() - began)
        track(self.project)
        return version

    def _write_clean(self) -> None:
        """Write `clean`, and note whose outcome is known from now on."""
        write_clean(self.connection, self.contract, self.project)
        if not self.contract.fields:  # of documents, nothing is known later
            from fourhats_runtime.monitor.predictions import remember_outcomes

            remember_outcomes(self.connection, self.contract)

    def _judge(self, found: list[Verdict], worst: str) -> None:
        """Note the verdicts; where one says stop, send an alert, write the report and stop."""
        verdicts.note(self.connection, found)
        stops = [verdict for verdict in found if verdict.level == "stop"]
        if stops:
            from fourhats_runtime.monitor import alerts
            from fourhats_runtime.monitor.data import as_finding
            from fourhats_runtime.monitor.quality_report import quality_report

            page = quality_report(self.connection, self.project, self.contract)
            advice = (
                f"See {page.relative_to(self.project.folder)} and the table quarantine; "
                "mend the data, config/contract.toml, or the limits in config/monitoring.toml"
            )
            findings = [as_finding(verdict) for verdict in stops]
            alerts.update(
                self.project,
                [replace(finding, message=f"{finding.message}. {advice}") for finding in findings],
            )
            reasons = "; ".join([verdict.message for verdict in stops] + [worst] * bool(worst))
            raise ReportedError(f"{reasons}. {advice}")

    def _replayed(self) -> str:
        """Bring rows that pass by now into `clean`, and say how many of the set aside do."""
        before = count(self.connection, "replayed")
        (still,) = one_row(
            self.connection,
            "SELECT count(*) FROM replayed SEMI JOIN quarantine "
            "ON replayed._source = quarantine._source AND replayed._row = quarantine._row",
        )
        self.connection.execute("DROP TABLE replayed")
        if table_exists(self.connection, "clean"):
            self._write_clean()
        return f"{before - still:,} of {before:,} rows that were set aside pass now"
