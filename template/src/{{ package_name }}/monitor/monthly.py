"""The client's page: what the decisions of a month were worth, and what happened in it.

As a self-contained HTML page, which also prints, and as PDF.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from matplotlib.figure import Figure

from .. import contract as contract_file
from ..contract import Contract
from ..errors import ProjectError
from ..registry import CONTRACT_FILE, Registry, write_atomically
from ..settings import Settings
from ..verdicts import Verdict, between
from ..warehouse import Connection
from . import monthly_pdf
from .contract_changes import changes
from .decisions import on_holdout
from .findings import question
from .history import Noted, kept
from .incident_log import Incident, incidents
from .months import Month, before, following, last_months, month_of
from .page import ENVIRONMENT, as_data
from .service import daily_volume, midnight
from .time_plots import day_figure, value_figure

CERTAIN = 1.96  # standard errors: 95 of 100 intervals hold what they estimate


@dataclass(frozen=True)
class Check:
    """A question of the month: how often it was asked, how often not fine, and the last answer."""

    question: str
    asked: int
    troubles: int
    words: str


@dataclass(frozen=True)
class Facts:
    """What the page says."""

    settings: Settings
    month: Month
    now: datetime
    promised: float
    """The value of a decision of the champion on the holdout."""
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
        """The month in one sentence."""
        month, currency = self.month, self.settings.value.currency
        if not month.decisions:
            return f"No decision was asked for in {self.name}."
        so_far = " so far" if self.so_far else ""
        return (
            f"{month.decisions:,} decisions were worth {self.money(month.value)} {currency}"
            f"{so_far}: {self.money(month.realised.total)} realised, "
            f"{self.money(month.estimated.total)} estimated."
        )

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The table of value: what, as promised, as it was."""
        month, volume = self.month, self.settings.value.monthly_volume
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
            each, all_ = CERTAIN * waiting.error, CERTAIN * waiting.error * waiting.rows
            rows += [
                (
                    "Value of a decision, estimated where it is not known yet",
                    "",
                    f"{waiting.value:,.2f} ± {each:,.2f}",
                ),
                ("Value, estimated", "", f"{self.money(waiting.total)} ± {self.money(all_)}"),
            ]
        name = "Value of the month so far" if self.so_far else "Value of the month"
        return [*rows, (name, self.money(self.promised * volume), self.money(month.value))]

    @property
    def verdict(self) -> str:
        """What a decision was worth against what was promised for it, in one sentence."""
        month, currency = self.month, self.settings.value.currency
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


NOTES = (
    "Realised: the outcome is known, and the decision is counted with what it earned or cost.",
    (
        "Estimated: the outcome is not known yet; the decision is counted with what decisions on "
        "such predictions earned in the trial on unseen cases. ± holds in 95 of 100 cases, as long "
        "as the world answers as it did then."
    ),
    (
        "Promised: the value of a decision in the trial, times the decisions a month that the "
        "charter expects. What a decision is worth stands in config/business.toml; a change there "
        "holds for all months."
    ),
    "A case that was decided on several times in the month is counted once, by the last decision.",
)


def monthly_reports(
    connection: Connection, settings: Settings, contract: Contract, month: str | None = None
) -> list[Path]:
    """Write a month's page and PDF to artifacts/reports/; returns their paths.

    Without a month, this one so far, and the one before if anything was decided in it: outcomes
    have come in since.

    Raises:
        ProjectError: there is no such month, or it has not begun.

    """
    today = datetime.now(UTC).date()
    if month is not None:
        return _write(_facts(connection, settings, contract, _first_of(month, today)), settings)
    written = _write(_facts(connection, settings, contract, today.replace(day=1)), settings)
    last = before(today)
    if month_of(connection, settings, contract, last).decisions:
        written += _write(_facts(connection, settings, contract, last), settings)
    return written


def _first_of(month: str, today: date) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month.startswith("0000"):
        raise ProjectError(f"--month {month}: write it as a year and a month, such as 2026-10")
    first = date.fromisoformat(f"{month}-01")
    if first > today:
        raise ProjectError(f"--month {month}: it has not begun")
    return first


def _write(facts: Facts, settings: Settings) -> list[Path]:
    page = settings.artifacts / "reports" / f"{facts.month.first:%Y-%m}.html"
    text = ENVIRONMENT.get_template("monthly.html").render(
        facts=facts,
        business=settings.business,
        currency=settings.value.currency,
        notes=NOTES,
        plots={title: as_data(figure) for title, figure in facts.figures.items()},
    )
    write_atomically(page, text)
    document = page.with_suffix(".pdf")
    monthly_pdf.write(facts, NOTES, document)
    return [page, document]


def _facts(connection: Connection, settings: Settings, contract: Contract, first: date) -> Facts:
    champion = Registry(settings.artifacts / "registry").require("champion")
    now = datetime.now(UTC)
    months = last_months(connection, settings, contract, first)
    month = months[-1] if months else month_of(connection, settings, contract, first)
    figures = {}
    if any(each.decisions for each in months):
        figures["Value, a month"] = value_figure(months, settings.value.currency)
    days = daily_volume(connection, first, following(first))
    if days:
        figures["Predictions a day"] = day_figure(days, first, following(first))
    return Facts(
        settings,
        month,
        now,
        promised=float(on_holdout(settings, champion).earned.mean()),
        checks=_checks(connection, first),
        incidents=[each for each in incidents(settings) if _in(each, first)],
        changes=_changes(settings, contract, first, now.date()),
        figures=figures,
    )


def _in(incident: Incident, first: date) -> bool:
    """Tell whether an incident was open at any time of the month."""
    begins, ends = (midnight(day).replace(tzinfo=UTC) for day in (first, following(first)))
    return incident.began < ends and (incident.cleared is None or incident.cleared >= begins)


def _checks(connection: Connection, first: date) -> list[Check]:
    """Sum up the verdicts on the data, run by run, and the other findings, day by day."""
    last: dict[str, str] = {}
    asked: Counter[str] = Counter()
    troubles: Counter[str] = Counter()
    for verdict in between(connection, first, following(first)):
        _count(f"data:{verdict.name}", verdict, asked, troubles, last)
    judged = set(asked)
    for noted in kept(connection, first, following(first)):
        if noted.incident not in judged:
            _count(noted.incident, noted, asked, troubles, last)
    calm = [name for name in asked if name.startswith("drift:") and not troubles[name]]
    found = [
        Check(question(name), asked[name], troubles[name], last[name])
        for name in asked
        if name not in calm
    ]
    if calm:
        words = f"{len(calm)} columns, one by one"
        found.append(Check(question("drift"), max(asked[name] for name in calm), 0, words))
    return sorted(found, key=lambda check: (-check.troubles, check.question))


def _count(
    name: str,
    answer: Verdict | Noted,
    asked: Counter[str],
    troubles: Counter[str],
    last: dict[str, str],
) -> None:
    asked[name] += 1
    troubles[name] += answer.level != "fine"
    last[name] = answer.message


def _changes(settings: Settings, contract: Contract, first: date, today: date) -> list[str]:
    """Say which models became champion in the month, why, and what they see that is new."""
    registry = Registry(settings.artifacts / "registry")
    said = []
    for entry in registry.crownings():
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
