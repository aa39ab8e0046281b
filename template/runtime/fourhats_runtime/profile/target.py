"""What is predicted: classes or a number, and whether the data are enough to learn it."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.profile.classes import (
    FEWEST_CLASSES,
    FEWEST_OF_A_CLASS,
    Classes,
    find_classes,
)
from fourhats_runtime.profile.facts import MOST_CATEGORIES, Facts

MOST_NUMBERED_CLASSES = 20
FEWEST_COUNTED = 7
"""Different numbers from which on they are taken for an amount rather than for names of classes."""
FEWEST_ROWS = 50
LISTED_COLUMNS = 40

CLASS_NAME = re.compile(
    "class|category|cluster|code|digit|group|kind|label|segment|species|target|type"
    "|art|gruppe|kategorie|klasse|typ|categorie|classe|genre|groupe|categoria|clase|grupo|tipo"
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
    classes: Classes | None = None
    tolerance: float | None = None
    said: tuple[str, ...] = ()
    """What a person should know of how the target is understood."""


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


def judge_target(
    relation: duckdb.DuckDBPyRelation, rows: int, target: Facts, wanted: str | None
) -> Outcome:
    """Choose the task, unless one is wanted, and see whether the data are enough for it.

    Raises:
        TargetError: nothing can be learned from it, or not by that task.

    """
    counted: dict[str, int] = {}
    if target.distinct <= 2 * MOST_CATEGORIES and target.kind not in ("datetime", "other"):
        found = relation.aggregate(f"{target.text}, count(*)", target.text).fetchall()
        counted = {text: count for text, count in found if text is not None}
    classes = find_classes(counted, rows - target.present)
    task, said = _task(target, classes, wanted)
    known = target.present + (rows - target.present) * bool(classes.blank)
    if known < FEWEST_ROWS:
        raise TargetError(
            f"{target.source} is known in only {known} rows; learning takes at least {FEWEST_ROWS}."
        )
    if task == "regression":
        return Outcome(task, tolerance=_tolerance(relation, target), said=said)
    rarest = min(classes.sizes, key=lambda label: classes.sizes[label])
    if classes.sizes[rarest] < FEWEST_OF_A_CLASS:
        raise TargetError(
            f"{target.source} is {rarest} in only {classes.sizes[rarest]} rows; learning takes "
            f"two classes of at least {FEWEST_OF_A_CLASS} rows each."
        )
    return Outcome(task, classes=classes, said=(*said, *classes.said))


def likeliness(name: str, *, last: bool, distinct: int) -> int:
    """How likely it is that a column is what people want to predict; 0 for unlikely."""
    plain = name.rstrip("_")
    score = 3 * bool(TARGET_NAME.fullmatch(plain))
    score += 2 * any(map(TARGET_NAME.fullmatch, plain.split("_")))
    score += 2 * last + (distinct == FEWEST_CLASSES)
    return score if score > 1 else 0


def _task(target: Facts, classes: Classes, wanted: str | None) -> tuple[str, tuple[str, ...]]:
    """Classification or regression, whichever the values allow, and what to say of the choice."""
    name = target.source
    distinct = len(classes.sizes) + len(classes.set_aside) or target.distinct
    if distinct < FEWEST_CLASSES:
        held = f"only ever holds {target.examples[0]}" if target.examples else "holds no value"
        raise TargetError(f"{name} {held}: there is nothing to predict.")
    numeric = target.kind in ("integer", "number") and not classes.blank
    if target.kind in ("datetime", "other") or (not numeric and distinct > MOST_CATEGORIES):
        what = {"datetime": "dates", "text": "texts"}.get(target.kind, "values")
        raise TargetError(
            f"{name} can't be predicted: it holds {distinct:,} different {what}, "
            f"neither numbers nor up to {MOST_CATEGORIES} classes."
        )
    fits = {
        "classification": not numeric or target.distinct <= MOST_NUMBERED_CLASSES,
        "regression": numeric and target.distinct > FEWEST_CLASSES,
    }
    if wanted is None:
        return _proposed(target, classes, fits)
    if wanted not in fits:
        raise TargetError(f"The task {wanted} is unknown: choose classification or regression.")
    if not fits[wanted]:
        other = "regression" if wanted == "classification" else "classification"
        what = "numbers" if numeric else "classes"
        raise TargetError(
            f"{name} doesn't fit {wanted}: it holds {distinct:,} different {what}; choose {other}."
        )
    return wanted, ()


def _proposed(
    target: Facts, classes: Classes, fits: dict[str, bool]
) -> tuple[str, tuple[str, ...]]:
    if not all(fits.values()):
        return ("classification" if fits["classification"] else "regression"), ()
    named = any(map(CLASS_NAME.fullmatch, snake_case(target.source).split("_")))
    # A few large counts that nearly nobody has are the tail of an amount, no classes.
    tail = len(classes.sizes) > FEWEST_CLASSES and target.distinct > len(classes.sizes)
    tail = tail or "other" in classes.spellings
    amount = not named and (target.distinct >= FEWEST_COUNTED or tail)
    task, other, taken = (
        ("regression", "classification", "an amount")
        if amount
        else ("classification", "regression", "classes")
    )
    if len(classes.sizes) == FEWEST_CLASSES and not amount:
        return task, ()
    said = (
        f"holds {target.distinct} different numbers, taken for {taken} ({task}): where that is "
        f'wrong, answer task with "{other}" (fourhats new -d task={other})'
    )
    return task, (said,)


def _tolerance(relation: duckdb.DuckDBPyRelation, target: Facts) -> float:
    """Tell how far off a typical value is from the median: a scale that no outlier moves."""
    finite = relation.project(f"({target.value})::DOUBLE AS v").filter("isfinite(v)")
    scales = finite.aggregate("mad(v), stddev(v)").fetchall()[0]
    return next((float(f"{scale:.2g}") for scale in scales if scale), 1.0)
