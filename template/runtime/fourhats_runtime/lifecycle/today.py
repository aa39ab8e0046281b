"""The client's rule of today: what is decided now, without a model, which a model has to beat.

It is SQL, `business.today` in config/, or a function, `Project(today=…)`. Either is given the
columns that are known when a prediction is asked for, and says of each row, from that row alone:

- of two classes, whether to act;
- of more, as if of which class to act;
- of a number, what to plan with.

NULL (of a function None or NaN) is none of these: as of WHERE, nothing comes of such a row. Nobody
acts, and nothing is planned with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fourhats_runtime.business import Business
from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.typed_values import SQL_TYPES
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.features import Columns, columns
from fourhats_runtime.tasks.rule import Policy

if TYPE_CHECKING:
    from fourhats_runtime.contract import Contract
    from fourhats_runtime.lifecycle.registry import Card
    from fourhats_runtime.project import Project

Decide = Callable[[Columns], NDArray[Any]]
NAME = "decide by today's rule"
"""As the policy is called, beside the others."""
SQL, FUNCTION = "business.today", "Project(today=…)"


@dataclass(frozen=True)
class Today:
    """Today's rule, in one of its two forms."""

    sql: str = ""
    function: Decide | None = None

    @classmethod
    def of(cls, project: Project) -> Today | None:
        """Give the rule of a project; None where it has none.

        Raises:
            ProjectError: it has two.

        """
        sql = project.settings(Business).today.strip()
        if sql and project.today is not None:
            raise ProjectError(f"today's rule is given twice, as {SQL} and as {FUNCTION}: keep one")
        return cls(sql, project.today) if sql or project.today is not None else None

    @classmethod
    def noted(cls, evaluation: Card, project: Project) -> Today | None:
        """Give the rule that a model was judged against; None where it is not known any more.

        SQL is noted with the evaluation. A function cannot be: it is the project's of now.
        """
        sql = (evaluation.get("today") or {}).get("sql")
        if sql:
            return cls(sql)
        return None if project.today is None else cls(function=project.today)

    @classmethod
    def has_changed(cls, evaluation: Card, project: Project) -> bool:
        """Tell whether a project has another rule than when a model was evaluated, as far as seen.

        A function may have changed unseen.
        """
        today, noted = cls.of(project), evaluation.get("today")
        return (None if today is None else today.sql) != (None if noted is None else noted["sql"])

    @property
    def name(self) -> str:
        """Where it stands, for messages."""
        return SQL if self.sql else FUNCTION

    def said(self, rows: Mapping[str, Sequence[object]], contract: Contract) -> list[Any]:
        """Give what the rule says of each row, None for nothing; a column may be missing.

        Raises:
            ProjectError: the rule cannot be evaluated, or gives other than one value a row; the
                text names it.

        """
        count = len(next(iter(rows.values()), ()))
        none = [None] * count
        row = columns({c.name: rows.get(c.name, none) for c in contract.features}, contract)
        said = _by_sql(self.sql, row, contract) if self.function is None else self._call(row)
        if len(said) != count:
            raise ProjectError(
                f"{self.name} gives {len(said):,} values for {count:,} rows: it takes one a row, "
                "of the row's own columns"
            )
        return [None if value != value else value for value in said]  # noqa: PLR0124 (NaN)

    def judged(
        self, rows: Mapping[str, Sequence[object]], contract: Contract
    ) -> tuple[Policy, Card]:
        """Decide on the holdout; gives the decisions, and what is noted of the rule.

        Raises:
            ProjectError: see `said` and `policy`; or it says nothing of any row.

        """
        said = self.said(rows, contract)
        silent = said.count(None)
        if silent == len(said):
            raise ProjectError(f"{self.name} is NULL for all of {silent:,} rows of the holdout")
        return self.policy(said, contract), {"sql": self.sql, "silent": silent, "rows": len(said)}

    def on(self, rows: Mapping[str, Sequence[object]], contract: Contract) -> Policy:
        """Decide on rows: see `said` and `policy`."""
        return self.policy(self.said(rows, contract), contract)

    def policy(self, said: Sequence[Any], contract: Contract) -> Policy:
        """Give decisions of what the rule says of each row.

        Raises:
            ProjectError: it is of another kind than the task takes.

        """
        acts = np.array([value is not None for value in said], dtype=bool)
        if not contract.classes:
            on = np.array([self._number(value) for value in said], dtype=np.float64)
            acts &= np.isfinite(on)
            return Policy(NAME, acts, np.where(acts, on, 0.0))
        if contract.positive is not None:
            self._see(said, lambda value: isinstance(value, bool), "true or false")
            positive = float(contract.classes.index(contract.positive))
            truths = np.array([value is True for value in said], dtype=bool)
            return Policy(NAME, truths, np.full(len(said), positive))
        self._see(said, contract.classes.__contains__, f"one of {', '.join(contract.classes)}")
        places = {name: float(place) for place, name in enumerate(contract.classes)}
        on = np.array([places.get(value, -1.0) for value in said], dtype=np.float64)
        return Policy(NAME, acts, on)

    def _see(self, said: Sequence[Any], able: Callable[[Any], bool], words: str) -> None:
        for value in said:
            if value is not None and not able(value):
                raise ProjectError(f"{self.name} gives {value!r}: it has to say {words}")

    def _number(self, value: object) -> float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ProjectError(f"{self.name} gives {value!r}: it has to say a number")
        return float(value)

    def _call(self, row: Columns) -> list[Any]:
        assert self.function is not None  # noqa: S101 (who calls has seen to it)
        try:
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.asarray(self.function(row))
        except KeyError as error:
            raise ProjectError(f"{FUNCTION} uses the column {error}{_there_are(row)}") from None
        except Exception as error:
            raise ProjectError(f"{FUNCTION}: {type(error).__name__}: {error}") from error
        if found.ndim != 1:
            raise ProjectError(
                f"{FUNCTION} gives the shape {found.shape}: it takes one value a row"
            )
        given: list[Any] = found.tolist()
        return given


def in_words(noted: Card) -> str:
    """Say which rule a model was judged against, and what it leaves open."""
    where = f"the SQL {noted['sql']!r} in config/" if noted["sql"] else "a function in src/"
    words = f"today's rule is {where}"
    if noted["silent"]:
        words += (
            f"; it is NULL for {noted['silent']:,} of {noted['rows']:,} rows of the holdout, on "
            "which it does not act"
        )
    return words


def _by_sql(sql: str, row: Columns, contract: Contract) -> list[Any]:
    """Evaluate an expression of DuckDB's, in a database that holds nothing but the columns."""
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in row.items()})
    typed = [
        duckdb.ColumnExpression(c.name).cast(duckdb.type(SQL_TYPES[c.type])).alias(c.name)
        for c in contract.features
    ]
    # No file, no network, and no variable of Python's either.
    with duckdb.connect(config={"enable_external_access": False, "threads": 1}) as connection:
        try:
            cases = connection.from_arrow(table).select(*typed)
            rule = duckdb.SQLExpression(sql)
            cases.filter(rule.isnotnull())  # as a condition it is of the row alone: no sum, no rank
            found = cases.select(rule).to_arrow_table()
        except duckdb.Error as error:
            unknown = _there_are(row) if "Referenced column" in str(error) else ""
            raise ProjectError(f"{SQL}: {reason(error)}{unknown}") from None
    if found.num_columns != 1:
        raise ProjectError(f"{SQL}: it has to be one expression, and gives {found.num_columns}")
    given: list[Any] = found.column(0).to_pylist()
    return given


def _there_are(row: Columns) -> str:
    return f" (there are, as features in config/contract.toml: {', '.join(row)})"
