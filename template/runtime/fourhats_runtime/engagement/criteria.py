"""What the work is accepted by: each criterion measured, with its interval, against its limit.

A figure that has an interval meets its limit with the whole of it: what chance alone may have done
is no ground to accept anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from fourhats_runtime.chance import TAIL, normal_limit
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, values
from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.engagement.phrases import gained, policy
from fourhats_runtime.engagement.terms import Limit, Terms
from fourhats_runtime.engagement.trial import Asking, Trial
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import reference
from fourhats_runtime.lifecycle.comparison import Comparison, compare
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Card, Registry
from fourhats_runtime.lifecycle.retrace import AnotherModelError, Retraced, retrace
from fourhats_runtime.lifecycle.today import NAME
from fourhats_runtime.monitor.data import days_since_extraction
from fourhats_runtime.monitor.decisions import rule_of
from fourhats_runtime.monitor.verdicts import latest
from fourhats_runtime.project import Project

State = Literal["met", "not met", "not measured"]
PHRASES = ("what", "limit", "measured")
SLOWEST = 0.99
MOST_CASES = 200
"""Different cases that the API is asked about."""
LONGEST = 200
"""Of a question, in characters."""


@dataclass(frozen=True)
class Criterion:
    """One of the things that the work is accepted by."""

    name: str
    what: Phrase
    limit: Phrase
    source: str
    """Where the limit stands, as a setting is named."""
    state: State
    measured: Phrase
    """With the interval; why, where it was not measured."""
    figure: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def said(self) -> str:
        """Say in a line what came of it."""
        state = self.state if self.state == "met" else self.state.upper()
        return f"{state:<13} {self.what}: {self.measured} (limit: {self.limit}, {self.source})"

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        phrases = {name: getattr(self, name).as_data() for name in PHRASES}
        return {field.name: getattr(self, field.name) for field in fields(self)} | phrases

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_data` gave."""
        return cls(**{**data, **{name: Phrase.of(data[name]) for name in PHRASES}})


def of_value(project: Project, version: str, asked: float) -> Criterion:
    """Measure what the model adds a month to today's rule; without one, to the best policy."""
    registry = Registry(project.artifacts / "registry")
    evaluation = registry.noted(version, "evaluation")
    limit = Limit(asked, "acceptance.value_a_month")
    words = Phrase("more than {limit:money} a month", limit=(asked, project.value.currency))
    if evaluation is None:
        reason = Phrase("{version} was not evaluated: `evaluate`", version=version)
        return _unknown("value", Phrase("Value"), words, limit, reason)
    found, over = _added(project, version, evaluation)
    what = Phrase("Value, over the best policy without a model: {over}", over=policy(over))
    if evaluation.get("today"):
        what = Phrase("Value, over today's rule")
    currency, volume = evaluation["currency"], evaluation["monthly_volume"]
    gain, low, high = (each * volume for each in (found.gain, found.low, found.high))
    measured = Phrase(
        "{gain} a month, on {rows:number} unseen rows",
        gain=gained(gain, low, high, currency),
        rows=found.rows,
    )
    if evaluation.get("made_up"):
        reason = Phrase(
            "the rows are made up, as no source is set up yet; on them {measured}",
            measured=measured,
        )
        return _unknown("value", what, words, limit, reason)
    return Criterion(
        "value", what, words, limit.source, _state(low > asked), measured, gain, low, high
    )


def _added(project: Project, version: str, evaluation: Card) -> tuple[Comparison, str]:
    """Compare with today's rule where there is one, else with the best policy without a model.

    As the evaluation did; it has not where today's rule is not the best of the policies. Then the
    rows of the holdout are asked that were kept.
    """
    gain = dict(evaluation["gain"])
    over = gain.pop("over")
    if not evaluation.get("today") or over == NAME:
        return Comparison(**gain), over
    rule = rule_of(project, version)
    kept = reference.holdout(Registry(project.artifacts / "registry").folder(version))
    assert rule is not None  # noqa: S101 (it is the champion)
    assert kept.today is not None  # noqa: S101 (the evaluation has kept it)
    earned = rule.realised(kept.outputs, kept.actual)
    by_rule = rule.by_policy(kept.today, kept.actual)
    return compare(earned, by_rule, stake=rule.stake, groups=kept.groups), NAME


def of_service(trial: Trial, terms: Terms) -> list[Criterion]:
    """Judge what came of asking the API: how long it takes, how often it answers, explanations."""
    found = [_latency(trial.seconds, terms.latency_ms), _available(trial, terms.available)]
    if terms.explained:
        cases, right = trial.asked_to_explain, trial.explained
        words = Phrase(
            "{right:number} of {cases:number} cases: {explanation}",
            right=right,
            cases=cases,
            explanation=trial.explanation,
        )
        found.append(
            Criterion(
                "explained",
                EXPLAINED,
                EVERY_CASE,
                terms.explained,
                _state(cases > 0 and right == cases),
                words,
                right / cases if cases else None,
            )
        )
    return found


def without_service(terms: Terms, why: str) -> list[Criterion]:
    """Say why nothing of the API was measured."""
    reason = Phrase.quoted(why)
    found = [
        _unknown("latency", LATENCY, _ms(terms.latency_ms.value), terms.latency_ms, reason),
        _unknown("available", AVAILABLE, _at_least(terms.available.value), terms.available, reason),
    ]
    if terms.explained:
        limit = Limit(1.0, terms.explained)
        found.append(_unknown("explained", EXPLAINED, EVERY_CASE, limit, reason))
    return found


LATENCY = Phrase("Latency of 99 of 100 answers")
AVAILABLE = Phrase("Availability: requests that are answered during the test")
EXPLAINED, EVERY_CASE = Phrase("Each decision is explained"), Phrase("every case asked about")


def _latency(seconds: Sequence[float], limit: Limit) -> Criterion:
    """Judge the 99th percentile; by its order statistics, whatever the distribution.

    Conover, Practical Nonparametric Statistics, 3rd edition (1999), 3.2.
    """
    ordered, count = sorted(seconds), len(seconds)
    middle, low, high = (
        1000 * ordered[min(count, max(1, rank)) - 1] for rank in ranks(count, SLOWEST)
    )
    words = Phrase("more than one request of 100 was not answered")
    if math.isfinite(middle):
        answered = math.isfinite(high)
        most = Phrase("{high:figure3}", high=high) if answered else Phrase("no answer")
        words = Phrase(
            "{middle:figure3} ms (95% interval: {low:figure3} to {most}), {count:number} requests",
            middle=middle,
            low=low,
            most=most,
            count=count,
        )
    return Criterion(
        "latency",
        LATENCY,
        _ms(limit.value),
        limit.source,
        _state(high <= limit.value),
        words,
        *(each if math.isfinite(each) else None for each in (middle, low, high)),
    )


def ranks(count: int, share: float) -> tuple[int, int, int]:
    """Give the ranks of a quantile and of the ends of its interval, from 1 on.

    An end beyond the last rank is the last: the settings ask for requests enough that it is not.
    """
    middle, below, low, high = math.ceil(count * share), 0.0, 0, count
    for rank in range(count):
        # The probability that exactly so many of all are below the quantile.
        chosen = math.lgamma(count + 1) - math.lgamma(rank + 1) - math.lgamma(count - rank + 1)
        below += math.exp(chosen + rank * math.log(share) + (count - rank) * math.log1p(-share))
        if below <= TAIL:
            low = rank + 1
        if below >= 1 - TAIL:
            high = rank + 1
            break
    return middle, low, high


def _available(trial: Trial, limit: Limit) -> Criterion:
    """Judge the share of answered requests, by Wilson's interval (JASA 22, 1927)."""
    count, share = len(trial.seconds), trial.answered / len(trial.seconds)
    z = normal_limit(TAIL)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    off = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    low, high = max(0.0, middle - off), min(1.0, middle + off)
    words = Phrase(
        "{answered:number} of {count:number}, {share:share2} (95% interval: {low:share2} to "
        "{high:share2})",
        answered=trial.answered,
        count=count,
        share=share,
        low=low,
        high=high,
    )
    if trial.fault:
        words = Phrase("{words}; the first fault: {fault}", words=words, fault=trial.fault)
    state = _state(low >= limit.value)
    words_of_limit = _at_least(limit.value)
    return Criterion(
        "available", AVAILABLE, words_of_limit, limit.source, state, words, share, low, high
    )


def of_data(connection: Connection, terms: Terms) -> list[Criterion]:
    """Judge the rows of the latest run: how many met the contract, and how old they are."""
    verdicts = {(each.boundary, each.name): each for each in latest(connection)}
    verdict = verdicts.get(("raw", "contract"))
    what, limit = ROWS, terms.rows_passed
    words = _at_least(limit.value)
    if verdict is None or verdict.figure is None:
        rows = _unknown("rows", what, words, limit, Phrase("no row was validated yet: `validate`"))
    else:
        passed = 1 - verdict.figure
        measured = Phrase("{share:share2} of the rows of the last run", share=passed)
        rows = Criterion(
            "rows", what, words, limit.source, _state(passed >= limit.value), measured, passed
        )
    return [rows, _age(days_since_extraction(connection), terms.data_age_days)]


ROWS = Phrase("Data quality: rows that pass the checks of the data contract")
AGE = Phrase("Data quality: days since the last extraction")
RETRACED = Phrase("Reproducibility: the accepted model, trained anew")


def _age(days: float | None, limit: Limit) -> Criterion:
    words = Phrase("at most {number:number1}", number=limit.value)
    if days is None:
        return _unknown("age", AGE, words, limit, Phrase("nothing was ever extracted: `extract`"))
    measured = Phrase("{days:days} days", days=days)
    return Criterion("age", AGE, words, limit.source, _state(days <= limit.value), measured, days)


def of_retrace(project: Project, version: str) -> Criterion:
    """Train the champion anew on the rows that it came of, and see whether it is the same."""
    words = Phrase("the same answers")
    limit = Limit(1.0, "acceptance.reproducible")
    try:
        found = retraced(project, version)
    except AnotherModelError as error:
        why = Phrase.quoted(str(error))
        return Criterion("retraced", RETRACED, words, limit.source, "not met", why, 0.0)
    except ProjectError as error:
        return _unknown("retraced", RETRACED, words, limit, Phrase.quoted(str(error)))
    if found.difference is None:
        measured = Phrase("the same, byte by byte, from {rows:number} rows", rows=found.rows)
    else:
        measured = Phrase(
            "answers that differ by at most {difference:figure1}, from {rows:number} rows",
            difference=found.difference,
            rows=found.rows,
        )
    return Criterion("retraced", RETRACED, words, limit.source, "met", measured, 1.0)


def retraced(project: Project, version: str) -> Retraced:
    """Make a version anew, whatever it is; gives what came of it.

    Raises:
        ProjectError: another one comes out, or it cannot be made anew; the text says why.

    """
    if project.task == "search":
        from fourhats_runtime.search.retrace import retrace as of_search  # noqa: PLC0415 (its extra)

        return of_search(project, version)
    return retrace(project, version)


def asking(connection: Connection, project: Project) -> Asking:
    """Say what the API can be asked: about rows of the table `clean`, or what judges a search."""
    if project.task == "search":
        from fourhats_runtime.search.judgement import judged_questions  # noqa: PLC0415 (its extra)

        return Asking.questions([text[:LONGEST] for text in judged_questions(project)[:MOST_CASES]])
    return Asking.about_records(_records(connection, project))


def _records(connection: Connection, project: Project) -> list[dict[str, Any]]:
    model = Model.champion(project)
    known = connection.columns("clean")
    names = [each.name for each in model.contract.features if each.name in known]
    if len(names) < len(model.contract.features):
        return [dict(model.example)]
    listed = ", ".join(map(quote, names))
    query = f"SELECT {listed} FROM clean ORDER BY _source, _row LIMIT {MOST_CASES}"
    rows = values(connection, query)
    found = [dict(zip(names, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return [model.example | each for each in found] or [dict(model.example)]


def _unknown(name: str, what: Phrase, words: Phrase, limit: Limit, reason: Phrase) -> Criterion:
    return Criterion(name, what, words, limit.source, "not measured", reason)


def _state(is_met: bool) -> State:  # noqa: FBT001
    return "met" if is_met else "not met"


def _ms(limit: float) -> Phrase:
    return Phrase("at most {number:number1} ms", number=limit)


def _at_least(share: float) -> Phrase:
    return Phrase("at least {share:share2}", share=share)
