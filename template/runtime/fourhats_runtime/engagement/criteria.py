"""What the work is accepted by: each criterion measured, with its interval, against its limit.

A figure that has an interval meets its limit with the whole of it: what chance alone may have done
is no ground to accept anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fourhats_runtime.chance import INTERVAL, TAIL, normal_limit
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection, values
from fourhats_runtime.engagement.terms import Limit, Terms
from fourhats_runtime.engagement.trial import Asking
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
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.engagement.trial import Trial

State = Literal["met", "not met", "not measured"]
SLOWEST = 0.99
MOST_CASES = 200
"""Different cases that the API is asked about."""
LONGEST = 200
"""Of a question, in characters."""


@dataclass(frozen=True)
class Criterion:
    """One of the things that the work is accepted by."""

    name: str
    what: str
    limit: str
    source: str
    """Where the limit stands, as a setting is named."""
    state: State
    measured: str
    """In words, with the interval; why, where it was not measured."""
    figure: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def said(self) -> str:
        """Say in a line what came of it."""
        state = self.state if self.state == "met" else self.state.upper()
        return f"{state:<13} {self.what}: {self.measured} (limit: {self.limit}, {self.source})"


def of_value(project: Project, version: str, asked: float) -> Criterion:
    """Measure what the model adds a month to today's rule; without one, to the best policy."""
    registry = Registry(project.artifacts / "registry")
    evaluation = registry.noted(version, "evaluation")
    limit = Limit(asked, "acceptance.value_a_month")
    currency = project.value.currency
    words = f"more than {number(asked)} {currency} a month"
    if evaluation is None:
        return _unknown("value", "Value", words, limit, f"{version} was not evaluated: `evaluate`")
    found, over = _added(project, version, evaluation)
    what = f"Value, over the best policy without a model, to {over}"
    if evaluation.get("today"):
        what = "Value, over today's rule"
    currency, volume = evaluation["currency"], evaluation["monthly_volume"]
    gain, low, high = (each * volume for each in (found.gain, found.low, found.high))
    measured = f"{found.words(currency, volume)} a month, on {found.rows:,} unseen rows"
    if evaluation.get("made_up"):
        reason = f"the rows are made up, as no source is set up yet; on them {measured}"
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
        words = f"{right:,} of {cases:,} cases: {trial.explanation}"
        found.append(
            Criterion(
                "explained",
                "Each decision is explained",
                "every case asked about",
                terms.explained,
                _state(cases > 0 and right == cases),
                words,
                right / cases if cases else None,
            )
        )
    return found


def without_service(terms: Terms, reason: str) -> list[Criterion]:
    """Say why nothing of the API was measured."""
    found = [
        _unknown("latency", LATENCY, _ms(terms.latency_ms.value), terms.latency_ms, reason),
        _unknown("available", AVAILABLE, _at_least(terms.available.value), terms.available, reason),
    ]
    if terms.explained:
        limit = Limit(1.0, terms.explained)
        found.append(
            _unknown(
                "explained", "Each decision is explained", "every case asked about", limit, reason
            )
        )
    return found


LATENCY = "Latency of 99 of 100 answers"
AVAILABLE = "Availability: requests answered in the test"


def _latency(seconds: Sequence[float], limit: Limit) -> Criterion:
    """Judge the 99th percentile; by its order statistics, whatever the distribution.

    Conover, Practical Nonparametric Statistics, 3rd edition (1999), 3.2.
    """
    ordered, count = sorted(seconds), len(seconds)
    middle, low, high = (
        1000 * ordered[min(count, max(1, rank)) - 1] for rank in ranks(count, SLOWEST)
    )
    words = "more than one request of 100 was not answered"
    if math.isfinite(middle):
        top = number(high, 3) if math.isfinite(high) else "no answer"
        words = (
            f"{number(middle, 3)} ms ({INTERVAL}: {number(low, 3)} to {top}), {count:,} requests"
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
    words = (
        f"{trial.answered:,} of {count:,}, {share:.2%} ({INTERVAL}: {low:.2%} to {high:.2%})"
        f"{f'; the first fault: {trial.fault}' if trial.fault else ''}"
    )
    state = _state(low >= limit.value)
    words_of_limit = _at_least(limit.value)
    return Criterion(
        "available", AVAILABLE, words_of_limit, limit.source, state, words, share, low, high
    )


def of_data(connection: Connection, terms: Terms) -> list[Criterion]:
    """Judge the rows of the latest run: how many met the contract, and how old they are."""
    verdicts = {(each.boundary, each.name): each for each in latest(connection)}
    verdict = verdicts.get(("raw", "contract"))
    what, limit = "Data quality: rows that passed the contract's checks", terms.rows_passed
    words = _at_least(limit.value)
    if verdict is None or verdict.figure is None:
        rows = _unknown("rows", what, words, limit, "no row was validated yet: `validate`")
    else:
        passed = 1 - verdict.figure
        measured = f"{passed:.2%}; {verdict.message.partition(' (')[0]}"
        rows = Criterion(
            "rows", what, words, limit.source, _state(passed >= limit.value), measured, passed
        )
    return [rows, _age(days_since_extraction(connection), terms.data_age_days)]


def _age(days: float | None, limit: Limit) -> Criterion:
    what, words = "Data quality: days since the last extraction", f"at most {limit.value:g}"
    if days is None:
        return _unknown("age", what, words, limit, "nothing was ever extracted: `extract`")
    return Criterion(
        "age", what, words, limit.source, _state(days <= limit.value), f"{days:.1f}", days
    )


def of_retrace(project: Project, version: str) -> Criterion:
    """Train the champion anew on the rows that it came of, and see whether it is the same."""
    what, words = "Reproducibility: the champion, trained anew", "the same answers"
    limit = Limit(1.0, "acceptance.reproducible")
    try:
        found = retraced(project, version)
    except AnotherModelError as error:
        return Criterion("retraced", what, words, limit.source, "not met", str(error), 0.0)
    except ProjectError as error:
        return _unknown("retraced", what, words, limit, str(error))
    measured = f"{found.same}, from {found.rows:,} rows"
    return Criterion("retraced", what, words, limit.source, "met", measured, 1.0)


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
    """Say what the API can be asked: about rows of the table `clean`, else about the example."""
    if project.task == "search":
        (title, *_) = project.contract.fields
        query = f"SELECT {quote(title.name)} FROM clean ORDER BY _source, _row LIMIT {MOST_CASES}"
        (texts,) = values(connection, query).values()
        return Asking.questions([text[:LONGEST] for text in texts if text])
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


def _unknown(name: str, what: str, words: str, limit: Limit, reason: str) -> Criterion:
    return Criterion(name, what, words, limit.source, "not measured", reason)


def _state(is_met: bool) -> State:  # noqa: FBT001
    return "met" if is_met else "not met"


def _ms(limit: float) -> str:
    return f"at most {number(limit)} ms"


def _at_least(share: float) -> str:
    return f"at least {number(100 * share)} %"
