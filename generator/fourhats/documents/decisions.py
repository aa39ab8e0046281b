"""The decision log: what holds by the answers, which model decides since when, and one's own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import Document, Part, Points, Section, Table, typed

from fourhats.documents import sections
from fourhats.documents.charter import worth
from fourhats.documents.labels import label
from fourhats.documents.sections import rows_to_fill

if TYPE_CHECKING:
    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts

NAME = "decision-log"


def decision_log(facts: Facts, say: Language) -> Document:
    """Write the log."""
    _ = say.text
    name = _("Decision log")
    return Document(
        NAME,
        name,
        [
            sections.head(facts, say, name),
            _own(say),
            _answers(facts, say),
            _value(facts, say),
            _champions(facts, say),
        ],
    )


def _own(say: Language) -> Section:
    _ = say.text
    starter = rows_to_fill(say, _("Date"), _("Decision"), _("Reason"), _("Decided by"))
    asks = _("To be filled in below, a row an entry.")
    return Section("own", _("Decisions of both sides"), asks=asks, starter=starter)


def _answers(facts: Facts, say: Language) -> Section:
    _ = say.text
    asked = {
        "task": _("What is found") if facts.searches else _("What is predicted"),
        "data_sources": _("Where the data comes from"),
        "warehouse": _("Where the tables are kept"),
        "engine": _("What does the heavy work"),
        "model_family": _("What the models are made with"),
        "serving": (
            _("How answers are taken") if facts.searches else _("How predictions are taken")
        ),
        "orchestrator": _("What runs the line every month"),
        "cloud": _("Which cloud it goes to"),
        "platform": _("Where it runs"),
    }
    rows = [
        (name, say.apart(typed(label(each, say)) for each in facts.chosen(question)))
        for question, name in asked.items()
        if facts.chosen(question)
    ]
    if facts.contract is not None and not facts.searches:
        rows.insert(1, (_("The column that is predicted"), typed(facts.contract.target.source)))
    table = Table((_("Question"), _("Decision")), rows)
    return Section("answers", _("How it is built"), [table])


def _value(facts: Facts, say: Language) -> Section:
    _ = say.text
    lines = list(worth(facts, say))
    asks = (
        "" if lines else sections.asked(say, _("what decisions are worth (config/business.toml)"))
    )
    return Section("value", _("What decisions are worth"), [Points(lines)] if lines else [], asks)


def _champions(facts: Facts, say: Language) -> Section:
    _ = say.text
    rows = [
        (
            say.day(datetime.fromisoformat(each["at"]).date()),
            typed(each["version"]),
            _("promoted") if each["how"] == "promoted" else _("rolled back to"),
            typed(each["reason"]),
        )
        for each in facts.promotions
    ]
    parts: list[Part] = (
        [Table((_("Date"), _("Model"), _("How"), _("Reason")), rows)]
        if rows
        else [_("No model decides yet.")]
    )
    return Section("champions", _("Which model decides"), parts)
