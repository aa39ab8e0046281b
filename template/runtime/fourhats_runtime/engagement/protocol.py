"""The protocol of acceptance, which both sides sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import Document, Section, Table, typed
from fourhats_runtime.engagement import sections
from fourhats_runtime.engagement.phrases import STATES

if TYPE_CHECKING:
    from fourhats_runtime.documents.language import Language
    from fourhats_runtime.documents.parts import Part
    from fourhats_runtime.engagement.acceptance import Acceptance
    from fourhats_runtime.engagement.parties import Head
    from fourhats_runtime.engagement.terms import Terms
    from fourhats_runtime.project import Project


def protocol(project: Project, head: Head, done: Acceptance, terms: Terms) -> Document:
    """Write what was measured of a version, for both sides to sign."""
    say = sections.language(project)
    _ = say.text
    title = _("Acceptance protocol")
    notes = [
        _(
            "Limits stand in the folder `config/`, under the names in brackets; `acceptance` and "
            "`engagement` in `config/engagement.toml`. A figure that has an interval meets its "
            "limit with the whole of it."
        )
    ]
    if "api" in project.serving:
        notes.append(
            _(
                "Latency and availability are of requests one after the other, to the interface on "
                "the machine on which this was measured."
            )
        )
    return Document(
        "acceptance",
        title,
        [
            sections.head(project, head, title, say),
            Section("decision", _("What it is about"), [*sections.promised(project, terms, say)]),
            Section(
                "measured", _("What was measured"), [*measured(done, project.name, say), *notes]
            ),
            Section(
                "remarks",
                _("Remarks"),
                asks=_(
                    "To be filled in below: what is put right by when, and what was agreed beside "
                    "the figures."
                ),
            ),
            sections.signatures(head, say),
        ],
    )


def measured(done: Acceptance | None, name: str, say: Language) -> list[Part]:
    """Say what was measured of the champion, or that nothing was."""
    _ = say.text
    if done is None:
        words = _("Not measured yet of this model: `uv run {name} accept`.")
        return [words.format(name=name)]
    when = _("Measured on {day}, of {version}, code: {code}.").format(
        day=sections.in_full(done.day, say),
        version=typed(done.version),
        code=typed(say.phrase(done.code)),
    )
    verdict = _("Not accepted: {words}.") if done.open else _("Accepted: {words}.")
    rows = [
        (
            typed(say.phrase(each.what)),
            f"{typed(say.phrase(each.limit))} (`{each.source}`)",
            typed(say.phrase(each.measured)),
            say.phrase(STATES[each.state]),
        )
        for each in done.criteria
    ]
    head = (_("Criterion"), _("Limit"), _("Measured"), _("Result"))
    return [when, f"**{verdict.format(words=say.phrase(done.verdict))}**", Table(head, rows)]
