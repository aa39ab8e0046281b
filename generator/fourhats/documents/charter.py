"""The charter: what both sides agree on before the work begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.business import ActionValue, NumberValue, SearchValue
from fourhats_runtime.documents.parts import Document, Part, Points, Section, Table, typed

from fourhats.diagnose.terms import ASSUMED
from fourhats.documents import sections
from fourhats.documents.acceptance import acceptance
from fourhats.documents.proposal import assumed, diagnosed
from fourhats.documents.risks import register_rows
from fourhats.documents.sections import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts

NAME = "charter"
MOST_RISKS = 5


def charter(facts: Facts, say: Language) -> Document:
    """Write the charter."""
    _ = say.text
    name = _("Project charter")
    return Document(
        NAME,
        name,
        [
            sections.head(facts, say, name),
            _problem(facts, say),
            _root_cause(facts, say),
            _value(facts, say),
            _scope(facts, say),
            _stakeholders(facts, say),
            Section("assumptions", _("Assumptions and limits"), [Points([*assumed(facts, say)])]),
            _risks(facts, say),
            _timeline(facts, say),
            _cost(facts, say),
            acceptance(facts, say),
            _data_protection(facts, say),
            sections.signatures(facts, say),
        ],
    )


def _problem(facts: Facts, say: Language) -> Section:
    _ = say.text
    engagement = facts.engagement
    parts: list[Part] = [typed(engagement.problem)] if engagement.problem else []
    if engagement.costs_today:
        parts.append(_("What it costs today: {text}").format(text=typed(engagement.costs_today)))
    missing = {
        _("the problem"): engagement.problem,
        _("what it costs today (costs_today)"): engagement.costs_today,
    }
    asks = asked(say, *(name for name, text in missing.items() if not text))
    return Section("problem", _("The problem"), [*parts, *diagnosed(facts, say)], asks)


def _root_cause(facts: Facts, say: Language) -> Section:
    _ = say.text
    whys = facts.engagement.whys
    rows = [
        (
            say.number(number),
            typed(why.because),
            _("assumed") if why.evidence == ASSUMED else typed(why.evidence),
        )
        for number, why in enumerate(whys, start=1)
    ]
    parts = [Table((_("Why"), _("Because"), _("Evidence")), rows)] if rows else []
    asks = "" if rows else asked(say, _("why it is so, up to five times, with evidence (whys)"))
    return Section("root-cause", _("Root cause"), parts, asks)


def _value(facts: Facts, say: Language) -> Section:
    _ = say.text
    engagement = facts.engagement
    said = {
        sections.what_changes(facts, say): facts.decision,
        _("Who decides on it: {text}"): engagement.owner,
        _("What is done today: {text}"): engagement.today,
    }
    lines = [words.format(text=typed(text)) for words, text in said.items() if text]
    lines += [
        _("Alternative without a model: {text}").format(text=typed(each))
        for each in engagement.alternatives
    ]
    lines += worth(facts, say)
    missing = {
        _("what is done today (today)"): engagement.today,
        _("what could be done without a model (alternatives)"): engagement.alternatives,
        _("what decisions are worth (config/business.toml)"): facts.value,
    }
    asks = asked(say, *(name for name, found in missing.items() if not found))
    return Section("value", _("The decision and its value"), [Points(lines)] if lines else [], asks)


def worth(facts: Facts, say: Language) -> Iterator[str]:
    """Say what decisions are worth, and how many there are."""
    _ = say.text
    value = facts.value
    if value is None:
        return
    lines: dict[str, float] = {}
    if isinstance(value, NumberValue):
        lines = {
            _("An exact prediction is worth {amount}"): value.right,
            _("One that is far off costs, at most, {amount}"): -value.wrong,
        }
    elif isinstance(value, ActionValue):
        lines = {
            _("Acting rightly is worth {amount}"): value.act_right,
            _("Acting in vain is worth {amount}"): value.act_wrong,
            _("Missing a case is worth {amount}"): value.missed,
            _("Leaving a case rightly is worth {amount}"): value.left_alone,
        }
    elif isinstance(value, SearchValue):
        lines = {
            _("A right document among the answers is worth {amount}"): value.found,
            _("Answers of which none is right cost {amount}"): -value.wrong,
            _("Looking at one answer costs {amount}"): -value.reading,
        }
    for words, amount in lines.items():
        yield words.format(amount=say.money(amount, value.currency))
    if isinstance(value, NumberValue):
        yield _("A prediction is worth nothing from an error of {error} on").format(
            error=say.number(value.tolerance, 4)
        )
    many = _("{volume} decisions a month are taken by it.")
    if isinstance(value, SearchValue):
        many = _("{volume} questions a month are asked.")
    yield many.format(volume=say.number(value.monthly_volume))


def _scope(facts: Facts, say: Language) -> Section:
    _ = say.text
    return Section(
        "scope",
        _("Scope"),
        [
            _("Included:"),
            sections.delivered(facts, say),
            _("Not included:"),
            sections.excluded(facts, say),
        ],
    )


def _stakeholders(facts: Facts, say: Language) -> Section:
    _ = say.text
    engagement = facts.engagement
    rows = [(typed(each.name), typed(each.stake)) for each in engagement.stakeholders]
    if engagement.owner:
        owner = typed(engagement.owner)
        rows.insert(0, (owner, _("decides by the predictions, and when they go live")))
    parts = [Table((_("Who"), _("Stake")), rows)] if rows else []
    asks = "" if engagement.stakeholders else asked(say, _("who else has a stake (stakeholders)"))
    return Section("stakeholders", _("Stakeholders"), parts, asks)


def _risks(facts: Facts, say: Language) -> Section:
    _ = say.text
    head, rows = register_rows(facts, say)
    kept = (1, 2, 3, 5)  # what, how likely, at what cost, who watches
    return Section(
        "risks",
        _("Greatest risks"),
        [
            Table(
                [head[n] for n in kept], [[r[n] for n in kept] for r in rows[:MOST_RISKS]], (1, 2)
            ),
            _("The risk register names all of them."),
        ],
    )


def _timeline(facts: Facts, say: Language) -> Section:
    _ = say.text
    parts = [*sections.timetable(facts, say), sections.stage_table(facts, say)]
    asks = asked(say, _("the deadline (deadline)")) if facts.engagement.deadline is None else ""
    return Section("timeline", _("Timeline"), parts, asks)


def _cost(facts: Facts, say: Language) -> Section:
    _ = say.text
    lines = list(sections.cost_lines(facts, say))
    missing = {
        _("the day rate (day_rate in [estimate])"): facts.estimate.terms.day_rate,
        _("the budget (budget)"): facts.engagement.budget,
        _("the expected benefit (value_a_month in [estimate])"): facts.estimate.worth,
    }
    asks = asked(say, *(name for name, found in missing.items() if found is None))
    return Section("cost", _("Cost and benefit"), [Points(lines)] if lines else [], asks)


def _data_protection(facts: Facts, say: Language) -> Section:
    _ = say.text
    limits, contract = facts.engagement.constraints, facts.contract
    lines = []
    if contract is not None:
        personal = [typed(column.source) for column in contract.columns if column.pii]
        lines.append(
            _("Columns with personal data, which no model learns from: {columns}").format(
                columns=say.listed(personal)
            )
            if personal
            else _("Personal data: none is known in the columns of the data contract")
        )
    if limits.personal_data:
        lines.append(_("Agreed: {text}").format(text=typed(limits.personal_data)))
    if limits.on_clients_machines:
        lines.append(_("The data stays on the client's own machines"))
    missing = [
        _("the legal basis and the purpose of the processing"),
        _("how long the data is kept, and who deletes it"),
        _("the agreement on processing on the client's behalf, if there has to be one"),
    ]
    if contract is None:
        missing.insert(0, _("which columns hold personal data (config/contract.toml)"))
    asks = asked(say, *missing)
    return Section("data-protection", _("Data protection"), [Points(lines)] if lines else [], asks)
