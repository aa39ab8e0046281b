"""What is predicted: classes or a number, and whether the data are enough to learn it."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from .column_facts import MOST_CATEGORIES, Facts
from .column_names import snake_case

MOST_NUMBERED_CLASSES = 20
FEWEST_CLASSES = 2
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10
LISTED_COLUMNS = 40

POSITIVE = re.compile(
    "1|bad|churn|churned|default|defaulted|failed|failure|fraud|ja|oui|pos|positive|si|t|true|y|yes",
    re.IGNORECASE,
)
TARGET_NAME = re.compile(
    "target|label|class|y|churn|churned|outcome|default|response|fraud|price|survived|converted"
    "|diagnosis|ziel|exited|attrition|approved"
)


class TargetError(ValueError):
    """The target can't be predicted; the message says why, for the person who named it."""


@dataclass(frozen=True)
class Outcome:
    """What follows from a target's values."""

    task: str
    classes: tuple[str, ...] = ()
    positive: str | None = None
    tolerance: float | None = None


def find_target(target: str, sources: Sequence[str], names: Sequence[str]) -> str:
    """Name of the target's column, given its name in the data, in the contract, or nearly so.

    Raises:
        TargetError: there is none; the message lists the columns.

    """
    for wanted, known in ((target, sources), (target, names), (snake_case(target), names)):
        if wanted in known:
            return names[known.index(wanted)]
    lower = {source.lower(): source for source in sources}
    near = difflib.get_close_matches(target.lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]}?" if near else ""
    listed = ", ".join(sources[:LISTED_COLUMNS]) + ", …" * (len(sources) > LISTED_COLUMNS)
    raise TargetError(f"There is no column {target}.{hint} The columns are: {listed}.")


def judge_target(relation: duckdb.DuckDBPyRelation, target: Facts, task: str | None) -> Outcome:
    """Choose the task, unless it is given, and see whether the data are enough for it.

    Raises:
        TargetError: nothing can be learned from it, or not by that task.

    """
    task = _task(target, task)
    if target.present < FEWEST_ROWS:
        raise TargetError(
            f"{target.source} is known in only {target.present} rows; "
            f"learning takes at least {FEWEST_ROWS}."
        )
    if task == "regression":
        return Outcome(task, tolerance=_tolerance(relation, target))
    counted = relation.aggregate(f"{target.text}, count(*)", target.text).fetchall()
    sizes = dict(sorted(c for c in counted if c[0] is not None))
    rarest = min(sizes, key=lambda label: sizes[label])
    if sizes[rarest] < FEWEST_OF_A_CLASS:
        raise TargetError(
            f"{target.source} is {rarest} in only {sizes[rarest]} rows; learning a class takes "
            f"{FEWEST_OF_A_CLASS}: merge it with another, or leave its rows out."
        )
    positive = _positive(sizes) if len(sizes) == FEWEST_CLASSES else None
    return Outcome(task, classes=tuple(sizes), positive=positive)


def likeliness(name: str, *, last: bool, distinct: int) -> int:
    """How likely it is that a column is what people want to predict; 0 for unlikely."""
    plain = name.rstrip("_")
    score = 3 * bool(TARGET_NAME.fullmatch(plain))
    score += 2 * any(map(TARGET_NAME.fullmatch, plain.split("_")))
    score += 2 * last + (distinct == FEWEST_CLASSES)
    return score if score > 1 else 0


def _task(target: Facts, wanted: str | None) -> str:
    """Classification or regression, whichever the target's values allow."""
    name, distinct = target.source, len(target.classes) or target.distinct
    if distinct < FEWEST_CLASSES:
        held = f"only ever holds {target.examples[0]}" if target.examples else "holds no value"
        raise TargetError(f"{name} {held}: there is nothing to predict.")
    numeric = target.kind in ("integer", "number")
    if target.kind in ("datetime", "other") or (not numeric and distinct > MOST_CATEGORIES):
        what = {"datetime": "dates", "text": "texts"}.get(target.kind, "values")
        raise TargetError(
            f"{name} can't be predicted: it holds {distinct:,} different {what}, "
            f"neither numbers nor up to {MOST_CATEGORIES} classes."
        )
    fits = {
        "classification": not numeric or distinct <= MOST_NUMBERED_CLASSES,
        "regression": numeric and distinct > FEWEST_CLASSES,
    }
    if wanted is None:
        return "classification" if fits["classification"] else "regression"
    if wanted not in fits:
        raise TargetError(f"The task {wanted} is unknown: choose classification or regression.")
    if not fits[wanted]:
        other = "regression" if wanted == "classification" else "classification"
        what = "numbers" if numeric else "classes"
        raise TargetError(
            f"{name} doesn't fit {wanted}: it holds {distinct:,} different {what}; choose {other}."
        )
    return wanted


def _positive(sizes: dict[str, int]) -> str:
    """Choose the class that calls for action: the one that says yes, else the rarer."""
    known = [label for label in sizes if POSITIVE.fullmatch(label)]
    if known == ["1"] and sizes.keys().isdisjoint(("0", "-1")):  # 1 and 2 say nothing
        known = []
    return known[0] if len(known) == 1 else min(sizes, key=lambda label: sizes[label])


def _tolerance(relation: duckdb.DuckDBPyRelation, target: Facts) -> float:
    """Tell how far off a typical value is from the median: a scale that no outlier moves."""
    finite = relation.project(f"({target.value})::DOUBLE AS v").filter("isfinite(v)")
    scales = finite.aggregate("mad(v), stddev(v)").fetchall()[0]
    return next((float(f"{scale:.2g}") for scale in scales if scale), 1.0)
