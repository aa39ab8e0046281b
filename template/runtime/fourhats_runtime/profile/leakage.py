"""Columns that give the target away, rather than help to predict it.

What says it in other words, is filled for one class only, or is known only afterwards, is left out
until somebody accepts it. What is merely strong stays, and is asked about: a diamond's weight says
nearly everything about its price, and is no leak.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import duckdb

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.data.files.names import unique_names
from fourhats_runtime.data.table_file import quote
from fourhats_runtime.profile.facts import Facts
from fourhats_runtime.profile.scans import AT_ONCE
from fourhats_runtime.profile.target import Outcome

Value = float | str | None

STRONG_SKILL = 0.95
"""Share of the mistakes of "always the commonest class" that vanish."""
NAMED_SKILL = 0.5
"""What is enough where the name tells, too."""
STRONG_R2 = 0.98
SAME_R2 = 0.99999
"""Of ranks: a copy, rounded or in another unit."""
SAME_WORDS_SKILL = 0.9
COMPLETE = 0.95
BINS = 100
PURE = 0.05
SMALLEST_HALF = 20
SAMPLE_ROWS = 20_000
MANY_ZEROS = 0.2

# What a date, a reason or an amount is of, when it is known only once all is over.
AFTERWARDS = re.compile(
    r"""(.*_)?(
        cancel+(ed|ation|lation)? | churn(ed)? | clos(ed|ing|ure) | complet(ed|ion) | convert(ed)?
        | deliver(ed|y) | discharged? | exit(ed)? | death | died | ended | fail(ed|ure) | final
        | leav(e|ing) | left | outcome | paid | refund(ed)? | resign(ed|ation)? | resol(ved|ution)
        | result | return(ed)? | settle(d|ment) | terminat(ed|ion) | withdraw(n|al)
        | ablehnung | abschluss | austritt | erledigt | ergebnis | kuendigung | gekuendigt
        | rueckgabe | storno | storniert | zurueckgegeben
        | annulation | cloture | depart | resiliation | resultat | retour | sortie
        | baja | cancelacion | cierre | devolucion | resultado | salida
        | annullamento | chiusura | disdetta | esito | recesso | rimborso | uscita
    )(_(at | on | date | day | time | timestamp | reason | code | type | status | amount | datum
        | zeit | grund | am | le | fecha | data | motivo | motif | raison))?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Finding:
    """What is to be said of a column, and whether it is left out for it."""

    reason: str
    left_out: bool = True


def leaks(
    relation: duckdb.DuckDBPyRelation,
    rows: int,
    columns: Mapping[str, Facts],
    target: Facts,
    outcome: Outcome,
) -> dict[str, Finding]:
    """Find the columns that alone tell the target, judged on an even sample of the rows."""
    regression = outcome.classes is None
    picked = [
        f"({target.value})::DOUBLE" if regression else target.text,
        *(
            f"({facts.value})::DOUBLE" if _is_number(facts) else facts.text
            for facts in columns.values()
        ),
    ]
    sampled = list(zip(*_sampled(relation, rows, picked), strict=True))
    known = [
        (label, row[1:]) for row in sampled if (label := _outcome(row[0], outcome)) is not None
    ]
    if len(known) < 2 * SMALLEST_HALF:
        return {}
    outcomes = [label for label, _ in known]
    words = _words(target.source)
    found = {}
    for place, (name, facts) in enumerate(columns.items()):
        values = [row[place] for _, row in known]
        named = ""
        if known_afterwards(facts.source):
            named = "is known only afterwards, by its name"
        elif words and words <= _words(facts.source):
            named = "is called like the target"
        if regression:
            finding = number_given_away(values, [float(number) for number in outcomes], named)
        else:
            finding = class_given_away(values, [str(label) for label in outcomes], named)
        if finding:
            found[name] = finding
    return found


def _sampled(
    relation: duckdb.DuckDBPyRelation, rows: int, values: Sequence[str]
) -> list[tuple[Value, ...]]:
    """Give the values of an even sample of the rows, by columns, some of these at a time.

    By a hash: every tenth row might be the same hour of the day. And in no order that means
    anything, so that both halves of it hold some of everything.
    """
    *_, place = map(quote, unique_names([*relation.columns, "place"]))
    numbered = relation.project(f"*, row_number() OVER () AS {place}")
    sample = numbered.filter(f"hash({place}) % {max(1, rows // SAMPLE_ROWS)} = 0")
    held = sample.order(f"hash({place}), {place}").materialize()
    found: list[tuple[Value, ...]] = []
    for start in range(0, len(values), AT_ONCE):
        found += zip(
            *held.project(", ".join(values[start : start + AT_ONCE])).fetchall(), strict=True
        )
    return found


def follows(relation: duckdb.DuckDBPyRelation, later: Facts, earlier: Facts) -> bool:
    """Whether one date never comes before another, and mostly after it."""
    both = relation.project(
        f"({later.value})::TIMESTAMP AS later, ({earlier.value})::TIMESTAMP AS earlier"
    ).filter("later IS NOT NULL AND earlier IS NOT NULL")
    pairs, before, after = both.aggregate(
        "count(*), count(*) FILTER (later < earlier), count(*) FILTER (later > earlier)"
    ).fetchall()[0]
    return bool(pairs >= SMALLEST_HALF and before <= 0.005 * pairs and after >= pairs / 2)


def known_afterwards(source: str) -> bool:
    """Whether a column is called like what is only known once all is over."""
    return AFTERWARDS.fullmatch(snake_case(source)) is not None


def class_given_away(
    values: Sequence[Value], classes: Sequence[str], named: str = ""
) -> Finding | None:
    """See whether a feature alone tells the class: a copy, a re-encoding, a trace left afterwards.

    One half of the rows teaches which class goes with which value, the other half is judged, and
    the other way round. `named` is what its name says against it, if anything.
    """
    if gap := _gap(values, classes):
        return Finding(f"is filled for one class only: {gap}")
    sizes = Counter(classes)
    commonest, most = sizes.most_common(1)[0]
    blind = len(classes) - most
    wrong = 0
    for learn, judge in ((0, 1), (1, 0)):
        group = _grouping(values[learn::2], classes[learn::2])
        seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for value, label in zip(values[learn::2], classes[learn::2], strict=True):
            seen[group(value)][label] += 1
        guess = {key: counts.most_common(1)[0][0] for key, counts in seen.items()}
        wrong += sum(
            guess.get(group(value), commonest) != label
            for value, label in zip(values[judge::2], classes[judge::2], strict=True)
        )
    figure = (
        f"it alone gets {_percent(1 - wrong / len(classes))} of the rows right, where always "
        f"{commonest} gets {_percent(most / len(classes))}"
    )
    levels = len(set(values) - {None})
    skill = 1 - wrong / blind if blind else 0.0
    marks = _marked(values, classes)
    if (
        (levels <= len(sizes) and skill >= SAME_WORDS_SKILL)
        or (skill >= STRONG_SKILL and wrong <= blind / 100)
        or (skill >= STRONG_SKILL and _lies_apart(values, classes))
    ):
        return Finding(f"says the target in other words: {figure}")
    if named and (skill >= NAMED_SKILL or marks):
        return Finding(f"{named}: {figure}")
    if skill >= STRONG_SKILL or marks:
        return Finding(f"tells nearly everything: {marks or figure}", left_out=False)
    return None


def number_given_away(
    values: Sequence[Value], target: Sequence[float], named: str = ""
) -> Finding | None:
    """See whether a feature alone explains nearly all of the ranks of a numeric target.

    Ranks, not amounts: a few huge values would otherwise decide, one way or the other.
    """
    something = ["something" if number else "nothing" for number in target]
    zeros = something.count("nothing")
    if MANY_ZEROS < zeros / len(target) < 1 - MANY_ZEROS and (gap := _gap(values, something)):
        return Finding(f"is filled only where the target is something, or nothing: {gap}")
    ranks = _ranks(target)
    if _same_order(values, ranks):
        return Finding("says the target in other words: it puts the rows into the same order")
    mean = fmean(ranks)
    total = sum((rank - mean) ** 2 for rank in ranks)
    error = 0.0
    for learn, judge in ((0, 1), (1, 0)):
        group = _grouping(values[learn::2], [""] * len(values[learn::2]))
        seen: dict[Hashable, list[float]] = defaultdict(list)
        for value, rank in zip(values[learn::2], ranks[learn::2], strict=True):
            seen[group(value)].append(rank)
        guess = {key: fmean(members) for key, members in seen.items()}
        error += sum(
            (guess.get(group(value), mean) - rank) ** 2
            for value, rank in zip(values[judge::2], ranks[judge::2], strict=True)
        )
    r2 = 1 - error / total if total else 0.0
    if r2 < STRONG_R2:
        return None
    figure = f"it alone explains {_percent(r2)} of the target's order"
    if named:
        return Finding(f"{named}: {figure}")
    return Finding(f"tells nearly everything: {figure}", left_out=False)


def _outcome(value: float | str | None, outcome: Outcome) -> float | str | None:
    if outcome.classes is None:
        return value
    return outcome.classes.of(None if value is None else str(value))


def _is_number(facts: Facts) -> bool:
    return facts.kind in ("integer", "number")


def _words(source: str) -> frozenset[str]:
    """Give the stems of a name: `churned` and `churn_date` share one."""
    return frozenset(
        re.sub(r"(ed|ing|s|e)$", "", word) if len(word) > len("left") else word
        for word in snake_case(source).split("_")
        if word
    )


def _percent(share: float) -> str:
    return f"{min(100.0, 100 * share):.3g} %"


def _gap(values: Sequence[Value], classes: Sequence[str]) -> str:
    """Tell whether having a value, or none, comes with one class only, and with much of it.

    Catches what accuracy overlooks: a reason of leaving, filled in for most of the few who left.
    An amount of 0 is no value; but where it is the amounts that tell little, it is one of a scale.
    """
    filled = _pure(["a value" if value else None for value in values], classes)
    return filled or _pure(["none" if value in {None, ""} else None for value in values], classes)


def _marked(values: Sequence[Value], classes: Sequence[str]) -> str:
    """Tell whether some text comes with one class only, and with much of it."""
    texts = [value if isinstance(value, str) else None for value in values]
    return _pure(texts, classes)


def _pure(groups: Sequence[str | None], classes: Sequence[str]) -> str:
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, classes, strict=True):
        if group is not None:
            held[group][label] += 1
    sizes = Counter(classes)
    for group, counts in held.items():
        label, count = counts.most_common(1)[0]
        others = counts.total() - count
        expected = counts.total() * (1 - sizes[label] / len(classes))
        if expected >= SMALLEST_HALF / 2 and others <= PURE * expected and count > sizes[label] / 3:
            return (
                f"{group} stands in {count:,} of {sizes[label]:,} rows of {label}, and in "
                f"{others:,} of the {len(classes) - sizes[label]:,} others"
            )
    return ""


def _lies_apart(values: Sequence[Value], classes: Sequence[str]) -> bool:
    """Whether numbers, in order, go through the classes one after the other."""
    known = sorted(
        (value, label)
        for value, label in zip(values, classes, strict=True)
        if isinstance(value, float)
    )
    if len(known) < COMPLETE * len(values):
        return False
    runs = 1 + sum(a[1] != b[1] for a, b in pairwise(known))
    return runs <= len(set(classes))


def _same_order(values: Sequence[Value], ranks: Sequence[float]) -> bool:
    """Whether numbers rise, or fall, with the target all along (Spearman's correlation)."""
    known = [
        (value, rank) for value, rank in zip(values, ranks, strict=True) if isinstance(value, float)
    ]
    if len(known) < COMPLETE * len(values):
        return False
    ours, theirs = (_ranks(each) for each in zip(*known, strict=True))
    mean = (len(known) - 1) / 2
    together = sum((a - mean) * (b - mean) for a, b in zip(ours, theirs, strict=True))
    apart = sum((a - mean) ** 2 for a in ours) * sum((b - mean) ** 2 for b in theirs)
    return apart > 0 and together**2 >= SAME_R2 * apart


def _grouping(values: Sequence[Value], classes: Sequence[str]) -> Callable[[Value], Hashable]:
    """Put equal texts together, and numbers into bins.

    The bins are cut at quantiles within each class, so that a rare class gets bins of its own.
    """
    numbers: dict[str, list[float]] = defaultdict(list)
    for value, label in zip(values, classes, strict=True):
        if isinstance(value, float):
            numbers[label].append(value)
    bins = max(10, min(BINS, len(values) // 10) // max(1, len(numbers)))
    edges: set[float] = set()
    for members in numbers.values():
        members.sort()
        edges.update(members[len(members) * i // bins] for i in range(bins))
        edges.add(members[-1])
    cuts = sorted(edges)
    # What is below the lowest that was seen goes with it.
    return lambda value: max(1, bisect_right(cuts, value)) if isinstance(value, float) else value


def _ranks(target: Sequence[float]) -> list[float]:
    """Ranks, equal values sharing the mean of theirs."""
    order = sorted(target)
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for rank, value in enumerate(order):
        first.setdefault(value, rank)
        last[value] = rank
    return [(first[value] + last[value]) / 2 for value in target]
