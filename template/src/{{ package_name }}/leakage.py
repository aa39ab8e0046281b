"""Find features that give the target away all by themselves."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from statistics import fmean

import duckdb

from .column_facts import Facts

Value = float | str | None

SUSPECT_SKILL = 0.95
SUSPECT_R2 = 0.98
BINS = 100
PURE = 0.05
SMALLEST_HALF = 20
SAMPLE_ROWS = 50_000


def leakage_suspects(
    relation: duckdb.DuckDBPyRelation,
    rows: int,
    features: dict[str, Facts],
    target: Facts,
    task: str,
) -> tuple[str, ...]:
    """Name the features that alone tell the target, judged on an even sample of the rows."""
    known = target.text if task == "classification" else f"({target.value})::DOUBLE"
    picked = [f"{known} AS target", "row_number() OVER () AS place"]
    for position, facts in enumerate(features.values()):
        number = facts.kind in ("integer", "number")
        value = f"({facts.value})::DOUBLE" if number else facts.text
        picked.append(f"{value} AS f{position}")
    # By a hash: every tenth row might be the same hour of the day.
    sample = f"hash(place) % {max(1, rows // SAMPLE_ROWS)} = 0 AND target IS NOT NULL"
    # In no order that means anything, so that both halves of it hold some of everything.
    shuffled = relation.project(", ".join(picked)).filter(sample).order("hash(place), place")
    sampled = shuffled.fetchall()
    if len(sampled) < 2 * SMALLEST_HALF:
        return ()
    outcome, _, *values = zip(*sampled, strict=True)
    gives_away = gives_away_class if task == "classification" else gives_away_number
    return tuple(
        name for name, seen in zip(features, values, strict=True) if gives_away(seen, outcome)
    )


def gives_away_class(values: Sequence[Value], classes: Sequence[str]) -> bool:
    """Whether a feature alone tells the class: a copy, a re-encoding, a trace left afterwards.

    One half of the rows teaches which class goes with which value, the other half is judged, and
    the other way round. Suspect when 95 % of the mistakes of "always the commonest class" vanish,
    or when some value comes up in nearly nobody but a class that it marks.
    """
    if _marks_a_class(values, classes):
        return True
    commonest = Counter(classes).most_common(1)[0][0]
    blind = sum(c != commonest for c in classes)
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
    return wrong <= (1 - SUSPECT_SKILL) * blind


def gives_away_number(values: Sequence[Value], target: Sequence[float]) -> bool:
    """Whether a feature alone explains 98 % of the ranks of a numeric target.

    Ranks, not amounts: a few huge values would otherwise decide, one way or the other.
    """
    ranks = _ranks(target)
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
    return total > 0 and error <= (1 - SUSPECT_R2) * total


def _marks_a_class(values: Sequence[Value], classes: Sequence[str]) -> bool:
    """Whether some value, or having none or any, comes with one class only, and with much of it.

    Catches what accuracy overlooks: a reason of leaving, filled in for most of the few who left.
    """
    groups: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, classes, strict=True):
        groups["missing" if value is None else "present"][label] += 1
        if isinstance(value, str):
            groups["value", value][label] += 1
    sizes = Counter(classes)
    for counts in groups.values():
        label, count = counts.most_common(1)[0]
        others = counts.total() - count
        expected = counts.total() * (1 - sizes[label] / len(classes))
        if expected >= SMALLEST_HALF / 2 and others <= PURE * expected and count > sizes[label] / 3:
            return True
    return False


def _grouping(values: Sequence[Value], classes: Sequence[str]) -> Callable[[Value], Hashable]:
    """Put equal texts together, and numbers into bins.

    The bins are cut at quantiles within each class, so that a rare class gets bins of its own.
    """
    numbers: dict[str, list[float]] = defaultdict(list)
    for value, label in zip(values, classes, strict=True):
        if isinstance(value, float):
            numbers[label].append(value)
    bins = max(10, BINS // max(1, len(numbers)))
    edges: set[float] = set()
    for members in numbers.values():
        members.sort()
        edges.update(members[len(members) * i // bins] for i in range(bins))
        edges.add(members[-1])
    cuts = sorted(edges)
    return lambda value: bisect_right(cuts, value) if isinstance(value, float) else value


def _ranks(target: Sequence[float]) -> list[float]:
    """Ranks, equal values sharing the mean of theirs."""
    order = sorted(target)
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for rank, value in enumerate(order):
        first.setdefault(value, rank)
        last[value] = rank
    return [(first[value] + last[value]) / 2 for value in target]
