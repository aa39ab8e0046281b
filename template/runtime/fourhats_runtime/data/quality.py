"""Checks of the rows: which may not be used, and why. The contract's, and a project's own.

Each is a SQL condition that is true where a row fails, so that millions of rows are checked in one
scan; the reasons are put together for the few that fail, which go to the table `quarantine`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.names import landed
from fourhats_runtime.data.check import Check
from fourhats_runtime.data.differences import absent
from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.joins import own_columns
from fourhats_runtime.data.sql import among, chained, literal, quote
from fourhats_runtime.data.typed_values import typed
from fourhats_runtime.data.warehouse import Connection, columns, count, one_row
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.wording import number

__all__ = ["Check", "Violation", "broken", "explain_failure", "valid_rows", "validate"]

BETWEEN = "; "
"""Stands between two reasons for the same row."""
REPLACED = "comes again with a newer row"
"""The reason for a row that is no case any more: the newer one is."""


@dataclass(frozen=True)
class Violation:
    """How many rows fail a check, and the number of the first of them.

    Of a check of the project's own, `column` is empty.
    """

    column: str
    reason: str
    rows: int
    first_row: int

    def __str__(self) -> str:
        """Put it in words."""
        words = f"{self.column} {self.reason}".lstrip()
        return f"{words}: {self.rows:,} rows (first: row {self.first_row:,})"


@dataclass(frozen=True)
class _Rule:
    """A condition that is true where a row fails, and the reason in words."""

    column: str
    reason: str
    fails: str

    def __str__(self) -> str:
        """Put it in words."""
        return f"{self.column} {self.reason}".lstrip()


def validate(
    connection: Connection, contract: Contract, checks: Sequence[Check] = ()
) -> list[Violation]:
    """Check every row of `raw`; write the failing ones to `quarantine` with their reasons.

    Returns the violations, the most frequent first.

    Raises:
        ProjectError: a column of the contract is missing from the data, or a check of the
            project's own cannot be asked.

    """
    rows, rules = _typed_rows(connection, contract, checks)
    flags = [f"coalesce({rule.fails}, FALSE) AS fails_{n}" for n, rule in enumerate(rules)]
    with _named(connection, f"({rows})", checks):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE failing AS "
            f"SELECT {', '.join(['_source', '_row', *flags])} "
            f"FROM ({rows}) AS typed WHERE {_any(rules)}"
        )
    reasons = [
        f"CASE WHEN failing.fails_{n} THEN {literal(f'{BETWEEN}{rule}')} ELSE '' END"
        for n, rule in enumerate(rules)
    ]
    found = chained("||", reasons or [literal("")])
    connection.execute(
        f"CREATE OR REPLACE TABLE quarantine AS "
        f"SELECT substr({found}, {len(BETWEEN) + 1}) AS reasons, raw.* "
        "FROM failing JOIN raw ON raw._source = failing._source AND raw._row = failing._row"
    )
    violations = _counted(connection, rules)
    connection.execute("DROP TABLE failing")
    return sorted(violations, key=lambda violation: -violation.rows)


def _counted(connection: Connection, rules: list[_Rule]) -> list[Violation]:
    if not rules or not count(connection, "failing"):
        return []
    figures = one_row(
        connection,
        "SELECT "
        + ", ".join(
            f"count(CASE WHEN fails_{n} THEN 1 END), min(CASE WHEN fails_{n} THEN _row END)"
            for n in range(len(rules))
        )
        + " FROM failing",
    )
    return [
        Violation(rule.column, rule.reason, rows, first_row)
        for rule, rows, first_row in zip(rules, figures[::2], figures[1::2], strict=True)
        if rows
    ]


def valid_rows(connection: Connection, contract: Contract, checks: Sequence[Check] = ()) -> str:
    """Give the SQL of the rows that pass every check, typed and named as the contract says.

    Raises:
        ProjectError: a column of the contract is missing from the data.

    """
    rows, rules = _typed_rows(connection, contract, checks)
    names = ", ".join(quote(column.name) for column in contract.used)
    passes = f"NOT coalesce({_any(rules)}, FALSE)"
    return f"SELECT {names}, _source, _row FROM ({rows}) AS typed WHERE {passes}"


def cases_set_aside(connection: Connection, contract: Contract) -> str:
    """Give the SQL of the cases in `quarantine`, with their reasons.

    `id` and `outcome` are texts, NULL where there is none. Whether a case `is_open` follows from
    what the source left empty: an outcome that cannot be read is one all the same.
    """
    present = columns(connection, "quarantine")
    outcome, missing = meant(contract.target, present)
    key = "NULL"
    if contract.id is not None:
        key, _ = meant(contract.id, present)
    return (
        f"SELECT _source, _row, CAST({key} AS VARCHAR) AS id, CAST({outcome} AS VARCHAR) AS outcome"
        f", {missing or f'({outcome} IS NULL)'} AS is_open, reasons "
        f"FROM quarantine WHERE strpos(reasons, {literal(REPLACED)}) = 0"
    )


def explain_failure(connection: Connection, contract: Contract, checks: Sequence[Check]) -> None:
    """Say which check of the project's own is to blame, if one is for what just failed.

    Raises:
        ProjectError: a check cannot be asked; the text names it.

    """
    rows, _ = _typed_rows(connection, contract, ())
    _blame(connection, f"({rows})", checks)


def broken(
    connection: Connection, contract: Contract, checks: Sequence[Check] = ()
) -> tuple[int, int, list[str]]:
    """Check the values of `clean`, whatever made them.

    Returns its rows, the values that break the contract or a check of the project's own, and the
    names of their columns or checks.

    Raises:
        ProjectError: a check of the project's own cannot be asked.

    """
    rules = [
        rule
        for column in contract.used
        for rule in _rules(column, None, contract)  # the warehouse holds it to its type
    ]
    rules += map(_own, checks)
    counts = [f"count(CASE WHEN {rule.fails} THEN 1 END)" for rule in rules]
    with _named(connection, "clean", checks):
        rows, *failing = one_row(
            connection, f"SELECT {', '.join(['count(*)', *counts])} FROM clean"
        )
    names = [rule.column or f"the check {rule.reason!r}" for rule in rules]
    found = {name for name, count in zip(names, failing, strict=True) if count}
    return rows, sum(failing), sorted(found)


def _typed_rows(
    connection: Connection, contract: Contract, checks: Sequence[Check]
) -> tuple[str, list[_Rule]]:
    """Give the SQL of all rows with typed values, and what must not hold for them."""
    present = columns(connection, "raw")
    if gone := list(absent(contract, list(own_columns(connection, "raw")))):
        raise ProjectError("; ".join(map(str, gone)))
    selected = ["_source", "_row"]
    rules = []
    for column in contract.used:
        value, missing = meant(column, present)
        selected.append(f"{value} AS {quote(column.name)}")
        if missing is not None:
            selected.append(f"{missing} AS {_missing(column)}")
        rules += _rules(column, missing and _missing(column), contract)
    rows = f"SELECT {', '.join(selected)} FROM raw"
    key = [column.name for column in contract.key]
    if key and _has_duplicates(connection, rows, key):
        newest = ", ".join(
            f"{quote(name)} DESC" for name in (*contract.time_order, "_source", "_row")
        )
        nth = f"row_number() OVER (PARTITION BY {', '.join(map(quote, key))} ORDER BY {newest})"
        rows = f"SELECT *, {nth} AS _nth FROM ({rows}) AS typed"
        again = f"_nth > 1 AND {_known(key)}"
        rules.append(_Rule(" and ".join(key), REPLACED, again))
    return rows, [*rules, *map(_own, checks)]


def meant(column: Column, present: Mapping[str, str]) -> tuple[str, str | None]:
    """Give what `typed` gives, with one spelling a class, and with what a blank stands for.

    `present` are the columns of `raw`, and their types.
    """
    name = landed(column.source)
    raw_type = present.get(name)
    value, missing = typed(column.model_copy(update={"source": name}), raw_type)
    if column.spellings:
        cases = " ".join(
            f"WHEN {among(value, texts)} THEN {literal(name)}"
            for name, texts in column.spellings.items()
        )
        value = f"CASE {cases} ELSE {value} END"
    if column.blank and raw_type is not None:
        value = f"coalesce({value}, {literal(column.blank)})"
    return value, missing


def _rules(column: Column, missing: str | None, contract: Contract) -> list[_Rule]:
    """Give the rules of a column; without `missing`, a value that is NULL was left empty.

    Nobody learns of a category that the contract does not know, but an open case of it waits for a
    decision, and models have a code for what they have never seen.
    """
    value, rules = quote(column.name), []
    if missing is not None:
        words = f"is no {column.type}"
        rules.append(_Rule(column.name, words, f"{value} IS NULL AND NOT {missing}"))
    if not column.nullable and column.role != "target":  # an outcome may still be unknown
        rules.append(_Rule(column.name, "is missing", missing or f"{value} IS NULL"))
    if column.min is not None:
        rules.append(
            _Rule(column.name, f"is below {number(column.min, 6)}", f"{value} < {column.min}")
        )
    if column.max is not None:
        rules.append(
            _Rule(column.name, f"is above {number(column.max, 6)}", f"{value} > {column.max}")
        )
    if column.set_aside:
        rare = among(value, column.set_aside)
        rules.append(_Rule(column.name, "is a class that is set aside", rare))
    if column.categories:
        fails = f"NOT {among(value, (*column.categories, *column.set_aside))}"
        if column.role == "feature":
            fails += f" AND {quote(contract.target.name)} IS NOT NULL"
        rules.append(_Rule(column.name, "is an unknown category", fails))
    return rules


def _own(check: Check) -> _Rule:
    """Give the rule of a check of the project's own; its condition may end in a comment."""
    if not check.reason.strip() or BETWEEN in check.reason or "\n" in check.reason:
        raise ProjectError(
            f"the check {check.reason!r} needs a reason in a few words, on one line, and without a "
            "semicolon, which stands between the reasons for a row"
        )
    return _Rule("", check.reason.strip(), f"NOT ({check.condition}\n)")


@contextmanager
def _named(connection: Connection, rows: str, checks: Sequence[Check]) -> Iterator[None]:
    """Name the check of the project's own for which a statement fails, if it is for one."""
    try:
        yield
    except (duckdb.Error, ProjectError):
        _blame(connection, rows, checks)
        raise


def _blame(connection: Connection, rows: str, checks: Sequence[Check]) -> None:
    for check in checks:
        query = f"SELECT count(*) FROM {rows} AS typed WHERE {_own(check).fails}"
        try:
            one_row(connection, query)
        except (duckdb.Error, ProjectError) as error:
            raise ProjectError(
                f"the check {check.reason!r} cannot be asked: {reason(error)} "
                f"(its condition: {check.condition.strip()}); change or remove it among the CHECKS "
                "in monitor.py"
            ) from None


def _any(rules: list[_Rule]) -> str:
    return chained("OR", [f"({rule.fails})" for rule in rules] or ["FALSE"])


def _has_duplicates(connection: Connection, rows: str, key: Sequence[str]) -> bool:
    """Tell whether two rows share a key; where a part of it is missing, nobody can tell."""
    names = ", ".join(map(quote, key))
    shared = (
        f"SELECT {names} FROM ({rows}) AS typed WHERE {_known(key)} "
        f"GROUP BY {names} HAVING count(*) > 1"
    )
    return bool(one_row(connection, f"SELECT count(*) FROM ({shared}) AS shared")[0])


def _known(key: Sequence[str]) -> str:
    return " AND ".join(f"{quote(name)} IS NOT NULL" for name in key)


def _missing(column: Column) -> str:
    return quote(f"_missing_{column.name}")
