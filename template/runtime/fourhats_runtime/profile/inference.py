"""Infer a contract from the data: what every column is, and what can be predicted."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from fourhats_runtime.contract import Contract
from fourhats_runtime.contract.names import NO_FEATURES, safe_names, snake_case
from fourhats_runtime.contract.written import COUNTED
from fourhats_runtime.data.differences import added
from fourhats_runtime.data.table_file import TableFileError, explained
from fourhats_runtime.profile import documents
from fourhats_runtime.profile.facts import Facts
from fourhats_runtime.profile.leakage import Finding, follows, known_afterwards, leaks
from fourhats_runtime.profile.measure import measure
from fourhats_runtime.profile.personal import personal_data
from fourhats_runtime.profile.repeats import copies, filled_late
from fourhats_runtime.profile.roles import Roles, assign_roles, id_type, is_category
from fourhats_runtime.profile.target import (
    LISTED_COLUMNS,
    Outcome,
    TargetError,
    find_target,
    judge_target,
    likeliness,
)

ONCE = frozenset({"id", "entity", "time", "target", "link"})
"""Roles that one column of a contract has."""

HEAD = """\
# The contract: what every column of the data is. It was inferred from the data and is yours now:
# correct it, and nothing will overwrite it. The checks, the features, the API, its page and the
# monitoring all follow from it.
#
# name        how the project calls the column        source   how the data calls it
# role        feature  the model learns from it       target   the model predicts it
#             id       names a row                    time     orders the rows; with parts, the
#                                                              model learns from them
#             entity   names a customer, a machine or a shop that has several rows: no model is
#                      judged by those that it has learnt from; with a time, both name a row
#             ignore   is left out; the note says why
# type        integer, number, boolean, category (one of `categories`), datetime or text; a datetime
#             reaches the model by its `parts` and the days to the others, a text by its `words`,
#             or by the vectors of a pre-trained model (vectors: see docs/runbook.md, Features), and
#             both by what features.py derives from them. Parts: year, month, day, weekday, hour,
#             and holiday once `contract holidays DE` has listed a country's
# nullable    whether a value may be missing; otherwise the row is set aside
# min, max    the smallest and largest value that can be true; other rows are set aside
# monotone    1: what is predicted (the positive class's probability) never falls as the number
#             grows; -1: it never rises. Nothing but trees is chosen then
# spellings   other texts that stand for a class of the target
# set_aside   classes of the target whose rows are set aside
# blank       the class that an empty outcome stands for; without it, the case is still open
# leak        suspected   seems to give the target away, as the note says: left out until you write
#             accepted    which makes it a feature
# written     how numbers or dates are written in the data, by an example: 1.234,50 €, (12.5),
#             12 kg, hh:mm (a number of hours), DD.MM.YYYY, MM/DD/YY hh:mm am, YYYY-MM, YYYY-Q,
#             epoch seconds
# missing     the texts that mean "no value" in the column, in place of the usual ones (NA, -, …)
# pii         personal data: left out of the warehouse (role ignore), or a pseudonym (role id or
#             entity, type text, under the key PSEUDONYM_KEY): see docs/runbook.md
"""


@dataclass(frozen=True)
class Column:
    """A column of the contract, with what was seen in it."""

    name: str
    source: str
    type: str
    role: str
    nullable: bool
    missing: int
    distinct: int
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    words: bool = False
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()
    blank: str = ""
    leak: str = ""
    written: str = ""
    missing_marks: tuple[str, ...] | None = None
    pii: bool = False
    note: str = ""
    switch: str = ""
    """What to write in the contract to use a column that is left out."""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A table: its columns, what is to be predicted, and what a person should look at."""

    path: str
    rows: int
    columns: tuple[Column, ...]
    target: str | None = None
    task: str | None = None
    positive: str | None = None
    positive_share: float | None = None
    time_parts: tuple[str, ...] = ()
    likely_targets: tuple[str, ...] = ()
    leakage_suspects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tolerance: float | None = None

    def acting_on(self, label: str) -> "Profile":
        """Take another of two classes for the one that calls for action.

        Raises:
            TargetError: there are no two classes, or none is written like this.

        """
        target = next((column for column in self.columns if column.name == self.target), None)
        if target is None or self.positive is None:
            raise TargetError(
                f"the class {label} cannot call for action: the target has to be known, and to"
                " have two classes"
            )
        spellings = target.spellings
        for name in target.categories:
            if label.strip().lower() in {text.lower() for text in (name, *spellings.get(name, ()))}:
                share = self.positive_share or 0.0
                share = share if name == self.positive else 1 - share
                return replace(self, positive=name, positive_share=share)
        classes = " and ".join(target.categories)
        raise TargetError(f"{target.source} has no class {label}; its classes are {classes}.")


def profile_relation(
    relation: duckdb.DuckDBPyRelation, target: str | None = None, task: str | None = None
) -> Profile:
    """Profile a relation, as `open_file` or a database gives it.

    Args:
        relation: the rows.
        target: the column to predict, by its name in the data or in the contract.
        task: "classification" or "regression", where the target alone would suggest the other; or
            "search", where the rows are documents, and nothing is predicted.

    Raises:
        TableFileError: it has no rows, or reading it failed.
        TargetError: the target is missing or can't be predicted.

    """
    try:
        rows, columns, relation = measure(relation)
        if not rows:
            raise TableFileError("the table has no rows.")
        sources = [column.source for column in columns]
        names = safe_names(sources)
        facts = dict(zip(names, columns, strict=True))
        chosen = None if target is None else find_target(target, sources, names)
        personal, said = personal_data(relation, facts, chosen)
        roles = assign_roles(rows, facts, chosen, personal)
        roles.warnings += said
        if task == documents.TASK:
            documents.give_parts(relation, roles)
            return replace(_profile(roles), task=task, time_parts=(), likely_targets=())
        _leave_out_repeats(relation, roles)
        if chosen is None:
            return _profile(roles)
        outcome = judge_target(relation, rows, facts[chosen], task)
        roles.warnings += [f"{facts[chosen].source}: {words}" for words in outcome.said]
        suspects = _leave_out_leaks(relation, roles, facts[chosen], outcome)
    except duckdb.Error as error:
        raise TableFileError(explained(error)) from error
    if not {"feature", "time"} & set(roles.roles.values()):  # of a time, parts are learnt from
        raise TargetError(_nothing_left(roles, facts[chosen].source))
    if facts[chosen].present == rows or (outcome.classes and outcome.classes.blank):
        roles.warnings.append(
            f"{facts[chosen].source}: every row has its outcome, so that there is no case to score:"
            " bring rows in which it is empty by the same source, or ask the API"
        )
    return replace(
        _profile(roles, outcome),
        target=chosen,
        task=outcome.task,
        positive=outcome.classes.positive if outcome.classes else None,
        positive_share=outcome.classes.positive_share if outcome.classes else None,
        tolerance=outcome.tolerance,
        leakage_suspects=suspects,
    )


def _leave_out_repeats(relation: duckdb.DuckDBPyRelation, roles: Roles) -> None:
    """Leave out what says nothing of its own."""
    facts = roles.facts
    for name, same in copies(relation, _features(roles)).items():
        roles.ignore(name, f"holds the same as {facts[same].source} in every row")
    times = [name for name, role in roles.roles.items() if role == "time"]
    if times:
        late = filled_late(relation, roles.rows, _features(roles), facts[times[0]])
        for name, since in late.items():
            reason = f"known only since {since}: the older rows, which are learnt from, have none"
            roles.ignore(name, reason)
            roles.warnings.append(f"{facts[name].source}: {reason}; left out")


def _leave_out_leaks(
    relation: duckdb.DuckDBPyRelation, roles: Roles, target: Facts, outcome: Outcome
) -> tuple[str, ...]:
    """Leave out what gives the target away, and say so; gives the names, and of what is strong."""
    judged = _features(roles)
    found = leaks(relation, roles.rows, judged, target, outcome)
    times = {name for name, role in roles.roles.items() if role == "time"}
    dates = {n: f for n, f in roles.facts.items() if f.kind == "datetime" and f is not target}
    for name, later in dates.items():
        if (
            name in found
            or name in times | roles.personal.keys()
            or not known_afterwards(later.source)
        ):
            continue
        for other, earlier in dates.items():
            if other != name and follows(relation, later, earlier):
                reason = f"is known only afterwards: it comes after {earlier.source} in every row"
                found[name] = Finding(reason)
                break
    for name, finding in found.items():
        source = roles.facts[name].source
        if finding.left_out:
            roles.leaks.add(name)
            roles.ignore(name, "")
            roles.notes[name] = [f"left out, since it {finding.reason}"]
            roles.warnings.append(
                f'{source}: left out, since it {finding.reason}; leak = "accepted" at it in '
                "config/contract.toml uses it all the same"
            )
        else:
            roles.notes[name].append(finding.reason)
            roles.warnings.append(
                f"{source}: {finding.reason}; it stays: is it known at the time of the prediction?"
            )
    return tuple(name for name in judged if name in found)


def _nothing_left(roles: Roles, target: str) -> str:
    """Say why there is nothing to predict from."""
    reasons = [
        f"{roles.facts[name].source} ({'; '.join(filter(None, roles.notes[name])) or role})"
        for name, role in roles.roles.items()
        if role != "target"
    ]
    listed = ", ".join(reasons[:LISTED_COLUMNS]) + ", …" * (len(reasons) > LISTED_COLUMNS)
    return f"Nothing is left to predict {target} from: no column is a feature: {listed}."


def _features(roles: Roles) -> dict[str, Facts]:
    return {name: roles.facts[name] for name, role in roles.roles.items() if role == "feature"}


def to_toml(profile: Profile, joins: Mapping[str, Sequence[str]] | None = None) -> str:
    """Write the contract, for a person to read and change: the text of config/contract.toml.

    `joins` are the sources whose columns are added to the others' rows, with the keys.
    """
    table = snake_case(Path(re.sub(r"[/\\]?[^/\\]*[*?\[].*", "", profile.path)).stem)
    of_documents = profile.task == documents.TASK
    head = documents.HEAD if of_documents else HEAD
    lines = [head, f"table = {_toml(safe_names([table or 'data'])[0])}"]
    if profile.positive is not None:
        lines.append(f"positive = {_toml(profile.positive)}  # the class that calls for action")
    if profile.time_parts:
        lines.append(f"time_parts = {_toml(profile.time_parts)}  # together they order the rows")
    for source, keys in (joins or {}).items():
        lines += ["", "[[joins]]", f"source = {_toml(source)}", f"on = {_toml(tuple(keys))}"]
    lines += [documents.QUESTIONS] if of_documents else []
    for column in profile.columns:
        lines += ["", *_column_lines(column)]
    return "\n".join(lines) + "\n"


def merged(text: str, contract: Contract, profile: Profile) -> tuple[str, list[str]]:
    """Add to the text of a contract what is new in the data; gives it, and the names of that.

    Nothing of what stands there is touched. What can be there once only is left out, with a note.
    """
    taken = {column.role for column in contract.columns}
    names = [column.name for column in contract.columns]
    expected = {each.column for each in added(contract, [c.source for c in profile.columns])}
    new = [column for column in profile.columns if column.source in expected]
    parts = [text.rstrip("\n")]
    for column in new:
        if column.role in ONCE & taken:
            note = f"looks like the {column.role}, of which the contract has one"
            column = replace(column, role="ignore", parts=(), note=note)  # noqa: PLW2901
        *_, name = safe_names([*names, column.source])
        names.append(name)
        parts.append("\n".join(_column_lines(replace(column, name=name))))
    return "\n\n".join(parts) + "\n", names[len(contract.columns) :]


def _column_lines(column: Column) -> list[str]:
    lines = ["[[columns]]"]
    for key in ("name", "source", "type", "role", "nullable", "min", "max"):
        value = getattr(column, key)
        if value is not None:
            hint = f"  # to use it: {column.switch}" if key == "role" and column.switch else ""
            lines.append(f"{key} = {_toml(value)}{hint}")
    if column.missing_marks is not None:
        lines.append(f"missing = {_toml(column.missing_marks)}")
    keys = ("categories", "parts", "words", "spellings", "set_aside", "blank", "written")
    for key in (*keys, "leak", "pii", "note"):
        value = getattr(column, key)
        lines += [f"{key} = {_toml(value)}"] if value else []
    return lines


def _profile(roles: Roles, outcome: Outcome | None = None) -> Profile:
    columns = tuple(_column(name, roles, outcome) for name in roles.facts)
    for place, column in enumerate(columns):
        if column.name in NO_FEATURES and column.role in ("feature", "ignore"):
            *_, free = safe_names([*(other.name for other in columns), column.name])
            columns = (*columns[:place], replace(column, name=free), *columns[place + 1 :])
    likely = {
        column.name: likeliness(column.name, last=column is columns[-1], distinct=column.distinct)
        for column in columns
        if column.role in ("feature", "target")
    }
    ranked = sorted(filter(likely.get, likely), key=lambda name: -likely[name])
    return Profile(
        path="",
        rows=roles.rows,
        columns=columns,
        time_parts=roles.time_parts,
        likely_targets=tuple(ranked[:3]),
        warnings=tuple(roles.warnings),
    )


def _column(name: str, roles: Roles, outcome: Outcome | None) -> Column:
    facts, role = roles.facts[name], roles.roles[name]
    of_documents = "field" in roles.roles.values()
    kind = facts.kind
    categories: tuple[str, ...] = ()
    classes = outcome.classes if outcome is not None and role == "target" else None
    suspected = role == "ignore" and name in roles.leaks
    chosen_from = role in ("feature", "filter") or suspected
    if classes is not None:
        kind, categories = "category", tuple(classes.sizes)
    elif kind == "text" and chosen_from and is_category(roles.rows, facts):
        kind, categories = "category", facts.classes
    elif kind == "other":
        kind = "text"
    elif role == "id":
        kind = id_type(facts)
    numeric = kind in ("integer", "number")
    personal = name in roles.personal and role != "target"
    return Column(
        name=name,
        source=facts.source,
        type=kind,
        role=role,
        nullable=facts.present < roles.rows,
        missing=roles.rows - facts.present,
        distinct=facts.distinct,
        min=0.0 if numeric and facts.low is not None and facts.low >= 0 else None,
        categories=categories,
        spellings=classes.spellings if classes else {},
        set_aside=classes.set_aside if classes else (),
        blank=classes.blank if classes else "",
        leak="suspected" if suspected else "",
        parts=_parts(facts, role) if kind == "datetime" and not of_documents else (),
        words=role == "feature" and kind == "text",
        written=facts.written if numeric or kind == "datetime" else "",
        missing_marks=facts.missing,
        pii=personal,
        note="; ".join(dict.fromkeys(roles.notes[name])),
        switch=_switch(personal=personal, suspected=suspected) if role == "ignore" else "",
        examples=facts.examples,
    )


def _parts(facts: Facts, role: str) -> tuple[str, ...]:
    """Give the parts of a moment that can tell something: hours only where there are any.

    The year of what orders the rows is left out: those to come are never of one that was learnt.
    """
    if role not in ("feature", "time"):
        return ()
    year = ("year",) if role == "feature" else ()
    if facts.written and facts.written not in COUNTED and "D" not in facts.written:
        return (*year, "month")
    hours = any(re.search(r"[1-9]", value[10:]) for value in facts.examples)
    return (*year, "month", "day", "weekday", *(("hour",) if hours else ()))


def _switch(*, personal: bool, suspected: bool) -> str:
    lines = ['leak = "accepted"' if suspected else 'role = "feature"']
    return " and ".join([*lines, "pii = false"] if personal else lines)


def _toml(value: object) -> str:
    """Write a value as TOML. JSON escapes texts as TOML wants them, but for DEL."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
