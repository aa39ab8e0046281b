"""What the work is accepted by: numbers that the project itself measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.documents.parts import Part, Section, Table, typed

from fourhats.documents.sections import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts


def acceptance(facts: Facts, say: Language) -> Section:
    """Give the criteria, and what of them is not agreed on yet."""
    _ = say.text
    rows, fill = list(_criteria(facts, say)), _("to be filled in")
    parts: list[Part] = [
        _(
            "The result is accepted when the project itself measures that each of these is met. "
            "The command `uv run {slug} accept` repeats the measurement and writes its protocol, "
            "which both sides sign."
        ).format(slug=facts.answers["project_slug"]),
        Table((_("Criterion"), _("Limit")), [(what, limit or f"*{fill}*") for what, limit in rows]),
    ]
    missing = [] if all(limit for _what, limit in rows) else [_("the open limits ([acceptance])")]
    done = facts.engagement.done
    if done:
        parts.append(_("In the client's words, it is done when: {done}").format(done=typed(done)))
    else:
        missing.append(_("what has to be true for the work to be done (done)"))
    return Section("acceptance", _("Acceptance"), parts, asked(say, *missing))


def _criteria(facts: Facts, say: Language) -> Iterator[tuple[str, str]]:
    """Give each criterion with its limit; an empty one is not agreed on."""
    _ = say.text
    limits = facts.limits
    currency = facts.value.currency if facts.value else str(facts.answers["value_currency"])
    yield (
        _(
            "Value: what the model adds a month to today's rule, or else to the best that can be "
            "done without a model, on cases that it has not learnt from"
        ),
        _("more than {amount}, with the whole of the 95% interval").format(
            amount=say.money(limits.value_a_month, currency)
        ),
    )
    if "api" in facts.chosen("serving"):
        yield (
            _("Latency of 99 of 100 answers"),
            _at_most(limits.latency_ms, _("at most {number} ms"), say),
        )
        yield (
            _("Availability: requests that are answered during the test"),
            _at_least(limits.available, say),
        )
        if limits.explained:
            yield _("Each decision is explained"), _("every case asked about")
    yield (
        _("Data quality: rows that pass the checks of the data contract"),
        _at_least(limits.rows_passed, say),
    )
    yield (
        _("Data quality: days since the last extraction"),
        _at_most(limits.data_age_days, _("at most {number}"), say),
    )
    if limits.reproducible:
        yield _("Reproducibility: the accepted model, trained anew"), _("the same answers")


def _at_most(limit: float | None, words: str, say: Language) -> str:
    return "" if limit is None else words.format(number=say.number(limit, 1))


def _at_least(limit: float | None, say: Language) -> str:
    if limit is None:
        return ""
    return say.text("at least {share}").format(share=say.share(limit))
