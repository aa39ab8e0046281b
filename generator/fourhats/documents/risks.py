"""The risk register: what may happen, how likely it is, what it costs, and who sees it come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import NOTHING, Document, Part, Section, Table, typed
from fourhats_runtime.monitor.findings import QUESTIONS

from fourhats.documents import sections
from fourhats.documents.labels import hat
from fourhats.documents.sections import rows_to_fill
from fourhats.estimate.simulation import mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts
    from fourhats.estimate.simulation import Plan

NAME = "risk-register"


@dataclass(frozen=True)
class Entry:
    """A risk of the register."""

    title: str
    who: str
    watch: str = ""
    """A question of the project's monitoring."""
    likelihood: float | None = None
    days: float | None = None
    """What it takes more where it comes true."""


def risk_register(facts: Facts, say: Language) -> Document:
    """Write the register."""
    _ = say.text
    name = _("Risk register")
    head, rows = register_rows(facts, say)
    return Document(
        NAME,
        name,
        [
            sections.head(facts, say, name),
            Section("risks", _("Risks"), [Table(head, rows, (2, 3, 4)), *_how(facts, say)]),
            Section(
                "own",
                _("Further risks"),
                asks=_("To be filled in below, a row an entry."),
                starter=rows_to_fill(
                    say,
                    _("Risk"),
                    _("Likelihood"),
                    _("If it comes true"),
                    _("Watched by"),
                    _("What is done about it"),
                ),
            ),
        ],
    )


def register_rows(facts: Facts, say: Language) -> tuple[list[str], list[list[str]]]:
    """Give the head of the register and its rows: the most expensive first."""
    _ = say.text
    terms = facts.estimate.terms
    head = ["", _("Risk"), _("Likelihood"), _("If it comes true"), _("Expected")]
    head += [_("Watched by"), _("Seen by monitoring")]

    def amount(days: float | None) -> str:
        if days is None:
            return NOTHING
        if not days:
            return _("delay only")
        if terms.day_rate is None:
            return _("{days} days").format(days=say.days(days))
        return say.money(days * terms.day_rate, terms.currency)

    found = sorted(
        _entries(facts, say), key=lambda each: -(each.likelihood or 0) * (each.days or 0)
    )
    rows = [
        [
            f"R{number}",
            each.title,
            NOTHING if each.likelihood is None else say.share(each.likelihood),
            amount(each.days),
            amount(None if each.days is None else (each.likelihood or 0) * each.days),
            each.who,
            _(QUESTIONS[each.watch]) if each.watch in QUESTIONS else typed(each.watch) or NOTHING,
        ]
        for number, each in enumerate(found, start=1)
    ]
    return head, rows


def _entries(facts: Facts, say: Language) -> Iterator[Entry]:
    _ = say.text
    plan = facts.estimate.plan
    for name, risk in plan.risks.items():
        yield Entry(
            typed(_(risk.title)),
            hat(risk.hat, say),
            risk.watch,
            risk.likelihood,
            days_more(name, plan),
        )
    yield from _found(facts, say)
    scientist = hat("data scientist", say)
    owner = typed(facts.engagement.owner) or hat("project manager", say)
    if facts.searches:
        yield Entry(_("Answers are worth less than promised"), owner, "search:value")
        yield Entry(_("People ask for something else than before"), scientist, "search:questions")
        return
    yield Entry(_("The model earns less than promised once it decides"), owner, "performance:value")
    yield Entry(_("The cases change, and the model is no longer right"), scientist, "drift")


def days_more(name: str, plan: Plan) -> float:
    """Give the days of work that a risk adds on average where it comes true; waits cost none.

    Packages and risks are drawn independently of each other: the mean of each product is that of
    its factors, one for the package, one for each other risk that affects it.
    """

    def factor(other: str, kind: str) -> float:
        risk = plan.risks[other]
        return 1 + risk.likelihood * (mean(risk.days) - 1) if kind in risk.affects else 1.0

    risk = plan.risks[name]
    others = [each for each in plan.risks if each != name]
    return sum(
        mean(each.days)
        * plan.factors.get(each.kind, 1.0)
        * math.prod(factor(other, each.kind) for other in others)
        * (mean(risk.days) - 1)
        for each in plan.packages
        if each.kind in risk.affects
    )


def _found(facts: Facts, say: Language) -> Iterator[Entry]:
    """Give what diagnosis and contract say of this client's data."""
    _ = say.text
    scientist, engineer = hat("data scientist", say), hat("data engineer", say)
    found, contract = facts.diagnosis, facts.contract
    if found is not None:
        if found.first_point is None:
            yield Entry(
                _("How much a model finds in this data is not known before the first stage"),
                scientist,
            )
        elif found.first_point.gain_a_month.low <= 0:
            yield Entry(
                _("By the diagnosis, a model may add nothing to what is done without one"),
                scientist,
                "performance:value",
            )
        if found.verdict.answer == "no go":
            yield Entry(_("The diagnosis recommends not to build it"), hat("project manager", say))
    if contract is None:
        return
    late = [typed(column.source) for column in contract.columns if column.leak == "suspected"]
    if late:
        words = _("Known only after the outcome, as it seems, and left out: {columns}")
        yield Entry(words.format(columns=say.listed(late)), scientist, "calibration")
    personal = [typed(column.source) for column in contract.columns if column.pii]
    if personal:
        words = _("Personal data gets where it must not: {columns}")
        yield Entry(words.format(columns=say.listed(personal)), engineer)


def _how(facts: Facts, say: Language) -> list[Part]:
    _ = say.text
    words = [
        _(
            "If it comes true: the days of work that it adds on average, at the day rate. "
            "Expected: times its likelihood. A dash: nobody has put a number to it."
        )
    ]
    if facts.estimate.terms.day_rate is None:
        words = [
            _(
                "If it comes true: the days of work that it adds on average. Expected: times its "
                "likelihood. A dash: nobody has put a number to it. The money follows once the day "
                "rate is given (day_rate in [estimate])."
            )
        ]
    return list(words)
