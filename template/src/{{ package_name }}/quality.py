"""Checks from the contract: which rows may not be used, and why.

Each check is a SQL condition that is true where a row fails, so that millions of rows are checked
in one scan; the reasons are put together for the few that fail, which go to the table `quarantine`.
"""

from dataclasses import dataclass

import duckdb

from .contract import Column, Contract
from .errors import ProjectError
from .sql import literal, quote
from .table_file import MISSING_TOKENS
from .warehouse import one_row

SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "category": "VARCHAR",
    "datetime": "TIMESTAMP",
    "text": "VARCHAR",
}


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


def validate(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[Violation]:
    """Check every row of `raw`; write the failing ones to `quarantine` with their reasons.

    Returns the violations, the most frequent first.

    Raises:
        ProjectError: a column of the contract is missing from the data.

    """
    rows, checks = _typed_rows(connection, contract)
    reasons = [f"CASE WHEN {check.fails} THEN {literal(str(check))} END" for check in checks]
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE failing AS
        SELECT _source, _row, list_filter([{", ".join(reasons)}], lambda reason: reason IS NOT NULL)
            AS reasons
        FROM ({rows}) WHERE {_any(checks)}
        """
    )
    connection.execute(
        "CREATE OR REPLACE TABLE quarantine AS "
        "SELECT array_to_string(failing.reasons, '; ') AS reasons, raw.* "
        "FROM failing JOIN raw USING (_source, _row)"
    )
    found = connection.execute(
        "SELECT reason, count(*), min(_row) "
        "FROM (SELECT unnest(reasons) AS reason, _row FROM failing) GROUP BY reason"
    ).fetchall()
    figures = {reason: (count, first) for reason, count, first in found}
    violations = [
        Violation(check.column, check.reason, *figures[str(check)])
        for check in checks
        if str(check) in figures
    ]
    return sorted(violations, key=lambda violation: -violation.rows)


def valid_rows(connection: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """Give the SQL of the rows that pass every check, typed and named as the contract says."""
    rows, checks = _typed_rows(connection, contract)
    names = ", ".join(quote(column.name) for column in contract.used)
    return f"SELECT {names}, _source, _row FROM ({rows}) WHERE NOT coalesce({_any(checks)}, FALSE)"


def broken(connection: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[int, int, list[str]]:
    """Check the values of `clean`, whatever made them.

    Returns its rows, the values that break the contract, and the names of their columns.
    """
    checks = [
        check
        for column in contract.used
        for check in _checks(column, f"({quote(column.name)} IS NULL)")
        if check.reason != _no_type(column)  # the warehouse holds it to its type
    ]
    counts = [f"count(*) FILTER (WHERE {check.fails})" for check in checks]
    rows, *failing = one_row(connection, f"SELECT {', '.join(['count(*)', *counts])} FROM clean")
    names = [check.column for check, count in zip(checks, failing, strict=True) if count]
    return rows, sum(failing), sorted(set(names))


def _typed_rows(
    connection: duckdb.DuckDBPyConnection, contract: Contract
) -> tuple[str, list[Check]]:
    """Give the SQL of all rows with typed values, and the checks on them."""
    present = {row[0]: row[1] for row in connection.execute("DESCRIBE raw").fetchall()}
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
        value, missing = _typed(column, present.get(column.source))
        selected += [f"{value} AS {quote(column.name)}", f"{missing} AS {_missing(column)}"]
        checks += _checks(column, _missing(column))
    rows = f"SELECT {', '.join(selected)} FROM raw"
    if contract.id is not None and _has_duplicates(connection, rows, contract.id):
        newest = ", ".join(
            f"{quote(name)} DESC" for name in (*contract.time_order, "_source", "_row")
        )
        nth = f"row_number() OVER (PARTITION BY {quote(contract.id.name)} ORDER BY {newest})"
        rows = f"SELECT *, {nth} AS _nth FROM ({rows})"
        checks.append(Check(contract.id.name, "comes again with a newer row", "_nth > 1"))
    return rows, checks


def _typed(column: Column, raw_type: str | None) -> tuple[str, str]:
    """Give the SQL of a column's typed value, and of whether the source left it empty."""
    source, sql_type = quote(column.source), SQL_TYPES[column.type]
    if raw_type is None:  # rows that are to be scored come without the target
        return f"CAST(NULL AS {sql_type})", "TRUE"
    if raw_type in ("DOUBLE", "FLOAT"):
        missing = f"({source} IS NULL OR isnan({source}))"
    elif raw_type == "VARCHAR":
        tokens = ", ".join(literal(token) for token in MISSING_TOKENS)
        missing = f"({source} IS NULL OR trim({source}) IN ({tokens}))"
        source = f"trim({source})"
        if column.decimal == ",":
            source = f"replace(replace({source}, '.', ''), ',', '.')"
    else:
        return f"TRY_CAST({source} AS {sql_type})", f"{source} IS NULL"
    return f"CASE WHEN NOT {missing} THEN TRY_CAST({source} AS {sql_type}) END", missing


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


def _has_duplicates(connection: duckdb.DuckDBPyConnection, rows: str, column: Column) -> bool:
    value = quote(column.name)
    query = f"SELECT count({value}) > count(DISTINCT {value}) FROM ({rows})"
    return bool(one_row(connection, query)[0])


def _missing(column: Column) -> str:
    return quote(f"_missing_{column.name}")
