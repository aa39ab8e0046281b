"""The proposal, which is the statement of work once it is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import Document, Part, Points, Section, Table, typed

from fourhats.documents import sections
from fourhats.documents.acceptance import acceptance
from fourhats.documents.labels import hat, title
from fourhats.documents.sections import asked
from fourhats.documents.stages import spans, stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts

NAME = "proposal"


def proposal(facts: Facts, say: Language) -> Document:
    """Write the proposal."""
    _ = say.text
    name = _("Proposal and statement of work")
    return Document(
        NAME,
        name,
        [
            sections.head(facts, say, name),
            _problem(facts, say),
            _approach(facts, say),
            Section("deliverables", _("What you get"), [sections.delivered(facts, say)]),
            Section("excluded", _("What is not included"), [sections.excluded(facts, say)]),
            _provided(facts, say),
            _timeline(facts, say),
            _price(facts, say),
            acceptance(facts, say),
            _changes(facts, say),
            _assumptions(facts, say),
            sections.signatures(facts, say),
        ],
    )


def _problem(facts: Facts, say: Language) -> Section:
    _ = say.text
    engagement = facts.engagement
    said = {
        _("What it costs today: {text}"): engagement.costs_today,
        _("What is done today: {text}"): engagement.today,
        sections.what_changes(facts, say): facts.decision,
        _("Who decides on it: {text}"): engagement.owner,
    }
    lines = [words.format(text=typed(text)) for words, text in said.items() if text]
    parts: list[Part] = [typed(engagement.problem)] if engagement.problem else []
    parts += [Points(lines)] if lines else []
    parts += diagnosed(facts, say)
    missing = {
        _("the problem"): engagement.problem,
        _("what it costs today (costs_today)"): engagement.costs_today,
        _("what is done today (today)"): engagement.today,
    }
    asks = asked(say, *(name for name, text in missing.items() if not text))
    return Section("problem", _("The problem"), parts, asks)


def diagnosed(facts: Facts, say: Language) -> Iterator[str]:
    """Say what the diagnosis of the client's data came to."""
    _ = say.text
    found = facts.diagnosis
    if found is None:
        return
    yield _(
        "On the client's own data, a model that is never wrong would add {most} a month to the "
        "best that can be done without one."
    ).format(most=say.money(found.a_month.headroom, found.currency))
    if found.first_point is not None:
        gain = found.first_point.gain_a_month
        value, low, high = (say.money(e, found.currency) for e in (gain.value, gain.low, gain.high))
        yield _(
            "A first plain model, judged on cases that it had not learnt from, adds {value} a "
            "month (95% interval: {low} to {high})."
        ).format(value=value, low=low, high=high)
    yield {
        "go": _("The recommendation is to build it."),
        "first stage": _(
            "The recommendation is to commission the first stage only, and to decide "
            "on the rest by what it finds."
        ),
        "no go": _("The recommendation is not to build it."),
    }[found.verdict.answer]


def _approach(facts: Facts, say: Language) -> Section:
    _ = say.text
    names = sections.stage_names(say)
    work = [
        _("**{stage}:** {work}").format(
            stage=names[place], work=say.apart(typed(title(each, say)) for each in stage.packages)
        )
        for place, stage in enumerate(stages(facts.estimate))
    ]
    return Section(
        "approach",
        _("Approach"),
        [
            _("The work is done in stages. Only the first is commissioned with certainty."),
            Points(work),
            _(
                "**Exit after the first stage.** It ends with figures that were measured on the "
                "client's own data. By them the client decides whether the next stage begins. If "
                "it does not, the days worked until then are paid, all results up to then belong "
                "to the client, and nothing else is owed."
            ),
            sections.stage_table(facts, say),
            _(
                "The reserves of the stages add up to more than that of the whole, since hardly "
                "ever everything goes wrong at once."
            ),
        ],
    )


def _provided(facts: Facts, say: Language) -> Section:
    _ = say.text
    rows = [
        (typed(_(each.needs)), typed(title(each, say)), say.number(each.waits[1]))
        for each in facts.estimate.plan.packages
        if each.needs
    ]
    return Section(
        "provided",
        _("What the client provides"),
        [
            Table((_("What"), _("For"), _("Within working days")), rows, (2,)),
            _(
                "The working days count from when it is asked for. What comes later moves the "
                "dates by as much."
            ),
        ],
    )


def _timeline(facts: Facts, say: Language) -> Section:
    _ = say.text
    rows = [
        (
            typed(title(each.package, say)),
            hat(each.package.hat, say),
            say.day(each.begins),
            say.day(each.ends),
        )
        for each in spans(facts.estimate)
    ]
    return Section(
        "timeline",
        _("Timeline"),
        [
            *sections.timetable(facts, say),
            Table(
                (_("Work package"), _("Role"), _("Begins (likely)"), _("Done by (P80)")),
                rows,
                (2, 3),
            ),
        ],
        asked(say, _("the deadline (deadline)")) if facts.engagement.deadline is None else "",
    )


def _price(facts: Facts, say: Language) -> Section:
    _ = say.text
    lines = list(sections.cost_lines(facts, say))
    if facts.estimate.terms.day_rate is None:
        parts: list[Part] = [Points(lines)] if lines else []
        return Section(
            "price", _("Price"), parts, asked(say, _("the day rate (day_rate in [estimate])"))
        )
    return Section(
        "price",
        _("Price"),
        [
            Points(lines),
            _(
                "Work is charged by the days actually worked. The cost to be planned with was "
                "enough in four of five simulated engagements; whatever goes beyond it is agreed "
                "in writing beforehand. All amounts are net of taxes."
            ),
        ],
    )


def _changes(facts: Facts, say: Language) -> Section:
    _ = say.text
    rate = facts.estimate.terms.day_rate
    lines = [
        _("What is not in this document is a change. Either side asks for it in writing."),
        _("The contractor says in writing what it means for scope, dates and cost."),
        _(
            "It becomes part of the work when both sides have agreed in writing; until then the "
            "work goes on as described here."
        ),
    ]
    if rate is not None:
        lines.append(
            _("Changes are charged at the same day rate of {rate}.").format(
                rate=say.money(rate, facts.estimate.terms.currency)
            )
        )
    return Section("changes", _("Change requests"), [Points(lines)])


def _assumptions(facts: Facts, say: Language) -> Section:
    return Section("assumptions", say.text("Assumptions"), [Points(list(assumed(facts, say)))])


def assumed(facts: Facts, say: Language) -> Iterator[str]:
    """List what the estimate rests on, and the limits that were set."""
    _ = say.text
    estimate = facts.estimate
    terms = estimate.terms
    yield _("People who work on it: {people}, {days} days a week each.").format(
        people=say.number(terms.people), days=say.number(terms.days_a_week, 1)
    )
    if terms.country:
        place = " ".join(filter(None, (terms.country, terms.region)))
        yield _("No work is done on weekends and public holidays ({place}).").format(
            place=typed(place)
        )
    else:
        yield _("No work is done on weekends; public holidays are not taken off.")
    yield _(
        "Days, dates and cost come from {draws} simulated engagements of {packages} work "
        "packages and {risks} risks, which the risk register names."
    ).format(
        draws=say.number(len(estimate.draws.total)),
        packages=say.number(len(estimate.plan.packages)),
        risks=say.number(len(estimate.plan.risks)),
    )
    if facts.value is not None:
        yield _("{volume} decisions a month are taken by it.").format(
            volume=say.number(facts.value.monthly_volume)
        )
    yield _("The client may use and hand over the data for this purpose.")
    yield from limits(facts, say)


def limits(facts: Facts, say: Language) -> Iterator[str]:
    """List the constraints that somebody has set."""
    _ = say.text
    found = facts.engagement.constraints
    if found.explainable is not None:
        yield (
            _("Each decision has to be explained.")
            if found.explainable
            else _("Decisions need no explanation.")
        )
    if found.latency_ms is not None:
        yield _("An answer is needed within {ms} ms.").format(ms=say.number(found.latency_ms))
    if found.on_clients_machines is not None:
        yield (
            _("It runs on the client's own machines.")
            if found.on_clients_machines
            else _("It may run outside the client's own machines.")
        )
    yield from map(typed, found.others)
