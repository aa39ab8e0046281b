"""The steps of a search, from the table `clean` on."""

import csv
from dataclasses import asdict, dataclass

from fourhats_runtime.data.joins import SAMPLE
from fourhats_runtime.data.warehouse import count, one_row, require
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import written_whole
from fourhats_runtime.lifecycle.comparison import added
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.rollback import rollback_to
from fourhats_runtime.monitor import alerts
from fourhats_runtime.monitor.announce import announce
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.monitor.monitor_page import write_page
from fourhats_runtime.monitor.page import interval
from fourhats_runtime.preparation import Preparation, Result, monitored
from fourhats_runtime.search import judgement
from fourhats_runtime.search.answers import reply
from fourhats_runtime.search.questions import WEAK
from fourhats_runtime.search.report import write_documents, write_report
from fourhats_runtime.search.settings import Search
from fourhats_runtime.search.version import COMPARED, load_version
from fourhats_runtime.search.watch import watch

SCORED = ("question", "rank", "id", "title", "link", "snippet", "reason", "certainty", "version")


@dataclass
class SearchLine(Preparation):
    """All steps, of what is searched."""

    def train(self) -> Result:
        """Compare models, fields and fusions; register the best with its index."""
        require(self.connection, "clean", "transform")
        version = self.experiment()
        card = self._registry.card(version)
        facts = self._registry.noted(version, COMPARED) or {}
        words = "; ".join(
            [
                f"{version}, {card['model']}",
                f"{facts['embedded']:,} texts embedded",
                *facts["notes"],
            ]
        )
        return Result(count(self.connection, "clean"), card["documents"]["count"], words, facts)

    def evaluate(self) -> Result:
        """Judge the challenger by questions that it was not tuned by."""
        require(self.connection, "clean", "transform")
        (sources,) = one_row(
            self.connection, f"SELECT count(*) FROM clean WHERE _source <> '{SAMPLE}'"
        )
        facts = judgement.evaluate(self.project, made_up=not sources)
        words = f"adds {added(facts)}"
        if first := facts["figures"].get("MRR"):
            words += f"; MRR {interval(first)}"
        if facts["weak"]:
            words += f"; the questions are {WEAK}"
        return Result(facts["rows"], facts["rows"], words, facts)

    def promote(self) -> Result:
        """Have the challenger answer if it earns more, or is as good and holds other documents."""
        verdict = judgement.promote(self.project, accepted=self.asked.accept)
        announce(self.project)
        kept = "kept" if verdict.champion == self._registry.require("challenger") else "refused"
        words = f"{'promoted' if verdict.promoted else kept}: {verdict.reason}"
        finding = Finding("promotion", state_of(fine=not verdict.undecided), words)
        alerts.update(self.project, [finding])
        return Result(1, 1, words, vars(verdict))

    def score(self) -> Result:
        """Answer the questions of a table: one row an answer, none where nothing fits."""
        path = self.project.folder / self.project.settings(Search).batch
        if not path.exists():
            there = self.project.settings(Search).batch
            return Result(0, 0, f"nothing to answer: put questions into {there}")
        version = load_version(self.project, self._registry.require("champion"))
        column = self.contract.questions.text
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if column not in (rows.fieldnames or ()):
                raise ProjectError(f"{path.name} has no column {column!r}")
            questions = [text for row in rows if (text := (row[column] or "").strip())]
        replies = reply(version, questions)
        out = self.project.artifacts / "scores" / "answers.csv"
        out.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(out) as scratch, scratch.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, SCORED, extrasaction="ignore")
            table.writeheader()
            for question, given in zip(questions, replies, strict=True):
                about = {"question": question, "certainty": given.certainty}
                for rank, answer in enumerate(given.answers, start=1):
                    row = about | asdict(answer) | {"rank": rank, "version": version.name}
                    table.writerow(row)
                if not given.answers:
                    table.writerow(about | {"version": version.name})
        unanswered = sum(not given.answers for given in replies)
        words = f"{out.relative_to(self.project.folder)}; nothing fits {unanswered:,} of them"
        return Result(len(questions), len(questions) - unanswered, words)

    def monitor(self) -> Result:
        """Look at what was asked and clicked, and at the documents; alert on what began."""
        require(self.connection, "clean", "transform")
        findings = watch(self.connection, self.project, self.contract)
        opened = alerts.update(self.project, findings)
        write_page(self.connection, self.project, self.contract, findings)
        return monitored(count(self.connection, "clean"), findings, opened)

    def rollback(self) -> Result:
        """Go back to another version because a person says so."""
        if self.asked.to is None:
            return Result(0, 0, "kept: `rollback --now` goes back to the champion before")
        verdict = rollback_to(self.asked.to, self.project, load_version)
        announce(self.project)
        said = f"rolled back to {verdict.champion}" if verdict.promoted else "kept"
        return Result(0, 0, f"{said}: {verdict.reason}", vars(verdict))

    def report(self) -> Result:
        """Write the table of what was compared as a page, the model card and the lineage."""
        written = [write_report(self.project), *write_documents(self.connection, self.project)]
        names = [str(path.relative_to(self.project.folder)) for path in written]
        return Result(count(self.connection, "clean"), len(written), ", ".join(names))

    @property
    def _registry(self) -> Registry:
        return Registry(self.project.artifacts / "registry")
