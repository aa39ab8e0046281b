"""The client's page: what the decisions of a month added, and what happened in it.

As a self-contained HTML page, which also prints, and as PDF.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from matplotlib.figure import Figure

from fourhats_runtime import contract as contract_file
from fourhats_runtime.business import Business
from fourhats_runtime.chance import INTERVAL, OF_100
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.files import write_atomically
from fourhats_runtime.lifecycle.comparison import MADE_UP
from fourhats_runtime.lifecycle.promote import refused
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Registry
from fourhats_runtime.monitor import monthly_pdf
from fourhats_runtime.monitor.contract_changes import changes
from fourhats_runtime.monitor.decisions import on_holdout
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.findings import question
from fourhats_runtime.monitor.history import Noted, kept
from fourhats_runtime.monitor.incident_log import Incident, incidents
from fourhats_runtime.monitor.months import Month, before, following, last_months, month_of
from fourhats_runtime.monitor.page import ENVIRONMENT
from fourhats_runtime.monitor.predictions import not_counted
from fourhats_runtime.monitor.service import daily_volume, midnight
from fourhats_runtime.monitor.time_plots import day_figure, value_figure
from fourhats_runtime.monitor.verdicts import Verdict, between
from fourhats_runtime.project import Project


@dataclass(frozen=True)
class Check:
    """A question of the month: how often it was judged, and not fine, or could not be judged."""

    question: str
    judged: int
    troubles: int
    unknown: int
    words: str
    """The last answer."""


@dataclass(frozen=True)
class Facts:
    """What the page says."""

    project: Project
    month: Month
    now: datetime
    promised: float
    """The value of a decision of the champion on the holdout."""
    promised_more: float
    """What a decision of the champion added on the holdout, NaN where nobody knows."""
    made_up: bool
    """Whether the champion was judged on a sample that stands in for the client's data."""
    not_counted: dict[str, int]
    """Predictions of the month that are no decisions, by the reason."""
    checks: list[Check]
    incidents: list[Incident]
    changes: list[str]
    figures: dict[str, Figure]

    @property
    def name(self) -> str:
        """The month, as people write it."""
        return f"{self.month.first:%B %Y}"

    @property
    def so_far(self) -> bool:
        """Whether the month is not over."""
        return self.now.date() < following(self.month.first)

    @property
    def headline(self) -> str:
        """The month in one sentence: what its decisions added to no model."""
        month, currency = self.month, self.project.value.currency
        if not month.decisions:
            return f"No decision was asked for in {self.name}."
        if not month.policies:
            return self.worth
        so_far = " so far" if self.so_far else ""
        return (
            f"{month.decisions:,} decisions added {self.more(month.added.total)} {currency}"
            f"{so_far} ({INTERVAL}: {self.interval}) to the best policy without a model, to "
            f"{' or to '.join(month.policies)}."
        )

    @property
    def interval(self) -> str:
        """The ends of the interval of what was added."""
        return f"{self.more(self.month.added.low)} to {self.more(self.month.added.high)}"

    @property
    def beneath(self) -> list[str]:
        """What stands beneath the headline, a sentence each."""
        worth = self.worth if self.month.policies and self.month.decisions else ""
        made_up = MADE_UP if self.made_up else ""
        return [sentence for sentence in (made_up, worth, self.verdict, self.beside) if sentence]

    @property
    def worth(self) -> str:
        """What the decisions were worth by themselves, in one sentence."""
        month, currency = self.month, self.project.value.currency
        so_far = " so far" if self.so_far else ""
        return (
            f"{month.decisions:,} decisions were worth {self.money(month.value)} {currency}"
            f"{so_far}: {self.money(month.realised.total)} realised, "
            f"{self.money(month.estimated.total)} estimated."
        )

    @property
    def beside(self) -> str:
        """What is not among the decisions, in one sentence."""
        said = [f"{rows:,} {REASONS[reason]}" for reason, rows in self.not_counted.items()]
        return f"Not counted: {', '.join(said)}." if said else ""

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The table of value: what, as promised, as it was."""
        month, volume = self.month, self.project.value.monthly_volume
        known, waiting = month.realised, month.estimated
        rows = [
            ("Decisions", f"{volume:,}", f"{month.decisions:,}"),
            ("of which the outcome is known", "", f"{known.rows:,}"),
            (
                "Value of a decision, realised",
                f"{self.promised:,.2f}",
                f"{known.value:,.2f}" if known.rows else "not known yet",
            ),
            ("Value, realised", "", self.money(known.total)),
        ]
        if waiting.rows:
            each, all_ = waiting.off, waiting.off * waiting.rows
            rows += [
                (
                    "Value of a decision, estimated where it is not known yet",
                    "",
                    f"{waiting.value:,.2f} ± {each:,.2f}",
                ),
                ("Value, estimated", "", f"{self.money(waiting.total)} ± {self.money(all_)}"),
            ]
        name = "Value of the month so far" if self.so_far else "Value of the month"
        rows.append((name, self.money(self.promised * volume), self.money(month.value)))
        if month.policies:
            name = f"Added to the policy to {' or to '.join(month.policies)}"
            unknown = math.isnan(self.promised_more)
            promised = "" if unknown else self.more(self.promised_more * volume)
            rows += [
                (name, promised, self.more(month.added.total)),
                (f"Added: the {INTERVAL}", "", self.interval),
            ]
        return rows

    @property
    def verdict(self) -> str:
        """What a decision was worth against what was promised for it, in one sentence."""
        month, currency = self.month, self.project.value.currency
        counted = month.realised.rows + month.estimated.rows
        if not counted:
            return ""
        each = month.value / counted
        return (
            f"A decision was worth {each:,.2f} {currency}, where the model's trial on unseen cases "
            f"had promised {month.promised:,.2f} {currency}."
        )

    @staticmethod
    def money(amount: float) -> str:
        """Write an amount without cents."""
        return f"{round(amount) + 0:,}"

    @staticmethod
    def more(amount: float) -> str:
        """Write a difference without cents."""
        return f"{round(amount) + 0:+,}"


REASONS = {
    "closed": "about cases whose outcome was known already",
    "trial": "on trial, by which nobody decided",
}
"""Why a prediction is no decision, by the reasons of `not_counted`."""

NOTES = (
    (
        "Decision: a prediction about an open case, whose outcome was not known when it was given. "
        "Rows that the model learned from, trials and back-tests are none."
    ),
    "Realised: the outcome is known, and the decision is counted with what it earned or cost.",
    (
        "Estimated: the outcome is not known yet; the decision is counted with what decisions on "
        f"such predictions earned in the trial on unseen cases. ± holds in {OF_100} cases, as long "
        "as the world answers as it did then."
    ),
    (
        "Promised: the value of a decision in the trial, times the decisions a month that the "
        "charter expects. What a decision is worth stands in config/business.toml; a change there "
        "holds for all months."
    ),
    (
        "Added: what the decisions earned, and are estimated to earn, above what the best policy "
        "without a model would have earned on the same cases. Such a policy decides alike on all, "
        "or is today's rule where that is known: the best is the one that was best in the trial. "
        f"In {OF_100} months the interval holds what such decisions add on average, times their "
        "number."
    ),
    "A case that was decided on several times in the month is counted once, by the last decision.",
)


def monthly_reports(
    connection: Connection, project: Project, contract: Contract, month: str | None = None
) -> list[Path]:
    """Write a month's page and PDF to artifacts/reports/; returns their paths.

    Without a month, this one so far, and the one before if anything was decided in it: outcomes
    have come in since.

    Raises:
        ProjectError: there is no such month, or it has not begun.

    """
    today = datetime.now(UTC).date()
    if refused(project):
        return []  # nobody has decided by a model yet
    if month is not None:
        return _write(_facts(connection, project, contract, _first_of(month, today)), project)
    written = _write(_facts(connection, project, contract, today.replace(day=1)), project)
    last = before(today)
    if month_of(connection, project, contract, last).decisions:
        written += _write(_facts(connection, project, contract, last), project)
    return written


def _first_of(month: str, today: date) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month.startswith("0000"):
        raise ProjectError(f"--month {month}: write it as a year and a month, such as 2026-10")
    first = date.fromisoformat(f"{month}-01")
    if first > today:
        raise ProjectError(f"--month {month}: it has not begun")
    return first


def _write(facts: Facts, project: Project) -> list[Path]:
    page = project.artifacts / "reports" / f"{facts.month.first:%Y-%m}.html"
    text = ENVIRONMENT.get_template("monthly.html").render(
        facts=facts,
        business=project.settings(Business),
        currency=project.value.currency,
        notes=NOTES,
        plots={title: as_data(figure) for title, figure in facts.figures.items()},
    )
    write_atomically(page, text)
    document = page.with_suffix(".pdf")
    monthly_pdf.write(facts, NOTES, document)
    return [page, document]


def _facts(connection: Connection, project: Project, contract: Contract, first: date) -> Facts:
    registry = Registry(project.artifacts / "registry")
    champion = registry.require("champion")
    now = datetime.now(UTC)
    months = last_months(connection, project, contract, first)
    month = months[-1] if months else month_of(connection, project, contract, first)
    figures = {}
    if any(each.decisions for each in months):
        figures["Value, a month"] = value_figure(months, project.value.currency)
    days = daily_volume(connection, first, following(first))
    if days:
        figures["Predictions a day"] = day_figure(days, first, following(first))
    trial = on_holdout(project, champion)
    return Facts(
        project,
        month,
        now,
        promised=float(trial.earned.mean()),
        promised_more=float(trial.added.mean()),
        made_up=bool((registry.noted(champion, "evaluation") or {}).get("made_up")),
        not_counted=not_counted(connection, midnight(first), midnight(following(first))),
        checks=_checks(connection, first),
        incidents=[each for each in incidents(project) if _in(each, first)],
        changes=_changes(project, contract, first, now.date()),
        figures=figures,
    )


def _in(incident: Incident, first: date) -> bool:
    """Tell whether an incident was open at any time of the month."""
    begins, ends = (midnight(day).replace(tzinfo=UTC) for day in (first, following(first)))
    return incident.began < ends and (incident.cleared is None or incident.cleared >= begins)


def _checks(connection: Connection, first: date) -> list[Check]:
    """Sum up the verdicts on the data, run by run, and the other findings, day by day."""
    answers: dict[str, list[Verdict | Noted]] = {}
    for verdict in between(connection, first, following(first)):
        answers.setdefault(f"data:{verdict.name}", []).append(verdict)
    by_run = set(answers)
    for noted in kept(connection, first, following(first)):
        if noted.incident not in by_run:
            answers.setdefault(noted.incident, []).append(noted)
    found = {name: _check(name, said) for name, said in answers.items()}
    calm = [name for name in found if name.startswith("drift:") and not found[name].troubles]
    if calm:
        # Before there were predictions enough, the columns were asked about together.
        early = found.pop("drift", None)
        longest = max(found.pop(name).judged for name in calm)
        words = f"{len(calm)} columns, one by one"
        unknown = early.unknown if early else 0
        found["drift"] = Check(question("drift"), longest, 0, unknown, words)
    return sorted(found.values(), key=lambda check: (-check.troubles, check.question))


def _check(name: str, answers: Sequence[Verdict | Noted]) -> Check:
    levels = Counter(answer.level for answer in answers)
    unknown = levels.pop("unknown", 0)
    judged = levels.total()
    return Check(question(name), judged, judged - levels["fine"], unknown, answers[-1].message)


def _changes(project: Project, contract: Contract, first: date, today: date) -> list[str]:
    """Say which models became champion in the month, why, and what they see that is new."""
    registry = Registry(project.artifacts / "registry")
    said = []
    for entry in registry.promotions():
        at = datetime.fromisoformat(entry["at"]).date()
        if not first <= at < following(first):
            continue
        said.append(f"{at:%Y-%m-%d}: {entry['version']} decides from now on: {entry['reason']}.")
        before = entry["previous"]
        if before and registry.folder(before).is_dir():
            contracts = (
                contract_file.load(registry.folder(version) / CONTRACT_FILE)
                for version in (before, entry["version"])
            )
            said += [f"{entry['version']}: {change}" for change in changes(*contracts)]
    if first <= today < following(first):
        champion = registry.require("champion")
        old = contract_file.load(registry.folder(champion) / CONTRACT_FILE)
        said += [f"The next model: {change}" for change in changes(old, contract)]
    return said
