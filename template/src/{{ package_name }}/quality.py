"""Checks from the contract: which rows may not be used, and why.

Each check is a SQL condition that is true where a row fails, so that millions of rows are checked
in one scan; the reasons are put together for the few that fail, which go to the table `quarantine`.
"""

from dataclasses import dataclass

from .contract import Column, Contract
from .errors import ProjectError
from .sql import literal, quote
from .typed_values import typed
from .warehouse import Connection, columns, count, one_row


@dataclass(frozen=True)
class Check:
    """A condition that is true where a row fails, and the reason in words."""

    column: str
    reason: str
    fails: str

    def __str__(self) -> str:
        """Put it in words."""
        return f"{self.column} {self.reason}"


@dataclass(frozen=True)
class Violation:
    """How many rows fail a check, and the number of the first of them."""

    column: str
    reason: str
    rows: int
    first_row: int

    def __str__(self) -> str:
        """Put it in words."""
        return f"{self.column} {self.reason}: {self.rows:,} rows (first: row {self.first_row:,})"


def validate(connection: Connection, contract: Contract) -> list[Violation]:
    """Check every row of `raw`; write the failing ones to `quarantine` with their reasons.

    Returns the violations, the most frequent first.

    Raises:
        ProjectError: a column of the contract is missing from the data.

    """
    rows, checks = _typed_rows(connection, contract)
    flags = [f"coalesce({check.fails}, FALSE) AS fails_{n}" for n, check in enumerate(checks)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE failing AS SELECT {', '.join(['_source', '_row', *flags])} "
        f"FROM ({rows}) AS typed WHERE {_any(checks)}"
    )
    reasons = " || ".join(
        f"CASE WHEN fails_{n} THEN {literal(f'; {check}')} ELSE '' END"
        for n, check in enumerate(checks)
    )
    nothing = literal("")
    connection.execute(
        f"CREATE OR REPLACE TABLE quarantine AS "
        f"SELECT substr({reasons or nothing}, 3) AS reasons, raw.* "
        "FROM failing JOIN raw ON raw._source = failing._source AND raw._row = failing._row"
    )
    violations = _counted(connection, checks)
    connection.execute("DROP TABLE failing")
    return sorted(violations, key=lambda violation: -violation.rows)


def _counted(connection: Connection, checks: list[Check]) -> list[Violation]:
    if not checks or not count(connection, "failing"):
        return []
    figures = one_row(
        connection,
        "SELECT "
        + ", ".join(
            f"count(CASE WHEN fails_{n} THEN 1 END), min(CASE WHEN fails_{n} THEN _row END)"
            for n in range(len(checks))
        )
        + " FROM failing",
    )
    return [
        Violation(check.column, check.reason, rows, first_row)
        for check, rows, first_row in zip(checks, figures[::2], figures[1::2], strict=True)
        if rows
    ]


def valid_rows(connection: Connection, contract: Contract) -> str:
    """Give the SQL of the rows that pass every check, typed and named as the contract says."""
    rows, checks = _typed_rows(connection, contract)
    names = ", ".join(quote(column.name) for column in contract.used)
    passes = f"NOT coalesce({_any(checks)}, FALSE)"
    return f"SELECT {names}, _source, _row FROM ({rows}) AS typed WHERE {passes}"


def broken(connection: Connection, contract: Contract) -> tuple[int, int, list[str]]:
    """Check the values of `clean`, whatever made them.

    Returns its rows, the values that break the contract, and the names of their columns.
    """
    checks = [
        check
        for column in contract.used
        for check in _checks(column, f"({quote(column.name)} IS NULL)")
        if check.reason != _no_type(column)  # the warehouse holds it to its type
    ]
    counts = [f"count(CASE WHEN {check.fails} THEN 1 END)" for check in checks]
    rows, *failing = one_row(connection, f"SELECT {', '.join(['count(*)', *counts])} FROM clean")
    names = [check.column for check, count in zip(checks, failing, strict=True) if count]
    return rows, sum(failing), sorted(set(names))


def _typed_rows(connection: Connection, contract: Contract) -> tuple[str, list[Check]]:
    """Give the SQL of all rows with typed values, and the checks on them."""
    present = columns(connection, "raw")
    absent = [c.source for c in contract.used if c.source not in present and c.role != "target"]
    if absent:
        names = ", ".join(name for name in present if not name.startswith("_"))
        raise ProjectError(
            f"the data has no column {absent[0]!r}, which config/contract.toml names "
            f"(it has: {names})"
        )
    selected = ["_source", "_row"]
    checks = []
    for column in contract.used:
        value, missing = typed(column, present.get(column.source))
        selected += [f"{value} AS {quote(column.name)}", f"{missing} AS {_missing(column)}"]
        checks += _checks(column, _missing(column))
    rows = f"SELECT {', '.join(selected)} FROM raw"
    if contract.id is not None and _has_duplicates(connection, rows, contract.id):
        newest = ", ".join(
            f"{quote(name)} DESC" for name in (*contract.time_order, "_source", "_row")
        )
        nth = f"row_number() OVER (PARTITION BY {quote(contract.id.name)} ORDER BY {newest})"
        rows = f"SELECT *, {nth} AS _nth FROM ({rows}) AS typed"
        checks.append(Check(contract.id.name, "comes again with a newer row", "_nth > 1"))
    return rows, checks


def _checks(column: Column, missing: str) -> list[Check]:
    value, checks = quote(column.name), []
    if column.type not in ("category", "text"):
        checks.append(Check(column.name, _no_type(column), f"{value} IS NULL AND NOT {missing}"))
    if not column.nullable and column.role != "target":  # an outcome may still be unknown
        checks.append(Check(column.name, "is missing", missing))
    if column.min is not None:
        checks.append(Check(column.name, f"is below {column.min:g}", f"{value} < {column.min}"))
    if column.max is not None:
        checks.append(Check(column.name, f"is above {column.max:g}", f"{value} > {column.max}"))
    if column.categories:
        known = ", ".join(literal(category) for category in column.categories)
        checks.append(Check(column.name, "is an unknown category", f"{value} NOT IN ({known})"))
    return checks


def _no_type(column: Column) -> str:
    return f"is no {column.type}"


def _any(checks: list[Check]) -> str:
    return " OR ".join(f"({check.fails})" for check in checks) or "FALSE"


def _has_duplicates(connection: Connection, rows: str, column: Column) -> bool:
    value = quote(column.name)
    query = f"SELECT count({value}) > count(DISTINCT {value}) FROM ({rows}) AS typed"
    return bool(one_row(connection, query)[0])


def _missing(column: Column) -> str:
    return quote(f"_missing_{column.name}")
