"""What several documents say: who signs, what is delivered, when, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.documents import parts
from fourhats_runtime.documents.parts import NOTHING, Part, Points, Section, Table, typed

from fourhats.documents.labels import label
from fourhats.documents.stages import cost, days, led, stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts
    from fourhats.documents.stages import Stage


def asked(say: Language, *missing: str) -> str:
    """Say what is to be filled in; nothing, where nothing is missing."""
    if not missing:
        return ""
    words = say.text("To be filled in below, or in config/engagement.toml: {what}.")
    return words.format(what=say.apart(missing))


def rows_to_fill(say: Language, *head: str) -> str:
    """Begin a table of the user's own."""
    fill = say.text("to be filled in")
    first = [f"*{fill}*", *("" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), first))


def head(facts: Facts, say: Language, title: str) -> Section:
    """Say what it is, for whom and by whom, of which day and version."""
    _ = say.text
    mail = facts.answers.get("user_email")
    maker = typed(str(facts.answers["user_name"]) + (f", {mail}" if mail else ""))
    return Section(
        "head",
        say.titled(title, typed(facts.project)),
        [
            Table(
                (_("Client"), _("Contractor"), _("Date"), _("Version")),
                [
                    (
                        typed(str(facts.answers["client_name"])),
                        maker,
                        say.in_full(facts.written),
                        typed(facts.version),
                    )
                ],
            )
        ],
    )


def signatures(facts: Facts, say: Language) -> Section:
    """Give both sides room to sign."""
    what = say.text("Signed for version {version} of {date}.").format(
        version=typed(facts.version), date=say.in_full(facts.written)
    )
    client, maker = (typed(str(facts.answers[each])) for each in ("client_name", "user_name"))
    return parts.signatures(say, what, client, maker)


def what_changes(facts: Facts, say: Language) -> str:
    """Give the words in which the decision is told."""
    _ = say.text
    if facts.searches:
        return _("What an answer changes: {text}")
    return _("What a prediction changes: {text}")


def delivered(facts: Facts, say: Language) -> Points:
    """List what the client gets, by the answers."""
    _ = say.text
    what = {
        "classification": _(
            "A model that predicts a class for each case, and the rule by which it is decided"
        ),
        "regression": _(
            "A model that predicts a number for each case, and the rule by which it is decided"
        ),
        "search": _(
            "A search that finds the documents that answer a question, and says when none does"
        ),
    }
    ways = say.apart(label(each, say) for each in facts.chosen("serving"))
    sources = say.listed([label(each, say) for each in facts.chosen("data_sources")])
    lines = [
        what[str(facts.answers["task"])],
        (
            _(
                "The line that extracts the documents ({sources}), checks, prepares and indexes "
                "them, run again by one command"
            )
            if facts.searches
            else _(
                "The line that extracts the data ({sources}), checks, prepares and learns from it, "
                "run again by one command"
            )
        ).format(sources=sources),
        (_("Answers: {ways}") if facts.searches else _("Predictions: {ways}")).format(ways=ways),
    ]
    if facts.chosen("orchestrator") == ["airflow"]:
        lines.append(_("The monthly run, scheduled in Apache Airflow"))
    clouds = [each for each in facts.chosen("cloud") if each != "none"]
    if clouds:
        lines.append(
            _("The infrastructure in {cloud}, described as Terraform files").format(
                cloud=label(clouds[0], say)
            )
        )
    if facts.chosen("platform") == ["kubernetes"]:
        lines.append(_("The manifests for a Kubernetes cluster"))
    lines += [
        _("Monitoring of data, model and money, with alerts and a monthly report"),
        _("The whole source code with its tests, its documentation and the data contract"),
        _("The hand-over: runbook, training and the protocol of acceptance"),
    ]
    return Points(lines)


def excluded(facts: Facts, say: Language) -> Points:
    """List what is not included, of that what the answers did not ask for."""
    _ = say.text
    serving = facts.chosen("serving")
    lines = []
    if "api" not in serving:
        lines.append(_("An interface that answers one case at a time"))
    if "stream" not in serving:
        lines.append(_("Predictions on a stream of records"))
    if facts.chosen("orchestrator") != ["airflow"]:
        lines.append(_("A scheduler with an interface of its own"))
    if facts.chosen("cloud") == ["none"]:
        lines.append(_("Infrastructure in a cloud"))
    lines += [
        _(
            "Changes to the client's own systems, beyond the point where predictions are handed "
            "over"
        ),
        _("Data sources other than those named, the purchase and the labelling of data"),
        _("Licences and the fees of clouds and databases, which the client pays"),
        _("Operation and maintenance after the hand-over"),
    ]
    return Points(lines)


def timetable(facts: Facts, say: Language) -> Iterator[Part]:
    """Say when it begins and ends, and who works how much."""
    _ = say.text
    estimate, deadline = facts.estimate, facts.engagement.deadline
    terms = estimate.terms
    lines = [
        _("Begin: {date}").format(date=say.in_full(terms.start)),
        _("Likely end (P50): {date}").format(date=say.in_full(estimate.ends[50])),
        _(
            "End to be planned with (P80, kept in four of five simulated engagements): {date}"
        ).format(date=say.in_full(estimate.ends[80])),
    ]
    if deadline is not None:
        words = (
            _("Deadline: {date}, which the end to be planned with keeps")
            if estimate.ends[80] <= deadline
            else _(
                "Deadline: {date}, which the end to be planned with does not keep: scope, team "
                "or deadline have to change"
            )
        )
        lines.append(words.format(date=say.in_full(deadline)))
    yield Points(lines)


def stage_table(facts: Facts, say: Language) -> Table:
    """Give days, cost and end of each stage, and of the whole."""
    _ = say.text
    estimate = facts.estimate
    priced = estimate.terms.day_rate is not None
    head = [_("Stage"), _("Days, likely (P50)"), _("Days, with reserve (P80)")]
    head += [_("Cost (P80)")] if priced else []
    head += [_("Done by (P80)")]

    def row(name: str, likely: float, safe: float, end: str) -> list[str]:
        amount = cost(safe, estimate)
        money = [] if amount is None else [say.money(amount, estimate.terms.currency)]
        return [name, say.days(likely), say.days(safe), *money, end]

    def of(name: str, stage: Stage) -> list[str]:
        return row(name, stage.days[50], stage.days[80], say.day(stage.end[80]))

    names = stage_names(say)
    rows = [of(f"{n}. {names[n - 1]}", each) for n, each in enumerate(stages(estimate), start=1)]
    throughout = led(estimate)
    if throughout is not None:
        rows.append([*of(_("All along: meetings and reports"), throughout)[:-1], NOTHING])
    whole = row(_("Together"), days(estimate, 50), days(estimate, 80), say.day(estimate.ends[80]))
    rows.append([f"**{cell}**" for cell in whole])
    return Table(head, rows, tuple(range(1, len(head))))


def stage_names(say: Language) -> tuple[str, str, str]:
    """Name the stages, in their order."""
    _ = say.text
    return _("Find out"), _("Build"), _("Try and hand over")


def cost_lines(facts: Facts, say: Language) -> Iterator[str]:
    """Say what it costs and what it brings, as far as anybody knows."""
    _ = say.text
    estimate, currency = facts.estimate, facts.estimate.terms.currency
    rate = estimate.terms.day_rate
    if rate is not None:
        likely, safe = (days(estimate, each) for each in (50, 80))
        yield _("Day rate: {rate}").format(rate=say.money(rate, currency))
        yield _("Likely cost (P50): {days} days, {cost}").format(
            days=say.days(likely), cost=say.money(likely * rate, currency)
        )
        yield _("Cost to be planned with (P80): {days} days, {cost}").format(
            days=say.days(safe), cost=say.money(safe * rate, currency)
        )
    budget = facts.engagement.budget
    if budget is not None:
        own = facts.value.currency if facts.value is not None else currency
        yield _("Budget: {budget}").format(budget=say.money(budget, own))
        safe_cost = cost(days(estimate, 80), estimate)
        if safe_cost is not None and own == currency and safe_cost > budget:
            yield _(
                "The cost to be planned with exceeds the budget: the first stage is to be "
                "commissioned alone, or the scope reduced"
            )
    yield from benefit(facts, say)


def benefit(facts: Facts, say: Language) -> Iterator[str]:
    """Say what running it costs, what it adds, and when it has paid back."""
    _ = say.text
    estimate, currency = facts.estimate, facts.estimate.terms.currency
    if estimate.running is not None:
        yield _("Running cost a month: {amount}").format(
            amount=say.money(estimate.running.amount, estimate.running.currency)
        )
    if estimate.worth is not None:
        low, likely, high = (say.money(each, currency) for each in estimate.worth.three)
        yield _("Expected benefit a month: {likely} ({low} to {high})").format(
            likely=likely, low=low, high=high
        )
    if estimate.pays_back is not None:
        likely_months, safe_months = (estimate.pays_back.months[each] for each in (50, 80))
        if likely_months is None:
            yield _("By these figures it does not pay back within five years")
        elif safe_months is None:
            yield _(
                "Paid back after {months} months in the likely case (P50); in more than one "
                "case of five, not within five years"
            ).format(months=say.number(likely_months, 1))
        else:
            yield _(
                "Paid back after {months} months in the likely case (P50), {late} months to be "
                "planned with (P80)"
            ).format(months=say.number(likely_months, 1), late=say.number(safe_months, 1))
