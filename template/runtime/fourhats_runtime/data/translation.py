"""The project's SQL in other words: DuckDB's, put by sqlglot into another dialect."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from fourhats_runtime.errors import ProjectError


class Dialect(Protocol):
    """A dialect of SQL."""

    dialect: str
    """What sqlglot calls it."""

    @staticmethod
    def adapt(tree: exp.Expr) -> list[exp.Expr]:
        """Say in the dialect what sqlglot does not, by one statement or by several."""


def translate(query: str, into: Dialect, rows: Sequence[Sequence[object]] = ()) -> list[str]:
    """Put a statement of DuckDB's into the dialect; with several rows of values, an INSERT.

    Raises:
        ProjectError: it is no SQL, or the dialect cannot say it.

    """
    try:
        tree = sqlglot.parse_one(query, read="duckdb")
        if isinstance(tree, exp.Block):  # a comment behind the last semicolon
            tree = tree.expressions[0]
        if rows:
            tree = _filled_in(tree, rows)
        return [
            each.sql(dialect=into.dialect, identify=True, unsupported_level=ErrorLevel.RAISE)
            for each in into.adapt(tree)
        ]
    except SqlglotError as error:
        raise ProjectError(f"{into.dialect}: {str(error).splitlines()[0]}") from None


def _filled_in(tree: exp.Expr, rows: Sequence[Sequence[object]]) -> exp.Expr:
    values = tree.find(exp.Values) if len(rows) > 1 else None
    if values is None:
        return exp.replace_placeholders(tree, *map(_value, rows[0]))
    (row,) = values.expressions
    filled = [exp.replace_placeholders(row.copy(), *map(_value, each)) for each in rows]
    values.set("expressions", filled)
    return tree


def _value(value: object) -> exp.Expr:
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
    return exp.convert(value)
