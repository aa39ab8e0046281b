"""Infer a contract from the data: what every column is, and what can be predicted."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from .column_facts import measure
from .column_names import safe_names, snake_case
from .column_roles import Roles, assign_roles
from .leakage import leakage_suspects
from .table_file import TableFileError, explained, open_file
from .target import Outcome, TargetError, find_target, judge_target, likeliness

__all__ = [
    "Column",
    "Profile",
    "TableFileError",
    "TargetError",
    "profile_file",
    "profile_relation",
    "to_toml",
]

HEAD = """\
# The contract: what every column of the data is. It was inferred from the data and is yours now:
# correct it, and nothing will overwrite it. The checks, the features, the API, its page and the
# monitoring all follow from it.
#
# name        how the project calls the column        source   how the data calls it
# role        feature  the model learns from it       target   the model predicts it
#             id       names a row                    time     orders the rows
#             ignore   is left out; the note says why
# type        integer, number, boolean, category (one of `categories`), datetime or text
# nullable    whether a value may be missing; otherwise the row is set aside
# min, max    the smallest and largest value that can be true; other rows are set aside
# decimal     "," where numbers are written as 1.234,56
# pii         personal data: left out of the warehouse (role ignore), or a pseudonym (role id, type
#             text, under the key PSEUDONYM_KEY): see docs/runbook.md
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
    decimal: str = ""
    pii: bool = False
    note: str = ""
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
    time_parts: tuple[str, ...] = ()
    likely_targets: tuple[str, ...] = ()
    leakage_suspects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tolerance: float | None = None


def profile_file(path: str, target: str | None = None, task: str | None = None) -> Profile:
    """Profile a CSV or Parquet file, or all files of a glob.

    Raises:
        TableFileError: it can't be read as a table.
        TargetError: the target is missing or can't be predicted.

    """
    with duckdb.connect() as connection:
        try:
            profile = profile_relation(open_file(connection, path), target, task)
        except TableFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise TableFileError(f"{path}: {reason}") from error
    return replace(profile, path=path)


def profile_relation(
    relation: duckdb.DuckDBPyRelation, target: str | None = None, task: str | None = None
) -> Profile:
    """Profile a relation, as `open_file` or a database gives it.

    Args:
        relation: the rows.
        target: the column to predict, by its name in the data or in the contract.
        task: "classification" or "regression", where the target alone would suggest the other.

    Raises:
        TableFileError: it has no rows, or reading it failed.
        TargetError: the target is missing or can't be predicted.

    """
    try:
        rows, columns = measure(relation)
        if not rows:
            raise TableFileError("the table has no rows.")
        names = safe_names(relation.columns)
        facts = dict(zip(names, columns, strict=True))
        chosen = None if target is None else find_target(target, relation.columns, names)
        roles = assign_roles(rows, facts, chosen)
        if chosen is None:
            return _profile(roles)
        outcome = judge_target(relation, facts[chosen], task)
        features = {name: facts[name] for name, role in roles.roles.items() if role == "feature"}
        if not features:
            raise TargetError(f"Nothing is left to predict {target} from: no column is a feature.")
        suspects = leakage_suspects(relation, rows, features, facts[chosen], outcome.task)
    except duckdb.Error as error:
        raise TableFileError(explained(error)) from error
    for name in suspects:
        asked = "would it be known at the time of the prediction?"
        roles.notes[name].append(f"gives the target away: {asked}")
        roles.warnings.append(f"{facts[name].source}: gives the target away all by itself; {asked}")
    return replace(
        _profile(roles, outcome),
        target=chosen,
        task=outcome.task,
        positive=outcome.positive,
        tolerance=outcome.tolerance,
        leakage_suspects=suspects,
    )


def to_toml(profile: Profile, joins: Mapping[str, Sequence[str]] | None = None) -> str:
    """Write the contract, for a person to read and change: the text of config/contract.toml.

    `joins` are the sources whose columns are added to the others' rows, with the keys.
    """
    table = snake_case(Path(re.sub(r"[/\\]?[^/\\]*[*?\[].*", "", profile.path)).stem)
    lines = [HEAD, f"table = {_toml(safe_names([table or 'data'])[0])}"]
    if profile.positive is not None:
        lines.append(f"positive = {_toml(profile.positive)}  # the class that calls for action")
    if profile.time_parts:
        lines.append(f"time_parts = {_toml(profile.time_parts)}  # together they order the rows")
    for source, keys in (joins or {}).items():
        lines += ["", "[[joins]]", f"source = {_toml(source)}", f"on = {_toml(tuple(keys))}"]
    for column in profile.columns:
        lines += ["", "[[columns]]"]
        for key in ("name", "source", "type", "role", "nullable", "min", "max"):
            value = getattr(column, key)
            if value is not None:
                lines.append(f"{key} = {_toml(value)}")
        for key in ("categories", "decimal", "pii", "note"):
            if value := getattr(column, key):
                lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _profile(roles: Roles, outcome: Outcome | None = None) -> Profile:
    columns = tuple(_column(name, roles, outcome) for name in roles.facts)
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
    kind = facts.kind
    categories: tuple[str, ...] = ()
    if role == "target" and outcome is not None and outcome.classes:
        kind, categories = "category", outcome.classes
    elif kind == "text" and role == "feature":
        kind, categories = "category", facts.classes
    elif kind == "other":
        kind = "text"
    numeric = kind in ("integer", "number")
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
        decimal=facts.decimal if numeric else "",
        pii=name in roles.personal and role != "target",
        note="; ".join(roles.notes[name]),
        examples=facts.examples,
    )


def _toml(value: object) -> str:
    """Write a value as TOML. JSON escapes texts as TOML wants them, but for DEL."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
