"""How it stands, and how it ended: the status report and the exit report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import Document, Section, Table, typed
from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.engagement import sections
from fourhats_runtime.engagement.acceptance import Acceptance, noted
from fourhats_runtime.engagement.parties import Head, head
from fourhats_runtime.engagement.phrases import gained, measure, policy, question, with_interval
from fourhats_runtime.engagement.protocol import measured
from fourhats_runtime.engagement.risks import open_incidents, risks
from fourhats_runtime.engagement.spent import Spent, spent
from fourhats_runtime.engagement.terms import Terms, read_terms
from fourhats_runtime.lifecycle.ledger import Experiment, experiments
from fourhats_runtime.lifecycle.registry import Card, Promotion, Registry
from fourhats_runtime.monitor.incident_log import incidents
from fourhats_runtime.project import Project

if TYPE_CHECKING:
    from fourhats_runtime.documents.language import Language
    from fourhats_runtime.documents.parts import Part

USUAL_DAYS = 7
"""A status report is of so many days, unless it is said otherwise."""


def write_status(
    project: Project, since: date | None, hours: Path | None, *, overwrite: bool = False
) -> list[Path]:
    """Write the status report of the days from one on, by default of the last seven.

    Raises:
        ProjectError: a file cannot be read, or a block of the document is damaged.

    """
    since = since or datetime.now(UTC).date() - timedelta(days=USUAL_DAYS)
    found, say = _stand(project, hours), sections.language(project)
    _ = say.text
    title = _("Status report")
    none_done = _("No model was trained, and none decides since.")
    none_moved = _("No risk: no incident began, and none was over.")
    document = Document(
        "status",
        title,
        [
            sections.head(project, found.head, title, say),
            Section(
                "done",
                _("Done since {day}").format(day=say.in_full(since)),
                sections.listed(_done(found, since), none_done, say),
            ),
            Section(
                "follows",
                _("What follows"),
                sections.listed(_next(project, found), _("Nothing is open."), say),
            ),
            _figures(found, say),
            Section(
                "criteria",
                _("Criteria of acceptance"),
                measured(found.acceptance, project.name, say),
            ),
            Section(
                "risks",
                _("Risks that moved"),
                sections.listed(_moved(project, since), none_moved, say),
            ),
            _money(found.spent, say),
            Section(
                "steps",
                _("Next steps"),
                asks=_(
                    "To be filled in below: what is planned, by whom, by when; what the client is "
                    "asked for."
                ),
            ),
        ],
    )
    return sections.write(project, document, overwrite=overwrite)


def write_exit_report(
    project: Project, hours: Path | None, *, overwrite: bool = False
) -> list[Path]:
    """Write what was promised, and what was reached.

    Raises:
        ProjectError: a file cannot be read, or a block of the document is damaged.

    """
    found, say = _stand(project, hours), sections.language(project)
    _ = say.text
    title = _("Exit report")
    open_ = [
        Phrase("{what}: {why} ({source})", what=each.what, why=each.why, source=each.source)
        for each in risks(project)
    ]
    reached = [
        *measured(found.acceptance, project.name, say),
        _("Models that were trained: {count}. These decided:").format(
            count=say.number(len(found.experiments))
        ),
        *sections.listed(map(_decides, found.promotions), _("None."), say),
    ]
    document = Document(
        "exit_report",
        title,
        [
            sections.head(project, found.head, title, say),
            Section(
                "promised",
                _("What was promised"),
                [*sections.promised(project, found.terms, say)],
            ),
            Section("reached", _("What was reached"), reached),
            _figures(found, say),
            Section(
                "open",
                _("What is open"),
                sections.listed(open_, _("Nothing that the project knows of."), say),
            ),
            _money(found.spent, say),
            Section(
                "lessons",
                _("Lessons"),
                asks=_(
                    "To be filled in below: what went well, what did not, what the next one should "
                    "know."
                ),
            ),
            sections.signatures(found.head, say),
        ],
    )
    return sections.write(project, document, overwrite=overwrite)


@dataclass(frozen=True)
class _Stand:
    """What is known of how it stands."""

    head: Head
    terms: Terms
    acceptance: Acceptance | None
    evaluation: Card
    """Of the champion; empty: it was not evaluated."""
    experiments: list[Experiment]
    promotions: list[Promotion]
    spent: Spent


def _stand(project: Project, hours: Path | None) -> _Stand:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    terms = read_terms(project)
    return _Stand(
        head(project),
        terms,
        noted(project, champion),
        (registry.noted(champion, "evaluation") if champion else None) or {},
        experiments(project),
        registry.promotions(),
        spent(project, terms, hours),
    )


def _done(found: _Stand, since: date) -> list[Phrase]:
    """Say what was trained and which model decided since, the oldest first."""
    said = []
    for each in found.experiments:
        if each.at and datetime.fromisoformat(each.at).date() >= since:
            words = Phrase("{day:day}: trained {version}", day=each.at[:10], version=each.version)
            if each.note:
                words = Phrase("{what}: {why}", what=words, why=each.note)
            said.append((each.at, words))
    said += [
        (each["at"], _decides(each))
        for each in found.promotions
        if datetime.fromisoformat(each["at"]).date() >= since
    ]
    return [words for _, words in sorted(said, key=lambda each: each[0])]


def _decides(promotion: Promotion) -> Phrase:
    facts = {"day": promotion["at"][:10], "version": promotion["version"]}
    if promotion["how"] == "promoted":
        return Phrase("{day:day}: {version} decides from now on", **facts)
    return Phrase("{day:day}: rolled back to {version}", **facts)


def _next(project: Project, found: _Stand) -> Iterator[Phrase]:
    """Say what follows from what is open."""
    for each in open_incidents(project):
        yield Phrase(
            "settle what monitoring found: {question}: {message}",
            question=question(each.name),
            message=each.message,
        )
    if found.acceptance is None:
        yield Phrase("measure the criteria: `uv run {name} accept`", name=project.name)
    else:
        for criterion in found.acceptance.open:
            facts = {"what": criterion.what, "measured": criterion.measured}
            if criterion.state == "not met":
                yield Phrase("meet the criterion: {what} ({measured})", **facts)
            else:
                yield Phrase("have the criterion measured: {what} ({measured})", **facts)
    if found.experiments and found.experiments[-1].verdict in {"trained", "evaluated"}:
        version = found.experiments[-1].version
        yield Phrase("decide on {version}, the latest model", version=version)


def _moved(project: Project, since: date) -> list[Phrase]:
    """Say which incidents began or were over, the oldest first."""
    said = []
    for each in incidents(project):
        facts = {"question": question(each.name)}
        if each.began.date() >= since:
            day = each.began.date().isoformat()
            words = Phrase(
                "{day:day}: no longer so: {question}: {message}",
                day=day,
                message=each.message,
                **facts,
            )
            said.append((each.began, words))
        if each.cleared and each.cleared.date() >= since:
            day = each.cleared.date().isoformat()
            said.append((each.cleared, Phrase("{day:day}: so again: {question}", day=day, **facts)))
    return [words for _, words in sorted(said, key=lambda each: each[0])]


def _figures(found: _Stand, say: Language) -> Section:
    """Say what the model that decides adds, and how good it is, on rows that it has not seen."""
    _ = say.text
    parts: list[Part] = [_("No model was evaluated yet.")]
    evaluation = found.evaluation
    if evaluation:
        gain, volume = evaluation["gain"], evaluation["monthly_volume"]
        mean, low, high = (gain[each] * volume for each in ("gain", "low", "high"))
        adds = Phrase(
            "{version} adds {gain} a month to the best policy without a model: {over}",
            version=found.head.champion,
            gain=gained(mean, low, high, evaluation["currency"]),
            over=policy(gain["over"]),
        )
        parts = [f"{typed(say.phrase(adds))}."]
        if evaluation.get("made_up"):
            parts.append(
                _(
                    "The rows are made up, as no source is set up yet: no amount of money here is "
                    "a real one."
                )
            )
        columns = (
            _("On {rows} unseen rows").format(rows=say.number(evaluation["rows"])),
            _("Figure (95% interval)"),
        )
        rows = [
            (typed(say.phrase(measure(name))), typed(say.phrase(with_interval(figure))))
            for name, figure in evaluation["figures"].items()
        ]
        parts.append(Table(columns, rows, (1,)))
    return Section("figures", _("Figures of the model that decides"), parts)


def _package(title: Phrase, say: Language) -> str:
    """Name a package of work, in whose text the answer has no name, or which is the user's own."""
    return say.text(title.text).replace("{}", title.facts["answer"])


def _money(found: Spent, say: Language) -> Section:
    """Set what was spent beside what was expected."""
    _ = say.text
    unknown = _("not known")

    def days(amount: float | None) -> str:
        return unknown if amount is None else say.days(amount)

    def money(amount: float | None, rate: float) -> str:
        return unknown if amount is None else say.money(amount * rate, found.currency)

    three = (found.days, found.p50, found.p80)
    rows = [(_("Days"), *map(days, three))]
    if (rate := found.day_rate) is not None:
        name = _("At {rate} a day").format(rate=say.money(rate, found.currency))
        rows.append((name, *(money(each, rate) for each in three)))
    rows += [
        (typed(_package(each.title, say)), say.days(each.spent), say.days(each.expected), "")
        for each in found.packages
    ]
    if found.other:
        rows.append((_("In no package of the estimate"), say.days(found.other), "", ""))
    columns = ("", _("Spent"), _("Expected (P50)"), _("In 4 of 5 cases at most (P80)"))
    parts: list[Part] = [Table(columns, rows, (1, 2, 3))]
    if found.budget is not None and found.day_rate is not None and found.days is not None:
        left = found.budget - found.days * found.day_rate
        parts.append(
            _("Of the budget of {budget}, {left} is left.").format(
                budget=say.money(found.budget, found.currency),
                left=say.money(left, found.currency),
            )
        )
    if found.days is None:
        words = _("What was spent is not known: name a time tracker's CSV by `--hours FILE`.")
        parts.append(words)
    if found.p50 is None:
        parts.append(_("There is no estimate: `fourhats estimate` writes one."))
    elif found.ends:
        parts.append(
            _("In 4 of 5 cases it is done by {day}.").format(day=sections.in_full(found.ends, say))
        )
    return Section("money", _("Days and money"), parts)
